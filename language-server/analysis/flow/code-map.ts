/**
 * The code of one version of a file, cut into pieces where control may come in from elsewhere: where routines begin and end, at landing pads,
 * and where the code begins that the kernel may put in the place of other code. A piece says what it holds in words that do not depend on
 * where it lies, so that it can be known again in a later version.
 */
import { alternativeRecords } from '../../../assembly/extable/alternatives.ts';
import { SHF } from '../../../assembly/elf/object.ts';
import type { ObjectFile, Relocation } from '../../../assembly/elf/object.ts';
import type { Analysis, EntrySite, InstructionSite, ObjectPlace, Routine } from '../analysis.ts';
import { placeKey } from '../analysis.ts';
import { contractsOf } from '../contracts.ts';
import type { Contract } from '../contracts.ts';
import { firstIndex } from '../first-index.ts';
import { joinRoutines } from '../instruction-sites.ts';
import { pushTo } from '../multimap.ts';

/** A stretch of a code section. */
export interface Piece {
  readonly section: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** The innermost routine that it belongs to. */
  readonly routine?: Routine;
}

/** Code that the kernel may put in the place of other code at boot. */
export interface AlternativeSite {
  readonly site: ObjectPlace;
  readonly length: number;
  readonly replacement: ObjectPlace;
  readonly replacementLength: number;
}

/** A way from a piece to another place, in words that hold wherever the two lie. */
export type Reference =
  /** So many bytes from the piece's start. */
  | { readonly by: 'distance'; readonly distance: number }
  /** What the relocation at `at` (from the piece's start) leads to, for a field that counts from `end` bytes behind it. */
  | { readonly by: 'relocation'; readonly at: number; readonly end: number }
  /** The landing pad of entry `index` of the instruction at `at`. */
  | { readonly by: 'entry'; readonly at: number; readonly index: number }
  /** The replacement of alternative `index` of the place at `at`. */
  | { readonly by: 'alternative'; readonly at: number; readonly index: number };

/** The length of a site is a byte in the record. */
const LONGEST_SITE = 255;

/** What a jump or call leads to in a file, if not just on: a routine's name. */
export type Transfer = 'jump' | 'call';

export class CodeMap {
  readonly object: ObjectFile;
  /** Which code gets patched cannot be told. */
  readonly unreadable: boolean;
  readonly #analysis: Analysis;
  readonly #pieces: readonly Piece[];
  readonly #routineAt: ReadonlyMap<string, Routine>;
  readonly #ofRoutine = new Map<Routine | undefined, Piece[]>();
  /** By section, sorted by site; those of one site in the order of the records. */
  readonly #alternatives = new Map<number, AlternativeSite[]>();
  readonly #relocations = new Map<number, readonly Relocation[]>();
  readonly #contents = new Map<Piece, string>();

