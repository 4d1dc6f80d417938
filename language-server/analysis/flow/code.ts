/**
 * Where control goes in the assembled code of one file: branches, calls, patched places, the ends of routines.
 */
import { alternativeRecords } from '../../../assembly/extable/alternatives.ts';
import { SHF } from '../../../assembly/elf/object.ts';
import type { ObjectFile, Relocation } from '../../../assembly/elf/object.ts';
import { decodeInstruction } from '../../../assembly/x86/decode.ts';
import type { Instruction } from '../../../assembly/x86/instruction.ts';
import type { Analysis, ObjectPlace, Routine } from '../analysis.ts';

/** A place in code; inside a replacement (see {@link Alternative}) it goes on behind what is replaced. */
export interface Node extends ObjectPlace {
  readonly replacement?: Alternative;
}

/** Code that the kernel may put in the place of other code at boot. */
export interface Alternative {
  readonly site: ObjectPlace;
  readonly length: number;
  readonly replacement: ObjectPlace;
  readonly replacementLength: number;
}

/** How a path through a routine ends. */
export type Ending =
  /** `ret`, or a jump to the kernel's return thunk. */
  | 'return'
  /** A jump to another function. */
  | 'tail-call'
  /** Control does not go on: `ud2`, `hlt`. */
  | 'dead'
  /** Where it goes is not known. */
  | 'lost';

export interface Step {
  readonly instruction: Instruction;
  /** A relocation fills in a field of it. */
  readonly relocated: boolean;
  /** Where it may go on, faults apart. */
  readonly next: readonly Node[];
  readonly ending?: Ending;
  /** The function that is called or jumped to, by name, if another file defines it or it is a function of this one. */
  readonly callee?: string;
  readonly calleeRoutine?: Routine;
  /** Its name is not defined in this file. */
  readonly external: boolean;
}

export function nodeKey({ section, offset, replacement }: Node): string {
  return replacement === undefined ? `${String(section)}:${String(offset)}` : `${String(section)}:${String(offset)}>${String(replacement.site.offset)}`;
}

/** What `RET` jumps to in kernels that guard their returns. */
export const RETURN_THUNK = /^(__x86_return_thunk|srso_return_thunk|retbleed_return_thunk|its_return_thunk)$/;
const DEAD = /^(ud[012]|hlt|int3)$/;

export class Code {
  readonly #analysis: Analysis;
  readonly #object: ObjectFile;
  readonly #routineAt: ReadonlyMap<string, Routine>;
  readonly #alternatives = new Map<string, Alternative[]>();
  readonly #relocations = new Map<number, ReadonlyMap<number, Relocation>>();
  readonly #steps = new Map<string, Step | undefined>();
  /** Which code gets patched cannot be told. */
  readonly unreadable: boolean;

  constructor(analysis: Analysis) {
    const { object, routines } = analysis;
    this.#analysis = analysis;
    this.#object = object;
    this.#routineAt = new Map(routines.map((routine) => [`${String(routine.section)}:${String(routine.start)}`, routine]));
    const records = alternativeRecords(object);
    this.unreadable = records === undefined;
    for (const record of records ?? []) {
      const site = this.#placeIn(record.siteSection, record.site);
      const replacement = this.#placeIn(record.replacementSection, record.replacement);
      if (site === undefined || replacement === undefined) continue;
      const key = nodeKey(site);
      const alternative = { site, length: record.length, replacement, replacementLength: record.replacementLength };
      const list = this.#alternatives.get(key);
      if (list === undefined) this.#alternatives.set(key, [alternative]);
      else list.push(alternative);
    }
  }

