/**
 * Layout: the size of every tail, so that branches reach, padding aligns and counts come true.
 *
 * It follows gas's `relax_segment` (write.c, binutils 2.40) step by step, for the sizes it comes to are not always the
 * smallest possible ones: branches only grow, and a pass guesses where places ahead will be.
 */
import { addressOf } from './fragments.ts';
import type { Fragment, Place, SectionBuilder, Tail } from './fragments.ts';
import { leb128 } from './leb128.ts';
import type { AssemblyState } from './state.ts';
import { AssemblyError } from './assembly-error.ts';

/** A layout that has not settled after visiting so many fragments goes round in circles. A large kernel file takes some thousands. */
const MAX_VISITS = 100_000_000;
/** The same for one section: a circle of two counts shows early. */
const MAX_PASSES = 10_000;
/** A LEB128 number that has become shorter so often stays as it is. */
const MAX_SHRINKS = 100;
/** Sections may depend on one another's sizes; gas has no bound here, which no sane source comes near. */
const MAX_ROUNDS = 100;

/** The fragments of each section in the order of their addresses; `state.sections` by index. */
export type Chains = readonly (readonly Fragment[])[];

/** Gives every fragment its address and every tail its size. What cannot be is reported, and laid out as nothing. */
export function layOut(state: AssemblyState): Chains {
  const chains = state.sections.map((section) => section.chain());
  const layout = new Layout(state);
  for (const [index, chain] of chains.entries()) layout.begin(state.sections[index]!, chain);
  for (let round = 0; ; round++) {
    let changed = false;
    for (const [index, chain] of chains.entries()) changed = layout.relax(state.sections[index]!, chain, round === 0) || changed;
    // The first round over a section goes by guesses of those behind it.
    if (!changed && round > 0) break;
    if (round === MAX_ROUNDS) {
      state.report('error', 'no-convergence', 'the sizes of the sections depend on one another in a circle');
      break;
    }
  }
  layout.final = true;
  for (const [index, chain] of chains.entries()) layout.finish(state.sections[index]!, chain);
  return chains;
}

/** Where a branch goes, as far as layout can follow it. */
type BranchTarget = { readonly place: Place; readonly addend: number } | 'elsewhere' | 'computed';

class Layout {
  /** Complaints are final only when nothing moves any more. */
  final = false;
  private readonly state: AssemblyState;
  private readonly targets = new Map<Tail, BranchTarget>();
  private readonly complained = new Set<Tail>();
  private visits = 0;

  constructor(state: AssemblyState) {
    this.state = state;
  }

  begin(section: SectionBuilder, chain: readonly Fragment[]): void {
    for (const fragment of chain) {
      const { tail } = fragment;
      if (tail?.kind !== 'branch') continue;
      const target = this.branchTarget(tail, section);
      this.targets.set(tail, target);
      if (target === 'elsewhere') tail.long = true;
    }
  }

  private branchTarget(tail: Extract<Tail, { kind: 'branch' }>, section: SectionBuilder): BranchTarget {
    const { symbols } = this.state;
    const folded = this.quietly(() => symbols.fold(tail.target));
    if (folded?.kind !== 'symbol' || (folded.symbol.modifier ?? 'PLT') !== 'PLT' || folded.symbol.name.startsWith('%')) return 'elsewhere';
    const symbol = symbols.keyed(folded.symbol.name);
    if (symbol.binding === 'weak' || symbol.type === 'ifunc' || (folded.symbol.modifier !== undefined && symbol.binding !== 'local')) return 'elsewhere';
    if (symbol.definition?.kind === 'label') {
      if (symbol.definition.place.fragment.section !== section) return 'elsewhere';
      return { place: symbol.definition.place, addend: Number(folded.addend) };
    }
    const located = this.quietly(() => symbols.locate(symbol));
    return located?.kind === 'section' && located.section === section ? 'computed' : 'elsewhere';
  }

