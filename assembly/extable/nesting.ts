/**
 * Ranges nest or are disjoint; and where a range's length is left open, it is that of the function it starts with.
 */
import type { Image } from '../elf/image.ts';
import type { ExRange } from './entry.ts';
import { readDescriptor } from './read.ts';

/** The ranges by start ascending, then length descending, so that an outer range precedes what it holds. */
export function sortRanges(ranges: readonly ExRange[]): ExRange[] {
  return [...ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0) || b.length - a.length);
}

/** Two ranges that exclude each other. */
export interface Crossing {
  readonly kind: 'identical' | 'partial';
  readonly first: ExRange;
  readonly second: ExRange;
}

/** The crossings among ranges of one section, or of one image, in the order of {@link sortRanges}. */
export function crossings(sorted: readonly ExRange[]): readonly Crossing[] {
  const found: Crossing[] = [];
  const open: ExRange[] = [];
  const end = ({ start, length }: ExRange): bigint => start + BigInt(length);
  for (const range of sorted) {
    while (open.length > 0 && end(open.at(-1)!) <= range.start) open.pop();
    const outer = open.at(-1);
    if (outer !== undefined && end(range) >= end(outer)) {
      if (outer.start === range.start && end(outer) === end(range)) found.push({ kind: 'identical', first: outer, second: range });
      else if (end(range) > end(outer)) found.push({ kind: 'partial', first: outer, second: range });
    }
    open.push(range);
  }
  return found;
}

/** Ranges as a program registers them at its start. */
export interface RegisteredRanges {
  /** Sorted, with every length filled in that a symbol gives. */
  readonly ranges: readonly ExRange[];
  /** What was filled in, a sentence each. */
  readonly filled: readonly string[];
  /** Why they would be refused, a sentence each. */
  readonly refusals: readonly { readonly range: ExRange; readonly message: string }[];
}

/** What registering the `ranges` of `image` comes to. */
export function registerRanges(image: Image, ranges: readonly ExRange[]): RegisteredRanges {
  const filled: string[] = [];
  const refusals: { range: ExRange; message: string }[] = [];
  const name = (address: bigint): string => {
    const at = image.symbolAt(address);
    return at === undefined ? `0x${address.toString(16)}` : at.offset === 0n ? at.name : `${at.name}+0x${at.offset.toString(16)}`;
  };
  const text = ({ index, start, length }: ExRange): string => `range ${String(index)} (${String(length)} bytes from ${name(start)})`;
  const complete = ranges.map((range) => {
    if (range.length > 0) return range;
    const symbol = image.symbols.find(({ address, size }) => address === range.start && size > 0n);
    if (symbol === undefined) {
      refusals.push({ range, message: `range ${String(range.index)} at ${name(range.start)} has length 0, and no symbol with a size is there: give the function a .size, or the range a length` });
      return range;
    }
    filled.push(`range ${String(range.index)} covers ${symbol.name}, ${String(symbol.size)} bytes: its length is left open, and that is the size of the symbol`);
    return { ...range, length: Number(symbol.size) };
  });
  const sorted = sortRanges(complete);
  for (const { kind, first, second } of crossings(sorted.filter(({ length }) => length > 0))) {
    refusals.push({ range: second, message: kind === 'identical' ? `${text(first)} and range ${String(second.index)} are the same` : `${text(second)} overlaps ${text(first)} only in part; ranges nest or are disjoint` });
  }
  for (const range of sorted) {
    if (readDescriptor(image, range.descriptor) === undefined) refusals.push({ range, message: `${text(range)} has its handler described at ${name(range.descriptor)}, where no descriptor is` });
  }
  return { ranges: sorted, filled, refusals };
}
