/**
 * The space of a campaign: every case it consists of, numbered. The order is fixed by the axes alone, so a case's number means the same
 * on every machine and a shard is simply the cases whose number has its remainder.
 */
import { LINE_SIZE } from '../machine/memory/memory.ts';

/**
 * What can go wrong in a run, and what the case's numbers mean for it.
 *
 * - `position`: `byte`, any byte of the buffer; `line`, the first byte of each of its lines; `execution`, how often an instruction has executed.
 * - `second`: `line`, a later line; `byte`, any byte of the destination; `instruction`, which of the campaign's instructions.
 * - `fixes`: buffers that end at a page border at the fault, so that their offsets are not free.
 */
interface KindFacts {
  readonly text: string;
  readonly position: 'none' | 'byte' | 'line' | 'execution';
  readonly second?: 'line' | 'byte' | 'instruction';
  readonly fixes: readonly ('src' | 'dst')[];
  readonly poisons?: true;
}

export const KINDS = {
  none: { text: 'everything is there', position: 'none', fixes: [] },
  'mc-line': { text: 'a poisoned line of the buffer that is read', position: 'line', fixes: [], poisons: true },
  'mc-byte': { text: 'a single poisoned byte of the buffer that is read', position: 'byte', fixes: [], poisons: true },
  'mc-two': { text: 'two poisoned lines of the buffer that is read', position: 'line', second: 'line', fixes: [], poisons: true },
  'pf-read': { text: 'the buffer that is read ends at a page that is not there', position: 'byte', fixes: ['src'] },
  'pf-write': { text: 'the buffer that is written ends at a page that is not there', position: 'byte', fixes: ['dst'] },
  'pf-both': { text: 'both end at pages that are not there', position: 'byte', second: 'byte', fixes: ['src', 'dst'] },
  'mc-pf-write': { text: 'a poisoned line of the buffer that is read, and the buffer that is written ends', position: 'line', second: 'byte', fixes: ['dst'], poisons: true },
  'pf-read-byte': { text: 'the buffer that is read ends anywhere, below the granularity of pages', position: 'byte', fixes: [] },
  'pf-write-byte': { text: 'the buffer that is written ends anywhere, below the granularity of pages', position: 'byte', fixes: [] },
  'nth-mc': { text: 'one execution of one instruction takes a machine check', position: 'execution', second: 'instruction', fixes: [] },
  'nth-pf': { text: 'one execution of one instruction takes a page fault', position: 'execution', second: 'instruction', fixes: [] },
} as const satisfies Record<string, KindFacts>;
export type FaultKind = keyof typeof KINDS;
export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

/** The first byte of a buffer at which the case can fault; undefined where the case names no byte. */
export function firstFaultByte({ kind, position, second }: SweepCase): number | undefined {
  const facts = kindFacts(kind);
  if (facts.position === 'none' || facts.position === 'execution') return undefined;
  return facts.second === 'byte' ? Math.min(position, second) : position;
}

/** The byte at which the buffer that is read, or written, ends early; undefined where it does not. */
export function readEnd({ kind, position }: SweepCase): number | undefined {
  return kind === 'pf-read' || kind === 'pf-both' ? position : undefined;
}

export function writtenEnd({ kind, position, second }: SweepCase): number | undefined {
  return kind === 'pf-write' ? position : kind === 'pf-both' || kind === 'mc-pf-write' ? second : undefined;
}

export function kindFacts(kind: FaultKind): KindFacts {
  return KINDS[kind];
}

/** Lengths from `from` to `to` in steps of `step`. */
export interface LengthRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

export interface SpaceAxes {
  readonly lengths: LengthRange;
  /** Lengths that no buffer can have; only the first line of each is there, and a fault ends the run in it. */
  readonly longLengths: readonly number[];
  /** Offsets of the buffers in their pages. */
  readonly srcOffsets: readonly number[];
  readonly dstOffsets: readonly number[];
  readonly kinds: readonly FaultKind[];
  /** How many instructions of the routine the `nth` kinds choose from. */
  readonly instructions: number;
  /** How many programs: one for each CPU profile and kernel generation. */
  readonly targets: number;
}

/** One run. */
export interface SweepCase {
  readonly index: number;
  readonly target: number;
  readonly kind: FaultKind;
  readonly n: number;
  readonly srcOffset: number;
  readonly dstOffset: number;
  /** Byte of the faulting buffer at which it faults, counted from its first, or the execution that faults, from 1; 0 if `kind` is `none`. */
  readonly position: number;
  /** Of kinds with a second fault: its byte, or the number of the instruction; else 0. */
  readonly second: number;
}

/** A length from here on is a long one. */
export const LONG = 2 ** 32;
/** How much of a buffer exists if the length is a long one. */
export const LONG_MAPPED = LINE_SIZE;
const MAX_LENGTHS = 1 << 20;

/** A piece of the space in which only length and position vary. */
interface Block {
  readonly first: number;
  readonly target: number;
  readonly kind: FaultKind;
  readonly srcOffset: number;
  readonly dstOffset: number;
  readonly counts: Counts;
}

