/**
 * The space of a campaign: every case it consists of, numbered. The order is fixed by the axes alone, so a case's number means the same
 * on every machine and a shard is simply the cases whose number has its remainder.
 */
import { LINE_SIZE } from '../machine/memory/memory.ts';

/**
 * `none`: everything is there. `mc-line`, `mc-byte`: poison in the buffer that is read, a line or a single byte of it.
 * `pf-read`, `pf-write`: the buffer that is read, or written, ends before its length does, and the page behind is not there.
 */
export const FAULT_KINDS = ['none', 'mc-line', 'mc-byte', 'pf-read', 'pf-write'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

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
  /** Byte of the faulting buffer at which it faults, counted from its first; 0 if `kind` is `none`. */
  readonly position: number;
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

/** How many cases the lengths before each one have together. */
interface Counts {
  readonly before: Float64Array;
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
  readonly #lengths: readonly number[];
  readonly #blocks: readonly Block[];

  constructor(axes: SpaceAxes) {
    this.axes = axes;
    this.#lengths = allLengths(axes);
    const counts = new Map<string, Counts>();
    const blocks: Block[] = [];
    let first = 0;
    for (let target = 0; target < axes.targets; target++) {
      for (const kind of axes.kinds) {
        for (const [srcOffset, dstOffset] of offsetPairs(axes, kind)) {
          const key = kind === 'mc-line' ? `line ${String(srcOffset % LINE_SIZE)}` : kind === 'none' ? kind : 'byte';
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
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) throw new RangeError(`the space has no case ${String(index)}`);
    const { first, counts, target, kind, srcOffset, dstOffset } = this.#blocks[lastAtMost(this.#blocks.length, (i) => this.#blocks[i]!.first, index)]!;
    const inBlock = index - first;
    const { before } = counts;
    const length = lastAtMost(before.length, (i) => before[i]!, inBlock);
    const n = this.#lengths[length]!;
    return { index, target, kind, n, srcOffset, dstOffset, position: positionOf(kind, srcOffset, inBlock - before[length]!) };
  }

  /** The axes in words. */
  describe(): readonly string[] {
    const { lengths: { from, to, step }, longLengths, srcOffsets, dstOffsets, kinds } = this.axes;
    const steps = step === 1 ? '' : `, every ${String(step)}`;
    const long = longLengths.length === 0 ? '' : `, and ${longLengths.map((n) => `2^32+${String(n - LONG)}`).join(', ')}`;
    return [
      `lengths ${String(from)} to ${String(to)}${steps}${long}`,
      `source offsets ${offsetsText(srcOffsets)}, destination offsets ${offsetsText(dstOffsets)} (where the fault does not fix them)`,
      `faults: ${kinds.join(', ')}, at every position`,
    ];
  }

  #count(kind: FaultKind, srcOffset: number): Counts {
    const before = new Float64Array(this.#lengths.length);
    let total = 0;
    this.#lengths.forEach((n, i) => {
      before[i] = total;
      total += positions(kind, n, srcOffset);
    });
    return { before, total };
  }
}

function allLengths({ lengths: { from, to, step }, longLengths }: SpaceAxes): readonly number[] {
  if (to < from) throw new SpaceError(`lengths from ${String(from)} to ${String(to)} are none`);
  const count = Math.floor((to - from) / step) + 1;
  if (count > MAX_LENGTHS) throw new SpaceError(`${String(count)} lengths are more than the ${String(MAX_LENGTHS)} a campaign can have; take steps (from..to/step)`);
  return [...Array.from({ length: count }, (_, i) => from + i * step), ...longLengths];
}

/** A page fault at a given byte fixes where its buffer lies. */
function offsetPairs({ srcOffsets, dstOffsets }: SpaceAxes, kind: FaultKind): readonly (readonly [number, number])[] {
  const src = kind === 'pf-read' ? [0] : srcOffsets;
  const dst = kind === 'pf-write' ? [0] : dstOffsets;
  return src.flatMap((a) => dst.map((b) => [a, b] as const));
}

function positions(kind: FaultKind, n: number, srcOffset: number): number {
  if (kind === 'none') return n >= LONG ? 0 : 1;
  const reach = n >= LONG ? LONG_MAPPED : n;
  if (kind === 'mc-line') return reach === 0 ? 0 : n >= LONG ? 1 : Math.floor(((srcOffset % LINE_SIZE) + reach - 1) / LINE_SIZE) + 1;
  return reach;
}

function positionOf(kind: FaultKind, srcOffset: number, number: number): number {
  return kind === 'mc-line' ? Math.max(0, number * LINE_SIZE - (srcOffset % LINE_SIZE)) : number;
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