  /** One section until it settles; true if anything moved. */
  relax(section: SectionBuilder, chain: readonly Fragment[], first: boolean): boolean {
    if (first) this.guess(chain);
    let moved = false;
    for (let pass = 0; ; pass++) {
      if (!this.pass(section, chain)) return moved;
      moved = true;
      this.visits += chain.length;
      if (pass < MAX_PASSES && this.visits < MAX_VISITS) continue;
      const range = chain.find((fragment) => fragment.tail?.kind === 'leb128' || fragment.tail?.kind === 'space')?.tail;
      this.state.report('error', 'no-convergence', `the layout of section ${section.name} does not settle: sizes in it depend on one another in a circle`, range !== undefined && 'range' in range ? range.range : undefined);
      return false;
    }
  }

  /** First addresses: branches short, counts nothing. */
  private guess(chain: readonly Fragment[]): void {
    let address = 0;
    let region = 0;
    for (const fragment of chain) {
      fragment.address = address;
      fragment.region = region;
      address += fragment.length;
      const { tail } = fragment;
      switch (tail?.kind) {
        case 'align':
          fragment.tailSize = padding(address, tail);
          region++;
          break;
        case 'origin':
          fragment.tailSize = 0;
          region++;
          break;
        case 'branch':
          fragment.tailSize = tail.long ? tail.longSize : 1;
          break;
        case 'leb128':
          fragment.tailSize = 1;
          break;
        case 'space':
          fragment.tailSize = 0;
          break;
        default:
          break;
      }
      address += fragment.tailSize;
    }
  }

  private pass(section: SectionBuilder, chain: readonly Fragment[]): boolean {
    let stretch = 0;
    let changed = false;
    for (const fragment of chain) {
      fragment.visited = !fragment.visited;
      fragment.address += stretch;
      const { tail } = fragment;
      if (tail === undefined || tail.kind === 'fill') continue;
      const size = this.size(section, fragment, tail, stretch);
      if (size !== fragment.tailSize) {
        stretch += size - fragment.tailSize;
        fragment.tailSize = size;
        changed = true;
      }
    }
    return changed;
  }

  /** The size that `fragment`'s tail should have, by what this pass knows. */
  private size(section: SectionBuilder, fragment: Fragment, tail: Tail, stretch: number): number {
    const end = fragment.address + fragment.length;
    switch (tail.kind) {
      case 'align':
        this.checkFilling(end, tail);
        return padding(end, tail);
      case 'branch':
        return this.branch(fragment, tail, stretch);
      case 'leb128': {
        const value = this.value(tail.value, tail, 'a LEB128 number');
        const size = value === undefined ? 1 : leb128(value, tail.signed).length;
        if (size >= fragment.tailSize || this.final) return size;
        // Padding behind it may make it longer again: whoever goes to and fro keeps the longer form.
        tail.shrunk = (tail.shrunk ?? 0) + 1;
        return tail.shrunk > MAX_SHRINKS ? fragment.tailSize : size;
      }
      case 'space': {
        const count = this.value(tail.count, tail, 'the count');
        if (count === undefined) return 0;
        if (count < 0n) {
          this.complain(tail, 'warning', 'value-out-of-range', `the count ${count.toString()} is negative: nothing is written`);
          return 0;
        }
        return this.bounded(section, end, count * BigInt(tail.pattern.length), tail);
      }
      case 'origin': {
        const target = this.originTarget(section, tail);
        if (target === undefined) return 0;
        if (target < end) {
          this.complain(tail, 'error', 'bad-directive', `.org cannot go back, from ${String(end)} to ${String(target)}`);
          return 0;
        }
        return this.bounded(section, end, BigInt(target - end), tail);
      }
      case 'fill':
        return fragment.tailSize;
    }
  }

  private checkFilling(address: number, tail: Extract<Tail, { kind: 'align' }>): void {
    if (!this.final || tail.fill === undefined) return;
    const size = padding(address, { ...tail, fill: undefined });
    if (size % tail.fill.length === 0) return;
    this.complain(tail, 'error', 'bad-directive', `the padding of ${String(size)} bytes is no multiple of the ${String(tail.fill.length)} bytes it is filled with`);
  }

