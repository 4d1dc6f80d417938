/**
 * Where control goes in the code of one file, seen from one routine: branches, calls, patched places, the ends of routines. Places are told
 * by pieces (see code-map.ts) in the order in which they are met, so that all that is said stays true when the code moves; what is asked of
 * the file is kept in a trail.
 */
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../../../assembly/x86/decode.ts';
import type { Instruction } from '../../../assembly/x86/instruction.ts';
import type { EntrySite, InstructionSite, ObjectPlace } from '../analysis.ts';
import { contractKey } from '../contracts.ts';
import type { Contract } from '../contracts.ts';
import type { CodeMap, Piece, Reference, Transfer } from './code-map.ts';
import { metAt, NO_CODE, Trail } from './trail.ts';
import type { Met, Subject } from './trail.ts';

/** A place in code; inside a replacement (see {@link Alternative}) it goes on behind what is replaced. */
export interface Node extends Met {
  readonly replacement?: Replaced;
}

interface Replaced {
  readonly alternative: Alternative;
  /** Bytes of the replacement in front of the place. */
  readonly done: number;
}

/** Code that the kernel may put in the place of other code at boot. */
interface Alternative {
  readonly site: Met;
  readonly length: number;
  readonly replacement: Met;
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
  /** The function that is called or jumped to, by name, if another file defines it or it is a routine of this one. */
  readonly callee?: string;
  /** The callee is a routine of this file. */
  readonly isOwnCallee: boolean;
  /** Its name is not defined in this file. */
  readonly external: boolean;
}

/** What an entry says, with the places its landing pad stands for. */
export interface Entry extends Pick<EntrySite, 'layout' | 'type' | 'register' | 'flags' | 'immediate' | 'isDescriptor'> {
  /** The instruction it covers, and which of that one's entries it is. */
  readonly node: Node;
  readonly index: number;
  /** Where control may be when it reaches the landing pad; none if there is none, or it is no code. */
  readonly landings: readonly Node[];
}

/** An instruction that somebody wrote. */
export interface CodeSite {
  readonly node: Node;
  readonly instruction: Instruction;
  readonly entries: readonly Entry[];
  /** See {@link InstructionSite.afterGap}. */
  readonly afterGap: boolean;
}

export function nodeKey({ piece, offset, replacement }: Node): string {
  return replacement === undefined ? `${String(piece)}:${String(offset)}` : `${String(piece)}:${String(offset)}>${String(replacement.alternative.site.piece)}:${String(replacement.alternative.site.offset)}`;
}

/** What `RET` jumps to in kernels that guard their returns. */
export const RETURN_THUNK = /^(__x86_return_thunk|srso_return_thunk|retbleed_return_thunk|its_return_thunk)$/;
const DEAD = /^(ud[012]|hlt|int3)$/;

export class Code {
  readonly subject: Subject;
  readonly trail: Trail;
  readonly #map: CodeMap;
  readonly #pieces: Piece[] = [];
  readonly #numbers = new Map<Piece, number>();
  readonly #reached = new Map<string, Met>();
  readonly #alternatives = new Map<string, readonly Alternative[]>();
  readonly #steps = new Map<string, Step | undefined>();
  readonly #sites = new Map<string, CodeSite | undefined>();
  readonly #contracts = new Map<number, Contract | undefined>();

  constructor(map: CodeMap, subject: Subject) {
    this.#map = map;
    this.subject = subject;
    this.trail = new Trail(subject.own.length);
    for (const piece of [subject.start, ...subject.own]) this.#meet(piece);
  }

  /** Which code gets patched cannot be told, so no way through it can. */
  get unreadable(): boolean {
    return this.#map.unreadable;
  }

  /** The pieces by their numbers. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** Where the routine begins. */
  get starts(): readonly Node[] {
    return this.enter({ piece: 0, offset: 0 });
  }

