/**
 * Places and names that findings speak of, by what stands there: in each version of a file they are looked up anew, since lines move.
 */
import type { SourceRange } from '../../assembly/source.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis, EntrySite, InstructionSite, Routine } from '../analysis/analysis.ts';
import { placeKey } from '../analysis/analysis.ts';
import type { Entry, Node } from '../analysis/flow/code.ts';
import type { Piece } from '../analysis/flow/code-map.ts';
import type { Met } from '../analysis/flow/trail.ts';

/** Where something was written: the routine's label, an instruction, an entry. */
export type Mark =
  | { readonly mark: 'routine' }
  | { readonly mark: 'instruction'; readonly place: Met }
  | { readonly mark: 'entry'; readonly place: Met; readonly index: number };

/** A text with names in it that are looked up. */
export type Words = readonly (string | Name)[];

/** The routine's name, of an entry the names of its fault site and its landing pad, of an instruction its line and its text. */
type Name = { readonly name: 'routine' } | { readonly name: 'site' | 'pad' | 'line' | 'text'; readonly of: Mark };

export const theRoutine: Mark = { mark: 'routine' };
export const routineName: Name = { name: 'routine' };

/** The mark of an instruction. */
export function at({ piece, offset }: Node): Mark {
  return { mark: 'instruction', place: { piece, offset } };
}

export function ofEntry({ node: { piece, offset }, index }: Entry): Mark {
  return { mark: 'entry', place: { piece, offset }, index };
}

export function siteName(entry: Entry): Name {
  return { name: 'site', of: ofEntry(entry) };
}

export function padName(entry: Entry): Name {
  return { name: 'pad', of: ofEntry(entry) };
}

export function lineOf(node: Node): Name {
  return { name: 'line', of: at(node) };
}

export function textOf(node: Node): Name {
  return { name: 'text', of: at(node) };
}

/** A text as {@link Words}. */
export function say(texts: TemplateStringsArray, ...names: readonly (string | number | bigint | Name | Words)[]): Words {
  return texts.flatMap((text, index): Words => {
    const name = names[index];
    if (name === undefined) return [text];
    return [text, ...(Array.isArray(name) ? name as Words : [typeof name === 'object' ? name as Name : String(name)])];
  });
}

/** Finds what is marked in one version of the file; `pieces` are those of the trail there. */
export class Lookup {
  readonly #analysis: Analysis;
  readonly #pieces: readonly Piece[];
  readonly #routine: Routine | undefined;

  constructor(analysis: Analysis, pieces: readonly Piece[], routine: Routine | undefined) {
    this.#analysis = analysis;
    this.#pieces = pieces;
    this.#routine = routine;
  }

  /** Equal for marks of the same thing in one file. */
  key(mark: Mark): string {
    if (mark.mark === 'routine') return `routine ${this.#routine?.name ?? ''}`;
    const { section, start } = this.#pieces[mark.place.piece]!;
    const key = placeKey({ section, offset: start + mark.place.offset });
    return mark.mark === 'entry' ? `${key} ${String(mark.index)}` : key;
  }

  range(mark: Mark): SourceRange | undefined {
    switch (mark.mark) {
      case 'routine': return this.#routine?.range;
      case 'instruction': return this.#site(mark.place)?.statement.range;
      case 'entry': return this.#entry(mark)?.range;
    }
  }

  text(words: Words): string {
    return words.map((word) => (typeof word === 'string' ? word : this.#name(word))).join('');
  }

  #name(name: Name): string {
    if (name.name === 'routine') return this.#routine?.name ?? '';
    switch (name.name) {
      case 'site': return this.#entry(name.of)?.insnName ?? '?';
      case 'pad': return this.#entry(name.of)?.fixupName ?? '?';
      case 'line': {
        const range = this.range(name.of);
        return range === undefined ? '?' : String(writtenPosition(range.start).line);
      }
      case 'text': return name.of.mark === 'routine' ? '' : this.#site(name.of.place)?.instruction.text ?? '?';
    }
  }

  #site({ piece, offset }: Met): InstructionSite | undefined {
    const found = this.#pieces[piece];
    return found === undefined ? undefined : this.#analysis.instructionAt({ section: found.section, offset: found.start + offset });
  }

  #entry(mark: Mark): EntrySite | undefined {
    return mark.mark === 'entry' ? this.#site(mark.place)?.entries[mark.index] : undefined;
  }
}