  #placeIn(section: string | undefined, offset: bigint): ObjectPlace | undefined {
    const index = this.#object.sections.findIndex(({ name }) => name === section);
    return index < 0 ? undefined : { section: index, offset: Number(offset) };
  }

  isCode(section: number): boolean {
    return ((this.#object.sections[section]?.flags ?? 0) & SHF.EXECINSTR) !== 0;
  }

  /** The nodes at which control may be when it reaches `place`: the code there, and what may be put in its stead. */
  enter(place: ObjectPlace): readonly Node[] {
    const alternatives = this.#alternatives.get(nodeKey(place));
    if (alternatives === undefined) return [{ section: place.section, offset: place.offset }];
    const replaced = alternatives.flatMap((alternative): readonly Node[] =>
      (alternative.replacementLength === 0 ? this.#behind(alternative) : [{ ...alternative.replacement, replacement: alternative }]));
    // With SMAP, stac and clac are there both, without it neither matters: only the first is of interest.
    if (alternatives.every((alternative) => this.#isSmap(alternative))) return replaced;
    return [{ section: place.section, offset: place.offset }, ...replaced];
  }

  #behind({ site, length }: Alternative): readonly Node[] {
    return length === 0 ? [] : this.enter({ section: site.section, offset: site.offset + length });
  }

  #isSmap({ replacement, replacementLength }: Alternative): boolean {
    const instruction = this.#decode(replacement);
    return instruction !== undefined && instruction.length === replacementLength && /^(stac|clac)$/.test(instruction.mnemonic);
  }

  #decode({ section, offset }: ObjectPlace): Instruction | undefined {
    const bytes = this.#object.sections[section]?.bytes.subarray(offset, offset + 15);
    return bytes === undefined || bytes.length === 0 ? undefined : decodeInstruction(bytes, BigInt(offset));
  }

  /** What stands at `node` and where control goes from there; undefined where there is no code, or some could not be assembled. */
  step(node: Node): Step | undefined {
    const key = nodeKey(node);
    if (!this.#steps.has(key)) this.#steps.set(key, this.#makeStep(node));
    return this.#steps.get(key);
  }

  #makeStep(node: Node): Step | undefined {
    const instruction = this.isCode(node.section) ? this.#decode(node) : undefined;
    if (instruction === undefined || instruction.mnemonic === '(bad)' || this.#analysis.instructionAt(node)?.afterGap === true) return undefined;
    const relocation = this.#relocationIn(node, instruction.length);
    const base = { instruction, relocated: relocation !== undefined, external: false };
    if (DEAD.test(instruction.mnemonic)) return { ...base, next: [], ending: 'dead' };
    switch (instruction.flow) {
      case 'return': return { ...base, next: [], ending: /^ret$/.test(instruction.mnemonic) ? 'return' : 'lost' };
      case 'jump': return this.#jump(node, instruction, relocation, []);
      case 'conditional': return this.#jump(node, instruction, relocation, this.#following(node, instruction));
      case 'call': {
        const target = this.#target(node, instruction, relocation);
        const routine = target.place === undefined ? undefined : this.#routineAt.get(nodeKey(target.place));
        // A call of a place that is no routine is one of the tricks that take their return address off the stack.
        if (target.name === undefined && routine === undefined) return { ...base, next: [], ending: 'lost' };
        return {
          ...base, next: this.#following(node, instruction), external: target.name !== undefined,
          ...(target.name ?? routine?.name) === undefined ? {} : { callee: target.name ?? routine!.name }, ...(routine === undefined ? {} : { calleeRoutine: routine }),
        };
      }
      case 'indirect-call': return { ...base, next: this.#following(node, instruction), external: true };
      case 'next': case 'exception': return { ...base, next: this.#following(node, instruction) };
      case 'interrupt': case 'indirect-jump': case 'other': return { ...base, next: [], ending: 'lost' };
    }
  }

  #jump(node: Node, instruction: Instruction, relocation: Relocation | undefined, following: readonly Node[]): Step {
    const base = { instruction, relocated: relocation !== undefined };
    const { name, place } = this.#target(node, instruction, relocation);
    if (name !== undefined && RETURN_THUNK.test(name)) return { ...base, next: following, ending: 'return', external: false };
    if (name !== undefined || place === undefined) return { ...base, next: following, ending: place === undefined && name === undefined ? 'lost' : /indirect_thunk/.test(name!) ? 'lost' : 'tail-call', external: true, ...(name === undefined ? {} : { callee: name }) };
    const routine = this.#routineAt.get(nodeKey(place));
    const own = this.#routineAround(node);
    if (routine?.isFunction === true && routine !== own) return { ...base, next: following, ending: 'tail-call', external: false, callee: routine.name, calleeRoutine: routine };
    return { ...base, next: [...following, ...this.enter(place)], external: false };
  }

  #routineAround(node: Node): Routine | undefined {
    const place = node.replacement?.site ?? node;
    return [...this.#routineAt.values()].findLast((one) => one.section === place.section && one.start <= place.offset && place.offset < one.end);
  }

  #following(node: Node, instruction: Instruction): readonly Node[] {
    const offset = node.offset + instruction.length;
    const { replacement } = node;
    if (replacement !== undefined) {
      if (offset >= replacement.replacement.offset + replacement.replacementLength) return this.#behind(replacement);
      return [{ section: node.section, offset, replacement }];
    }
    const place = { section: node.section, offset };
    return this.enter(place);
  }

  #target(node: Node, instruction: Instruction, relocation: Relocation | undefined): { readonly name?: string; readonly place?: ObjectPlace } {
    if (relocation === undefined) return instruction.target === undefined ? {} : { place: { section: node.section, offset: Number(BigInt.asIntN(64, instruction.target)) } };
    const symbol = this.#object.symbols[relocation.symbol];
    if (symbol === undefined) return {};
    if (typeof symbol.section !== 'number') return { name: symbol.name };
    // The field is the last of the instruction, and the target counts from its end.
    const distance = BigInt(node.offset + instruction.length - relocation.offset);
    return { place: { section: symbol.section, offset: Number(symbol.value + relocation.addend + distance) } };
  }

  #relocationIn(node: ObjectPlace, length: number): Relocation | undefined {
    let known = this.#relocations.get(node.section);
    if (known === undefined) {
      known = new Map((this.#object.sections[node.section]?.relocations ?? []).map((relocation) => [relocation.offset, relocation]));
      this.#relocations.set(node.section, known);
    }
    for (let offset = node.offset; offset < node.offset + length; offset++) {
      const relocation = known.get(offset);
      if (relocation !== undefined) return relocation;
    }
    return undefined;
  }
}