  private bounded(section: SectionBuilder, end: number, size: bigint, tail: Tail): number {
    if (BigInt(end) + size <= BigInt(section.limit)) return Number(size);
    this.complain(tail, 'error', 'size-limit', `section ${section.name} would grow beyond ${String(section.limit)} bytes`);
    return 0;
  }

  private branch(fragment: Fragment, tail: Extract<Tail, { kind: 'branch' }>, stretch: number): number {
    if (tail.long) return tail.longSize;
    const target = this.targets.get(tail);
    if (target === undefined || target === 'elsewhere') return tail.longSize;
    const from = fragment.address + fragment.length;
    let to: number;
    if (target === 'computed') {
      const folded = this.quietly(() => this.state.symbols.fold(tail.target));
      if (folded?.kind !== 'symbol') return tail.longSize;
      const located = this.quietly(() => this.state.symbols.locate(this.state.symbols.keyed(folded.symbol.name)));
      if (located?.kind !== 'section') return tail.longSize;
      to = Number(located.offset + folded.addend);
    } else {
      to = addressOf(target.place) + target.addend;
      const ahead = target.place.fragment;
      // A place that this pass has yet to reach is guessed to move as far as this fragment did, unless padding stands
      // between the two, which may swallow the move.
      if (stretch !== 0 && ahead.visited !== fragment.visited) {
        if (stretch < 0 || ahead.region === fragment.region) to += stretch;
        else if (to < from) to = (fragment.next?.address ?? 0) + stretch;
      }
    }
    const distance = to - from - 1;
    if (distance >= -128 && distance <= 127) return 1;
    tail.long = true;
    return tail.longSize;
  }

  /** The offset that an `.org` names. */
  private originTarget(section: SectionBuilder, tail: Extract<Tail, { kind: 'origin' }>): number | undefined {
    const { symbols } = this.state;
    const folded = this.quietly(() => symbols.fold(tail.target));
    if (folded?.kind === 'absolute') return Number(folded.value);
    if (folded?.kind === 'symbol' && folded.symbol.modifier === undefined && !folded.symbol.name.startsWith('%')) {
      const located = this.quietly(() => symbols.locate(symbols.keyed(folded.symbol.name)));
      if (located?.kind === 'section' && located.section === section) return Number(located.offset + folded.addend);
    }
    this.complain(tail, 'error', 'bad-expression', `.org needs a number or a place in section ${section.name}`);
    return undefined;
  }

  private value(expression: Parameters<AssemblyState['symbols']['fold']>[0], tail: Tail, what: string): bigint | undefined {
    const folded = this.quietly(() => this.state.symbols.fold(expression));
    if (folded?.kind === 'absolute') return folded.value;
    const reason = folded?.kind === 'error' ? `: ${folded.message}` : '';
    this.complain(tail, 'error', 'bad-expression', `${what} must come to a number when all is laid out${reason}`);
    return undefined;
  }

  /** What an expression comes to; undefined if it is defined by itself, which is reported where it was assigned. */
  private quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (error instanceof AssemblyError) return undefined;
      throw error;
    }
  }

  private complain(tail: Tail, severity: 'error' | 'warning', code: string, message: string): void {
    if (!this.final || this.complained.has(tail)) return;
    this.complained.add(tail);
    this.state.report(severity, code, message, 'range' in tail ? tail.range : undefined);
  }

  /** Says what could not be, now that nothing moves any more. */
  finish(section: SectionBuilder, chain: readonly Fragment[]): void {
    for (const fragment of chain) {
      const { tail } = fragment;
      if (tail !== undefined && tail.kind !== 'fill') this.size(section, fragment, tail, 0);
    }
  }
}

/** Bytes from `address` to the next multiple of the alignment, unless that is more than the limit. */
function padding(address: number, { alignment, limit, fill }: Extract<Tail, { kind: 'align' }>): number {
  const size = (alignment - (address % alignment)) % alignment;
  if (limit !== 0 && size > limit) return 0;
  // What the filling does not fit into is reported, and left out, as gas does.
  return fill === undefined ? size : size - (size % fill.length);
}
