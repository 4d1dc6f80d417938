/**
 * What holds of tables as a whole: ranges nest or are disjoint, where a range's length is left open it is that of the function it starts
 * with, and handlers are described where entries and ranges say.
 */
import type { Image } from '../elf/image.ts';
import { EX_TYPE_HANDLER } from './entry.ts';
import type { ExRange, ExtableTable } from './entry.ts';
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

/** The tables as a program registers them at its start. */
export interface RegisteredTables {
  /** Sorted, with every length filled in that a symbol gives. */
  readonly ranges: readonly ExRange[];
  /** What was filled in, a sentence each. */
  readonly filled: readonly string[];
  /** Why they would be refused, a sentence each. */
  readonly refusals: readonly { /** Where the code is that it is about. */ readonly at: bigint; readonly message: string }[];
}

/** A table that is wrong all over is told of by its first places. */
const MOST_REFUSALS = 20;

/** What registering the `ranges` of `image` comes to, and that of its `tables` as far as they are ours: a kernel looks at its own at a fault, not before. */
export function registerTables(image: Image, tables: readonly ExtableTable[], ranges: readonly ExRange[]): RegisteredTables {
  const filled: string[] = [];
  const refusals: { at: bigint; message: string }[] = [];
  const name = (address: bigint): string => {
    const external = image.externals.get(address);
    if (external !== undefined) return external;
    const at = image.symbolAt(address);
    return at === undefined ? `0x${address.toString(16)}` : at.offset === 0n ? at.name : `${at.name}+0x${at.offset.toString(16)}`;
  };
  const text = ({ index, start, length }: ExRange): string => `range ${String(index)} (${String(length)} bytes from ${name(start)})`;
  const sized = new Map(ranges.some(({ length }) => length === 0) ? image.symbols.filter(({ size }) => size > 0n).reverse().map((symbol) => [symbol.address, symbol]) : []);
  const complete = ranges.map((range) => {
    if (range.length > 0) return range;
    const symbol = sized.get(range.start);
    if (symbol === undefined) {
      refusals.push({ at: range.start, message: `range ${String(range.index)} at ${name(range.start)} has length 0, and no symbol with a size is there: give the function a .size, or the range a length` });
      return range;
    }
    filled.push(`range ${String(range.index)} covers ${symbol.name}, ${String(symbol.size)} bytes: its length is left open, and that is the size of the symbol`);
    return { ...range, length: Number(symbol.size) };
  });
  const sorted = sortRanges(complete);
  for (const { kind, first, second } of crossings(sorted.filter(({ length }) => length > 0))) {
    refusals.push({ at: second.start, message: kind === 'identical' ? `${text(first)} and range ${String(second.index)} are the same` : `${text(second)} overlaps ${text(first)} only in part; ranges nest or are disjoint` });
  }
  const inCode = (address: bigint): boolean => image.externals.has(address) || image.segments.some((segment) => segment.execute && address >= segment.address && address < segment.address + BigInt(segment.size));
  const noDescriptor = (descriptor: bigint): string | undefined => {
    if (readDescriptor(image, descriptor) !== undefined) return undefined;
    return `described at ${name(descriptor)}, ${image.externals.has(descriptor) ? 'which the program does not define' : 'where no descriptor is'}`;
  };
  for (const range of sorted) {
    const why = noDescriptor(range.descriptor);
    if (why !== undefined) refusals.push({ at: range.start, message: `${text(range)} has its handler ${why}` });
  }
  const ours = tables.flatMap(({ layout, entries }) => (layout === 'class' ? entries : entries.filter(({ type }) => type === EX_TYPE_HANDLER)));
  for (const { index, insn, fixup, class: kind, type, handler } of ours) {
    const why = (kind === 'handler' || type === EX_TYPE_HANDLER) && handler !== undefined ? noDescriptor(handler) : undefined;
    if (why !== undefined) refusals.push({ at: insn, message: `entry ${String(index)} at ${name(insn)} has its handler ${why}` });
    // What is farther than 512 MiB, as names are that nobody defines, reads as another class, with another target.
    else if (kind !== undefined && kind !== 'handler' && !inCode(fixup)) refusals.push({ at: insn, message: `entry ${String(index)} at ${name(insn)} leads to ${name(fixup)}, where no code is: its target is not defined, or farther away than an entry can say` });
  }
  const more = refusals.length - MOST_REFUSALS;
  if (more > 0) refusals.splice(MOST_REFUSALS, more, { at: refusals[MOST_REFUSALS]!.at, message: `${String(more)} more entries and ranges are as wrong` });
  return { ranges: sorted, filled, refusals };
}
