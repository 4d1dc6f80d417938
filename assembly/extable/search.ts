/**
 * Sorting and searching: exact ip for entries, innermost first for ranges.
 */
import { partitionPoint } from '../binary-search.ts';
import type { Image } from '../elf/image.ts';
import type { ExRange, ExtableEntry, ExtableLayout, ExtableTable, HandlerDescriptor } from './entry.ts';
import { EX_TYPE_HANDLER, EXTABLE_IFETCH } from './entry.ts';
import { readDescriptor, readImageRanges, readImageTables } from './read.ts';
import type { ReadTableOptions } from './read.ts';
import { registerTables } from './register.ts';
import type { RegisteredTables } from './register.ts';

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The entries in order of `insn`, as the kernel sorts them; equal ones keep their order. */
export function sortEntries(entries: readonly ExtableEntry[]): ExtableEntry[] {
  return [...entries].sort((a, b) => compare(a.insn, b.insn));
}

/** The entry for exactly `ip` in entries sorted by {@link sortEntries}; undefined if there is none. An ip inside an instruction misses. */
export function searchEntries(sorted: readonly ExtableEntry[], ip: bigint): ExtableEntry | undefined {
  const entry = sorted[partitionPoint(sorted.length, (index) => sorted[index]!.insn < ip)];
  return entry?.insn === ip ? entry : undefined;
}

/** Vectors that are never offered to a handler: #DB, NMI, #BP, #DF. */
const NEVER_OFFERED = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 8);
const MC = 18;

/** Whether a descriptor takes `vector` at all. */
export function takesVector(descriptor: HandlerDescriptor, vector: number): boolean {
  return vector >= 0 && vector < 32 && ((descriptor.vectors & ~NEVER_OFFERED) >>> vector & 1) === 1;
}

/** One who may handle a fault. */
export type FaultTaker =
  | { readonly kind: 'entry'; readonly entry: ExtableEntry; readonly descriptor?: HandlerDescriptor }
  | { readonly kind: 'range'; readonly range: ExRange; readonly descriptor: HandlerDescriptor };

/** The tables of a linked image, ready for a fault. */
export interface ImageTable {
  /** Of the first table; `data` if the image has none. */
  readonly layout: ExtableLayout;
  readonly evidence: readonly string[];
  readonly tables: readonly ExtableTable[];
  /** Sorted by address. */
  readonly entries: readonly ExtableEntry[];
  /** Sorted by start, outer ranges first. */
  readonly ranges: readonly ExRange[];
  /** Number of entries. */
  readonly size: number;
  /** What was filled into the ranges, and why some of the tables would be refused. */
  readonly registered: RegisteredTables;
  /** The entry for exactly `ip`. */
  find(ip: bigint): ExtableEntry | undefined;
  /**
   * Who may handle `vector` at `ip`, in the order in which they are asked: the entry for exactly this ip, then ranges from the innermost out.
   * `fetch`: the fault was an instruction fetch, which ranges take only if they say so.
   */
  takers(ip: bigint, vector: number, fetch?: boolean): readonly FaultTaker[];
  /** The descriptor an entry or a range names. */
  descriptorOf(of: ExtableEntry | ExRange): HandlerDescriptor | undefined;
}

/**
 * Reads and sorts the tables of `image`. Entries of all `__ex_table` sections are one table, as in a kernel;
 * `__mcex_table` entries take machine checks only, and only they do, if there is such a table.
 */
export function findImageTable(image: Image, layoutOrOptions?: ExtableLayout | ReadTableOptions): ImageTable {
  const options = typeof layoutOrOptions === 'string' ? { layout: layoutOrOptions } : layoutOrOptions ?? {};
  return new SortedTable(image, readImageTables(image, options), readImageRanges(image));
}

class SortedTable implements ImageTable {
  readonly layout: ExtableLayout;
  readonly evidence: readonly string[];
  readonly tables: readonly ExtableTable[];
  readonly entries: readonly ExtableEntry[];
  readonly ranges: readonly ExRange[];
  readonly size: number;
  readonly registered: RegisteredTables;
  readonly #image: Image;
  readonly #machineCheckEntries: readonly ExtableEntry[];
  readonly #descriptors = new Map<bigint, HandlerDescriptor | undefined>();

  constructor(image: Image, tables: readonly ExtableTable[], ranges: readonly ExRange[]) {
    this.#image = image;
    this.tables = tables;
    const ordinary = tables.filter(({ layout }) => layout !== 'mcex');
    this.layout = ordinary[0]?.layout ?? tables[0]?.layout ?? 'data';
    this.evidence = tables.flatMap(({ evidence }) => evidence);
    this.entries = sortEntries(ordinary.flatMap(({ entries }) => entries));
    this.#machineCheckEntries = sortEntries(tables.filter(({ layout }) => layout === 'mcex').flatMap(({ entries }) => entries));
    this.registered = registerTables(image, tables, ranges);
    this.ranges = this.registered.ranges;
    this.size = this.entries.length + this.#machineCheckEntries.length;
  }

  find(ip: bigint): ExtableEntry | undefined {
    return searchEntries(this.entries, ip);
  }

  takers(ip: bigint, vector: number, fetch = false): readonly FaultTaker[] {
    if (vector < 32 && (NEVER_OFFERED >>> vector & 1) === 1) return [];
    const takers: FaultTaker[] = [];
    const entry = this.#entryFor(ip, vector);
    if (entry !== undefined) {
      const descriptor = this.descriptorOf(entry);
      if (descriptor === undefined) takers.push({ kind: 'entry', entry });
      else if (takesVector(descriptor, vector)) takers.push({ kind: 'entry', entry, descriptor });
    }
    // Ranges nest, and outer ones come first: the last that holds ip is the innermost.
    for (const range of this.ranges.filter(({ start, length }) => ip >= start && ip < start + BigInt(length)).reverse()) {
      const descriptor = this.descriptorOf(range);
      if (descriptor === undefined || !takesVector(descriptor, vector)) continue;
      if (fetch && (descriptor.flags & EXTABLE_IFETCH) === 0) continue;
      takers.push({ kind: 'range', range, descriptor });
    }
    return takers;
  }

  #entryFor(ip: bigint, vector: number): ExtableEntry | undefined {
    if (vector === MC && this.#machineCheckEntries.length > 0) return searchEntries(this.#machineCheckEntries, ip);
    return this.find(ip);
  }

  descriptorOf(of: ExtableEntry | ExRange): HandlerDescriptor | undefined {
    const address = 'descriptor' in of ? of.descriptor : of.class === 'handler' || of.type === EX_TYPE_HANDLER ? of.handler : undefined;
    if (address === undefined) return undefined;
    if (!this.#descriptors.has(address)) this.#descriptors.set(address, readDescriptor(this.#image, address));
    return this.#descriptors.get(address);
  }
}