/** How many cases the lengths before the i-th one have together. */
interface Counts {
  readonly before: (length: number) => number;
  readonly total: number;
}

/** What is wrong with the axes of a space, for the person who asked for it. */
export class SpaceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SpaceError';
  }
}

export class Space {
  readonly axes: SpaceAxes;
  readonly size: number;
  /** How many lengths are not long ones. */
  readonly #short: number;
  readonly #blocks: readonly Block[];
  /** Where the last case was: most often the next one is there too. */
  #block: Block | undefined;
  #length = 0;
  /** Numbers of its length's cases there: from, and to (excluded). */
  #start = 0;
  #end = 0;

  constructor(axes: SpaceAxes) {
    this.axes = axes;
    this.#short = shortLengths(axes);
    const counts = new Map<string, Counts>();
    const blocks: Block[] = [];
    let first = 0;
    for (let target = 0; target < axes.targets; target++) {
      for (const kind of axes.kinds) {
        for (const [srcOffset, dstOffset] of offsetPairs(axes, kind)) {
          const { position, second } = kindFacts(kind);
          const key = `${position} ${second ?? ''} ${position === 'line' ? String(srcOffset % LINE_SIZE) : ''}`;
          let known = counts.get(key);
          if (known === undefined) counts.set(key, known = this.#count(kind, srcOffset));
          blocks.push({ first, target, kind, srcOffset, dstOffset, counts: known });
          first += known.total;
        }
      }
    }
    this.#blocks = blocks;
    this.size = first;
  }

  /** The case with this number, 0 to size - 1. */
  caseAt(index: number): SweepCase {
    return this.read(index, { index: 0, target: 0, kind: 'none', n: 0, srcOffset: 0, dstOffset: 0, position: 0, second: 0 });
  }

  /** As {@link caseAt}, into an object that is there already: a campaign reads millions. */
  read(index: number, into: { -readonly [K in keyof SweepCase]: SweepCase[K] }): SweepCase {
    const { target, kind, srcOffset, dstOffset } = this.#find(index);
    into.index = index;
    into.target = target;
    into.kind = kind;
    into.n = this.#lengthAt(this.#length);
    into.srcOffset = srcOffset;
    into.dstOffset = dstOffset;
    place(into, index - this.#start);
    return into;
  }

  /** A number that cases of one target, one kind of fault and one size class of lengths have in common. */
  classOf(index: number): number {
    const { target, kind } = this.#find(index);
    return 2 * (target * FAULT_KINDS.length + FAULT_KINDS.indexOf(kind)) + (this.#length >= this.#short ? 1 : 0);
  }

  /** The piece of the space the case is in; {@link #length} is then its length's number. */
  #find(index: number): Block {
    const known = this.#block;
    if (known !== undefined && index >= this.#start && index < this.#end) return known;
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) throw new RangeError(`the space has no case ${String(index)}`);
    const blocks = this.#blocks;
    const block = blocks[lastAtMost(blocks.length, (i) => blocks[i]!.first, index)]!;
    const { before } = block.counts;
    const length = lastAtMost(this.#short + this.axes.longLengths.length, before, index - block.first);
    this.#block = block;
    this.#length = length;
    this.#start = block.first + before(length);
    this.#end = block.first + before(length + 1);
    return block;
  }

  /** The axes in words. */
  describe(): readonly string[] {
    const { lengths: { from, to, step }, longLengths, srcOffsets, dstOffsets, kinds, instructions } = this.axes;
    const steps = step === 1 ? '' : `, every ${String(step)}`;
    const long = longLengths.length === 0 ? '' : `, and ${longLengths.map((n) => `2^32+${String(n - LONG)}`).join(', ')}`;
    const nth = kinds.some((kind) => kindFacts(kind).position === 'execution') ? `; nth: executions 1 to n of each of ${String(instructions)} instructions` : '';
    return [
      `lengths ${String(from)} to ${String(to)}${steps}${long}`,
      `source offsets ${offsetsText(srcOffsets)}, destination offsets ${offsetsText(dstOffsets)} (where the fault does not fix them)`,
      `faults: ${kinds.join(', ')}, at every position${nth}`,
    ];
  }

  /** The space in one line, for a verdict: `n <= 200, 8 x 8 alignments, 5 kinds of faults at every position`. */
  summary(): string {
    const { lengths: { from, to, step }, longLengths, srcOffsets, dstOffsets, kinds, targets } = this.axes;
    const lengths = `${from === 0 ? '' : `${String(from)} <= `}n <= ${String(to)}${step === 1 ? '' : ` in steps of ${String(step)}`}${longLengths.length === 0 ? '' : ` and ${String(longLengths.length)} of 4 GiB and more`}`;
    const count = (number: number, what: string): string => `${String(number)} ${what}${number === 1 ? '' : 's'}`;
    return [lengths, `${String(srcOffsets.length)} x ${String(dstOffsets.length)} alignments`, `${count(kinds.length, 'fault kind')} at every position`, count(targets, 'CPU and kernel').replace('kernels', 'kernel pairs')].join(', ');
  }

  #lengthAt(index: number): number {
    const { lengths: { from, step }, longLengths } = this.axes;
    return index < this.#short ? from + index * step | 0 : longLengths[index - this.#short]!;
  }

  #count(kind: FaultKind, srcOffset: number): Counts {
    const { lengths, longLengths, instructions } = this.axes;
    const short = this.#short;
    const long = longLengths.length === 0 ? 0 : positions(kind, longLengths[0]!, srcOffset, instructions);
    const inShort = shortCounts(kind, srcOffset, lengths, short, instructions);
    const ofShort = inShort(short);
    return { before: (i) => (i <= short ? inShort(i) : ofShort + (i - short) * long), total: ofShort + longLengths.length * long };
  }
}

/** How many cases the first i of the lengths have together: in closed form where there is one, since lengths may be a million. */
function shortCounts(kind: FaultKind, srcOffset: number, { from, step }: LengthRange, count: number, instructions: number): (i: number) => number {
  const { position, second } = kindFacts(kind);
  const ofLengths = (i: number): number => i * from + (step * i * (i - 1)) / 2;
  if (position === 'none') return (i) => i;
  if (position === 'execution') return (i) => instructions * ofLengths(i);
  if (position === 'byte') return second === undefined ? ofLengths : (i) => i * from * from + from * step * i * (i - 1) + (step * step * (i - 1) * i * (2 * i - 1)) / 6;
  const before = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) before[i + 1] = before[i]! + positions(kind, from + i * step, srcOffset, instructions);
  return (i) => before[i]!;
}