  constructor(analysis: Analysis) {
    const { object, routines } = analysis;
    this.#analysis = analysis;
    this.object = object;
    // Of several at one place the last.
    this.#routineAt = new Map(routines.map((routine) => [placeKey({ section: routine.section, offset: routine.start }), routine]));
    const records = alternativeRecords(object);
    this.unreadable = records === undefined;
    const indexOf = new Map(object.sections.map(({ name }, index) => [name, index]));
    for (const record of records ?? []) {
      const [site, replacement] = [indexOf.get(record.siteSection ?? ''), indexOf.get(record.replacementSection ?? '')];
      if (site === undefined || replacement === undefined) continue;
      pushTo(this.#alternatives, site, {
        site: { section: site, offset: Number(record.site) }, length: record.length,
        replacement: { section: replacement, offset: Number(record.replacement) }, replacementLength: record.replacementLength,
      });
    }
    for (const list of this.#alternatives.values()) list.sort((a, b) => a.site.offset - b.site.offset);
    this.#pieces = this.#cut();
    for (const piece of this.#pieces) pushTo(this.#ofRoutine, piece.routine, piece);
  }

  #cut(): readonly Piece[] {
    const cuts = new Map<number, number[]>();
    for (const { section, start, end } of this.#analysis.routines) {
      pushTo(cuts, section, start);
      pushTo(cuts, section, end);
    }
    for (const { fixup } of this.#analysis.entries) if (fixup !== undefined) pushTo(cuts, fixup.section, fixup.offset);
    for (const { replacement } of [...this.#alternatives.values()].flat()) pushTo(cuts, replacement.section, replacement.offset);
    const pieces = this.object.sections.flatMap(({ bytes, flags }, section) => {
      if ((flags & SHF.EXECINSTR) === 0) return [];
      const places = [...new Set([0, ...cuts.get(section) ?? []])].filter((place) => place >= 0 && place < bytes.length).sort((a, b) => a - b);
      return places.map((offset, index): { section: number; offset: number; end: number; routine?: Routine } => ({ section, offset, end: places[index + 1] ?? bytes.length }));
    });
    joinRoutines(pieces, this.#analysis.routines);
    return pieces.map(({ section, offset, end, routine }) => ({ section, start: offset, end, ...(routine === undefined ? {} : { routine }) }));
  }

  /** Whether places of the section are code. */
  isCode(section: number): boolean {
    return ((this.object.sections[section]?.flags ?? 0) & SHF.EXECINSTR) !== 0;
  }

  /** The piece that holds a place; undefined where there is no code. */
  pieceAt({ section, offset }: ObjectPlace): Piece | undefined {
    const piece = this.#pieces[firstIndex(this.#pieces, (one) => one.section > section || (one.section === section && one.start > offset)) - 1];
    return piece?.section === section && offset < piece.end && offset >= piece.start ? piece : undefined;
  }

  /** The pieces whose innermost routine it is, in order; for undefined: those that no name covers. */
  piecesOf(routine: Routine | undefined): readonly Piece[] {
    return this.#ofRoutine.get(routine) ?? [];
  }

  /** The routine that begins at a place. */
  routineAt(place: ObjectPlace): Routine | undefined {
    return this.#routineAt.get(placeKey(place));
  }

  /** The routine that control is handed to by a jump or call out of `from`; a jump that stays inside of its function hands nothing on. */
  calleeOf(transfer: Transfer, from: Routine | undefined, place: ObjectPlace): Routine | undefined {
    const routine = this.routineAt(place);
    return transfer === 'call' || (routine?.isFunction === true && routine !== from) ? routine : undefined;
  }

  /** What is put in the place of the code that begins at a place, in the order of the records. */
  alternativesAt({ section, offset }: ObjectPlace): readonly AlternativeSite[] {
    return this.#alternativesOver(section, offset, offset + 1).filter(({ site }) => site.offset === offset);
  }

  /** Those whose sites have a byte between `start` and `end`; one without a length counts as a byte. */
  #alternativesOver(section: number, start: number, end: number): readonly AlternativeSite[] {
    const list = this.#alternatives.get(section);
    if (list === undefined) return [];
    const from = firstIndex(list, ({ site }) => site.offset >= start - LONGEST_SITE);
    const to = firstIndex(list, ({ site }) => site.offset >= end);
    return list.slice(from, to).filter(({ site, length }) => site.offset + Math.max(length, 1) > start);
  }

  /** Whether the instruction at a place may be replaced. */
  isPatched({ section, offset }: ObjectPlace): boolean {
    return this.unreadable || this.#alternativesOver(section, offset, offset + 1).some(({ length }) => length > 0);
  }

  siteAt(place: ObjectPlace): InstructionSite | undefined {
    return this.#analysis.instructionAt(place);
  }

  /** The instructions that begin in a piece. */
  sitesIn({ section, start, end }: Piece): readonly InstructionSite[] {
    const { instructions } = this.#analysis;
    const from = firstIndex(instructions, (site) => site.section > section || (site.section === section && site.offset >= start));
    let to = from;
    while (to < instructions.length && instructions[to]!.section === section && instructions[to]!.offset < end) to++;
    return instructions.slice(from, to);
  }

  contractOf(routine: Routine | undefined): Contract | undefined {
    return routine === undefined ? undefined : contractsOf(this.#analysis).of(routine);
  }

  /** The first relocation of the bytes from `start` to `end`. */
  relocationIn(section: number, start: number, end: number): Relocation | undefined {
    const relocations = this.#relocationsOf(section);
    const found = relocations[firstIndex(relocations, ({ offset }) => offset >= start)];
    return found !== undefined && found.offset < end ? found : undefined;
  }

  #relocationsOf(section: number): readonly Relocation[] {
    let known = this.#relocations.get(section);
    if (known === undefined) this.#relocations.set(section, known = [...this.object.sections[section]?.relocations ?? []].sort((a, b) => a.offset - b.offset));
    return known;
  }

  /** The name of the symbol that another file defines, of a relocation. */
  externalOf({ symbol }: Relocation): string | undefined {
    const found = this.object.symbols[symbol];
    return found === undefined || typeof found.section === 'number' ? undefined : found.name;
  }

  /** Where a reference of a piece leads; undefined where that is in no section of the file. */
  resolve(piece: Piece, reference: Reference): ObjectPlace | undefined {
    const { section, start } = piece;
    switch (reference.by) {
      case 'distance': return { section, offset: start + reference.distance };
      case 'relocation': {
        const relocation = this.relocationIn(section, start + reference.at, start + reference.at + 1);
        const symbol = relocation === undefined ? undefined : this.object.symbols[relocation.symbol];
        return relocation === undefined || typeof symbol?.section !== 'number' ? undefined : { section: symbol.section, offset: Number(symbol.value + relocation.addend) + reference.end };
      }
      case 'entry': return this.siteAt({ section, offset: start + reference.at })?.entries[reference.index]?.fixup;
      case 'alternative': return this.alternativesAt({ section, offset: start + reference.at })[reference.index]?.replacement;
    }
  }

  /** What a piece holds: equal for pieces of which the same can be said, apart from where their references lead. */
  contentOf(piece: Piece): string {
    let content = this.#contents.get(piece);
    if (content === undefined) this.#contents.set(piece, content = this.#describe(piece));
    return content;
  }

  #describe(piece: Piece): string {
    const { section, start, end } = piece;
    const words: string[] = [];
    for (const site of this.sitesIn(piece)) words.push(String(site.offset - start), ...(site.afterGap ? ['gap'] : []), ...site.entries.map(entryContent));
    const relocations = this.#relocationsOf(section);
    for (let index = firstIndex(relocations, ({ offset }) => offset >= start); index < relocations.length && relocations[index]!.offset < end; index++) {
      words.push(`reloc ${String(relocations[index]!.offset - start)} ${this.externalOf(relocations[index]!) ?? '\n'}`);
    }
    for (const { site, length, replacementLength } of this.#alternativesOver(section, start, end)) words.push(`patch ${String(site.offset - start)} ${String(length)} ${String(replacementLength)}`);
    return `${this.unreadable ? '?' : ''}${words.join('\n')}\n\n${latin1(this.object.sections[section]!.bytes.subarray(start, end))}`;
  }
}

/** What an entry says beside its names, its place and where its landing pad is. */
function entryContent({ type, layout, register, flags, immediate, isDescriptor, fixup }: EntrySite): string {
  return `entry ${[type, layout, register, flags, immediate, isDescriptor, fixup !== undefined].join(' ')}`;
}

/** Bytes a call of `fromCharCode` takes at most. */
const CHUNK = 4096;

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

const maps = new WeakMap<Analysis, CodeMap>();

/** The map of a file's code, made when first asked for. */
export function codeMap(analysis: Analysis): CodeMap {
  let map = maps.get(analysis);
  if (map === undefined) maps.set(analysis, map = new CodeMap(analysis));
  return map;
}