  /** The routine's own instructions, in order. */
  ownSites(): readonly CodeSite[] {
    return this.subject.own.flatMap((piece) => this.#map.sitesIn(piece).map(({ offset }) => this.site({ piece: this.#meet(piece), offset: offset - piece.start })!));
  }

  /** The node of one of the routine's own instructions. */
  nodeOf({ section, offset }: ObjectPlace): Node | undefined {
    const piece = this.#map.pieceAt({ section, offset });
    const number = piece === undefined ? undefined : this.#numbers.get(piece);
    return number === undefined ? undefined : { piece: number, offset: offset - piece!.start };
  }

  /** True for a place in the routine itself, not in code that it shares with others or borrows. */
  isOwn({ piece }: Node): boolean {
    return this.#pieces[piece]?.routine === this.subject.routine;
  }

  /** What the routine promises that a place belongs to. */
  contractAt({ piece }: Node): Contract | undefined {
    if (!this.#contracts.has(piece)) {
      const contract = this.#map.contractOf(this.#pieces[piece]?.routine);
      if (this.#pieces[piece] !== undefined) this.trail.ask({ asked: 'contract', piece, answer: contractKey(contract) });
      this.#contracts.set(piece, contract);
    }
    return this.#contracts.get(piece);
  }

  /** Whether other code may be put in the place of the instruction. */
  isPatched(node: Node): boolean {
    return this.#map.isPatched(this.placeOf(node)!);
  }

  /** What was written at a place; undefined where the bytes are data, or the middle of an instruction. */
  site(node: Node): CodeSite | undefined {
    const key = nodeKey(node);
    if (!this.#sites.has(key)) this.#sites.set(key, this.#makeSite(node));
    return this.#sites.get(key);
  }

  #makeSite(node: Node): CodeSite | undefined {
    const place = this.placeOf(node);
    const site = place === undefined ? undefined : this.#map.siteAt(place);
    const instruction = site === undefined ? undefined : this.#instruction(node);
    if (site === undefined || instruction === undefined) return undefined;
    // What is put in the place of other code is covered by none of the entries.
    return { node, instruction, afterGap: site.afterGap, entries: node.replacement === undefined ? this.#entries(node, site) : [] };
  }

  #entries(node: Node, { entries }: InstructionSite): readonly Entry[] {
    return entries.map(({ layout, type, register, flags, immediate, isDescriptor, fixup }, index) => {
      const pad = fixup === undefined || isDescriptor ? undefined : this.#reach(node.piece, { by: 'entry', at: node.offset, index });
      return { node, index, layout, type, register, flags, immediate, isDescriptor, landings: pad === undefined || pad.piece === NO_CODE ? [] : this.enter(pad) };
    });
  }

  /** The entries of a place. */
  entriesAt(node: Node): readonly Entry[] {
    return this.site(node)?.entries ?? [];
  }

  /** What stands at `node` and where control goes from there; undefined where there is no code, or some could not be assembled. */
  step(node: Node): Step | undefined {
    const key = nodeKey(node);
    if (!this.#steps.has(key)) this.#steps.set(key, this.#makeStep(node));
    return this.#steps.get(key);
  }

  #makeStep(node: Node): Step | undefined {
    const instruction = this.#instruction(node);
    if (instruction === undefined || instruction.mnemonic === '(bad)' || this.#map.siteAt(this.placeOf(node)!)?.afterGap === true) return undefined;
    const target = this.#target(node, instruction);
    const base = { instruction, relocated: target.relocated, external: false, isOwnCallee: false };
    if (DEAD.test(instruction.mnemonic)) return { ...base, next: [], ending: 'dead' };
    switch (instruction.flow) {
      case 'return': return { ...base, next: [], ending: /^ret$/.test(instruction.mnemonic) ? 'return' : 'lost' };
      case 'jump': return this.#jump(node, instruction, target, []);
      case 'conditional': return this.#jump(node, instruction, target, this.#following(node, instruction));
      case 'call': {
        if (target.name !== undefined) return { ...base, next: this.#following(node, instruction), external: true, callee: target.name };
        const callee = target.reference === undefined ? undefined : this.#callee('call', node, target.reference);
        // A call of a place that is no routine is one of the tricks that take their return address off the stack.
        return callee === undefined ? { ...base, next: [], ending: 'lost' } : { ...base, next: this.#following(node, instruction), callee, isOwnCallee: true };
      }
      case 'indirect-call': return { ...base, next: this.#following(node, instruction), external: true };
      case 'next': case 'exception': return { ...base, next: this.#following(node, instruction) };
      case 'interrupt': case 'indirect-jump': case 'other': return { ...base, next: [], ending: 'lost' };
    }
  }

  #jump(node: Node, instruction: Instruction, { name, reference, relocated }: Target, following: readonly Node[]): Step {
    const base = { instruction, relocated, external: name !== undefined || reference === undefined, isOwnCallee: false };
    if (name !== undefined) {
      if (RETURN_THUNK.test(name)) return { ...base, next: following, ending: 'return', external: false };
      return { ...base, next: following, ending: name.includes('indirect_thunk') ? 'lost' : 'tail-call', callee: name };
    }
    if (reference === undefined) return { ...base, next: following, ending: 'lost' };
    const callee = this.#callee('jump', node, reference);
    if (callee !== undefined) return { ...base, next: following, ending: 'tail-call', callee, isOwnCallee: true };
    return { ...base, next: [...following, ...this.enter(this.#reach(node.piece, reference))] };
  }

  #callee(transfer: Transfer, node: Node, reference: Reference): string | undefined {
    const place = this.#map.resolve(this.#pieces[node.piece]!, reference);
    // Code that is put in the place of other code belongs to that one's routine.
    const from = node.replacement === undefined ? node.piece : node.replacement.alternative.site.piece;
    const answer = place === undefined ? undefined : this.#map.calleeOf(transfer, this.#pieces[from]?.routine, place)?.name;
    this.trail.ask({ asked: 'callee', piece: node.piece, from, reference, transfer, answer });
    return answer;
  }

  /** The nodes at which control may be when it reaches a place: the code there, and what may be put in its stead. */
  enter(place: Met): readonly Node[] {
    const node = { piece: place.piece, offset: place.offset };
    const alternatives = this.#alternativesAt(node);
    if (alternatives.length === 0) return [node];
    const replaced = alternatives.flatMap((alternative): readonly Node[] =>
      (alternative.replacementLength === 0 ? this.#behind(alternative) : [{ ...alternative.replacement, replacement: { alternative, done: 0 } }]));
    // With SMAP, stac and clac are there both, without it neither matters: only the first is of interest.
    return alternatives.every((alternative) => this.#isSmap(alternative)) ? replaced : [node, ...replaced];
  }

  #alternativesAt(site: Met): readonly Alternative[] {
    const place = this.placeOf(site);
    const found = place === undefined ? [] : this.#map.alternativesAt(place);
    if (found.length === 0) return [];
    const key = nodeKey(site);
    let known = this.#alternatives.get(key);
    if (known === undefined) {
      known = found.map(({ length, replacementLength }, index) => ({ site, length, replacementLength, replacement: this.#reach(site.piece, { by: 'alternative', at: site.offset, index }) }));
      this.#alternatives.set(key, known);
    }
    return known;
  }

  #behind({ site, length }: Alternative): readonly Node[] {
    return length === 0 ? [] : this.enter(this.#reach(site.piece, { by: 'distance', distance: site.offset + length }));
  }

  #isSmap({ replacement, replacementLength }: Alternative): boolean {
    const instruction = this.#instruction(replacement);
    return instruction !== undefined && instruction.length === replacementLength && /^(stac|clac)$/.test(instruction.mnemonic);
  }

  #following(node: Node, instruction: Instruction): readonly Node[] {
    const { replacement } = node;
    const next = { by: 'distance', distance: node.offset + instruction.length } as const;
    if (replacement === undefined) return this.enter(this.#reach(node.piece, next));
    const done = replacement.done + instruction.length;
    if (done >= replacement.alternative.replacementLength) return this.#behind(replacement.alternative);
    return [{ ...this.#reach(node.piece, next), replacement: { alternative: replacement.alternative, done } }];
  }

  /** Where a direct branch leads: to a name of another file, or to a place. */
  #target(node: Node, instruction: Instruction): Target {
    const { section, start } = this.#pieces[node.piece]!;
    const end = start + node.offset + instruction.length;
    const relocation = this.#map.relocationIn(section, start + node.offset, end);
    if (relocation === undefined) return instruction.target === undefined ? { relocated: false } : { relocated: false, reference: { by: 'distance', distance: Number(BigInt.asIntN(64, instruction.target)) - start } };
    const name = this.#map.externalOf(relocation);
    if (name !== undefined) return { relocated: true, name };
    // The field is the last of the instruction, and the target counts from its end.
    return { relocated: true, reference: { by: 'relocation', at: relocation.offset - start, end: end - relocation.offset } };
  }

  /** The instruction whose bytes begin at a place; undefined where no code is. */
  #instruction(node: Met): Instruction | undefined {
    const place = this.placeOf(node);
    if (place === undefined) return undefined;
    const bytes = this.#map.object.sections[place.section]!.bytes.subarray(place.offset, place.offset + MAX_INSTRUCTION_LENGTH);
    const instruction = decodeInstruction(bytes, BigInt(place.offset));
    // It may reach into the next pieces: then it is what it is because of them too.
    let end = this.#pieces[node.piece]!.end;
    const needed = place.offset + (instruction.mnemonic === '(bad)' ? bytes.length : instruction.length);
    for (let piece = node.piece; end < needed;) {
      const { start } = this.#pieces[piece]!;
      piece = this.#reach(piece, { by: 'distance', distance: end - start }).piece;
      end = this.#pieces[piece]?.end ?? needed;
    }
    return instruction;
  }

  /** Where a place lies in this version of the file. */
  placeOf({ piece, offset }: Met): ObjectPlace | undefined {
    const found = this.#pieces[piece];
    return found === undefined ? undefined : { section: found.section, offset: found.start + offset };
  }

  #reach(piece: number, reference: Reference): Met {
    const from = this.#pieces[piece]!;
    if (reference.by === 'distance' && reference.distance >= 0 && from.start + reference.distance < from.end) return { piece, offset: reference.distance };
    const key = `${String(piece)} ${Object.values(reference).join(' ')}`;
    let met = this.#reached.get(key);
    if (met === undefined) {
      met = metAt(this.#map.resolve(from, reference), this.#map, (one) => this.#meet(one))!;
      this.#reached.set(key, met);
      this.trail.ask({ asked: 'place', piece, reference, answer: met });
    }
    return met;
  }

  #meet(piece: Piece): number {
    let number = this.#numbers.get(piece);
    if (number === undefined) {
      number = this.#pieces.length;
      this.#numbers.set(piece, number);
      this.#pieces.push(piece);
      this.trail.meet(this.#map.contentOf(piece), piece.routine === this.subject.routine);
    }
    return number;
  }
}

interface Target {
  readonly relocated: boolean;
  readonly name?: string;
  readonly reference?: Reference;
}