function shortLengths({ lengths: { from, to, step } }: SpaceAxes): number {
  if (to < from) throw new SpaceError(`lengths from ${String(from)} to ${String(to)} are none`);
  const count = Math.floor((to - from) / step) + 1;
  if (count > MAX_LENGTHS) throw new SpaceError(`${String(count)} lengths are more than the ${String(MAX_LENGTHS)} a campaign can have; take steps (from..to/step)`);
  return count;
}

/** A page fault at a given byte fixes where its buffer lies. */
function offsetPairs({ srcOffsets, dstOffsets }: SpaceAxes, kind: FaultKind): readonly (readonly [number, number])[] {
  const { fixes } = kindFacts(kind);
  const src = fixes.includes('src') ? [0] : srcOffsets;
  const dst = fixes.includes('dst') ? [0] : dstOffsets;
  return src.flatMap((a) => dst.map((b) => [a, b] as const));
}

function linesOf(n: number, srcOffset: number): number {
  return n === 0 ? 0 : Math.floor(((srcOffset % LINE_SIZE) + n - 1) / LINE_SIZE) + 1;
}

/** How many cases a length has. */
function positions(kind: FaultKind, n: number, srcOffset: number, instructions: number): number {
  const { position, second } = kindFacts(kind);
  if (n >= LONG) return position === 'none' || position === 'execution' || second !== undefined ? 0 : position === 'line' ? 1 : LONG_MAPPED;
  switch (position) {
    case 'none': return 1;
    case 'execution': return instructions * n;
    case 'byte': return second === 'byte' ? n * n : n;
    case 'line': {
      const lines = linesOf(n, srcOffset);
      return second === undefined ? lines : second === 'line' ? (lines * (lines - 1)) / 2 : lines * n;
    }
  }
}

/** Says where the faults of the `number`-th case of its length are. */
function place(one: { -readonly [K in keyof SweepCase]: SweepCase[K] }, number: number): void {
  const { n, srcOffset } = one;
  const { position, second } = kindFacts(one.kind);
  one.position = 0;
  one.second = 0;
  if (position === 'execution') {
    one.position = (number % n) + 1 | 0;
    one.second = number / n | 0;
    return;
  }
  let first = number;
  if (second === 'byte') {
    first = Math.floor(number / n);
    one.second = number % n | 0;
  } else if (second === 'line') {
    // Pairs of lines, in the order 0-1, 0-2, 1-2, 0-3 …
    let later = Math.floor((Math.sqrt(8 * number + 1) + 1) / 2);
    while ((later * (later - 1)) / 2 > number) later--;
    while ((later * (later + 1)) / 2 <= number) later++;
    first = number - (later * (later - 1)) / 2;
    one.second = lineStart(later, srcOffset);
  }
  if (position === 'byte') one.position = first | 0;
  else if (position === 'line') one.position = lineStart(first, srcOffset);
}

function lineStart(line: number, srcOffset: number): number {
  return Math.max(0, line * LINE_SIZE - (srcOffset % LINE_SIZE));
}

/** The last of `count` ascending values that is at most `value`; among equal ones the last, so that empty pieces are passed over. */
function lastAtMost(count: number, at: (index: number) => number, value: number): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= value) low = middle;
    else high = middle;
  }
  return low;
}

function offsetsText(offsets: readonly number[]): string {
  const last = offsets.at(-1) ?? 0;
  const regular = offsets.length > 2 && offsets.every((offset, i) => offset === offsets[0]! + i);
  return regular ? `${String(offsets[0])} to ${String(last)}` : offsets.join(', ');
}
