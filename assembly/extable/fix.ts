/**
 * The post-link step: sorts `__ex_table`, `__mcex_table` and `__ex_range` of a linked file and fills in lengths of ranges.
 */
import { readElf } from '../elf/read.ts';
import { SHF, SHT } from '../elf/object.ts';
import type { ObjectFile, Section } from '../elf/object.ts';
import { RELA_SIZE } from '../elf/relocations.ts';
import type { ExtableTable } from './entry.ts';
import { LAYOUTS } from './layouts.ts';
import { Places } from './places.ts';
import { RANGE_SECTION, RANGE_STRIDE, readRanges, readTables, tableSections } from './read.ts';
import type { ReadTableOptions } from './read.ts';
import { sortRanges } from './register.ts';
import { sortEntries } from './search.ts';

/** A file that cannot be fixed, and why. */
export class FixError extends Error {}

export interface FixResult {
  /** A new file; the one given is left alone. */
  readonly bytes: Uint8Array;
  /** What was done, one sentence each; empty if nothing had to be. */
  readonly changes: readonly string[];
}

/**
 * Fixes the linked file `bytes`. Throws {@link FixError} for a relocatable file, for a range whose length nothing tells and for
 * tables that a loader relocates; `ElfError` for a file that cannot be read.
 */
export function fixTables(name: string, bytes: Uint8Array, options: ReadTableOptions = {}): FixResult {
  const file = readElf(name, bytes);
  if (file.kind === 'relocatable') throw new FixError(`${name} is relocatable: link it first; the linker would undo what is fixed here`);
  const fixed = Uint8Array.from(bytes);
  const changes: string[] = [];
  const sections = tableSections(file);
  for (const [index, table] of readTables(file, options).entries()) {
    const section = sections[index]!;
    if (sortTable(file, table, section, view(fixed, section, bytes))) changes.push(`${table.section}: ${String(table.entries.length)} entries sorted by address`);
  }
  const ranges = file.sections.find(({ name: sectionName, size }) => sectionName === RANGE_SECTION && size > 0);
  if (ranges !== undefined) changes.push(...fixRanges(file, ranges, view(fixed, ranges, bytes)));
  return { bytes: fixed, changes };
}

/** The bytes of a section in the copy of the file. */
function view(copy: Uint8Array, section: Section, original: Uint8Array): DataView {
  return new DataView(copy.buffer, section.bytes.byteOffset - original.byteOffset, section.bytes.length);
}

function refuseRelocated(file: ObjectFile, section: Section): void {
  const end = section.address + BigInt(section.size);
  for (const table of file.sections) {
    if (table.type !== SHT.RELA || (table.flags & SHF.ALLOC) === 0) continue;
    const relocations = new DataView(table.bytes.buffer, table.bytes.byteOffset, table.bytes.length);
    for (let at = 0; at + RELA_SIZE <= table.bytes.length; at += RELA_SIZE) {
      const place = relocations.getBigUint64(at, true);
      if (place < section.address || place >= end) continue;
      throw new FixError(`the loader relocates ${section.name} of ${file.name}, so its order in the file cannot be changed`);
    }
  }
}

/** Offsets of the self-relative words of an entry. */
function relativeWords(table: ExtableTable): readonly number[] {
  switch (table.layout) {
    case 'absolute': case 'vdso': return [];
    case 'handler': return [0, 4, 8];
    default: return [0, 4];
  }
}

/** Moves entries into order; words that count from themselves are corrected by the distance. True if anything moved. */
function sortTable(file: ObjectFile, table: ExtableTable, section: Section, into: DataView): boolean {
  const { stride } = LAYOUTS[table.layout];
  const sorted = sortEntries(table.entries);
  if (sorted.every((entry, index) => entry === table.entries[index])) return false;
  refuseRelocated(file, section);
  const from = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.length);
  const words = relativeWords(table);
  for (const [index, entry] of sorted.entries()) {
    const to = index * stride;
    for (let at = 0; at < stride; at += 4) {
      const word = from.getUint32(entry.offset + at, true);
      into.setUint32(to + at, words.includes(at) ? (word + entry.offset - to) >>> 0 : word, true);
    }
  }
  return true;
}

function fixRanges(file: ObjectFile, section: Section, into: DataView): string[] {
  const changes: string[] = [];
  const places = new Places(file);
  const ranges = readRanges(file).map((range) => {
    if (range.length !== 0) return range;
    const place = places.at(range.start);
    const named = place === undefined ? undefined : places.symbolAt(place);
    if (named?.offset !== 0 || named.symbol.size === 0n) {
      throw new FixError(`range ${String(range.index)} at ${places.describe(range.start)} has length 0, and no symbol with a size is there: give the function a .size`);
    }
    changes.push(`${RANGE_SECTION}: range ${String(range.index)} is as long as ${named.symbol.name}, ${String(named.symbol.size)} bytes`);
    return { ...range, length: Number(named.symbol.size) };
  });
  const sorted = sortRanges(ranges);
  const moved = sorted.some((range, index) => range !== ranges[index]);
  if (!moved && changes.length === 0) return [];
  if (moved) changes.push(`${RANGE_SECTION}: ${String(ranges.length)} ranges sorted by start, then length from the longest`);
  refuseRelocated(file, section);
  for (const [index, range] of sorted.entries()) {
    const at = section.address + BigInt(index * RANGE_STRIDE);
    into.setInt32(index * RANGE_STRIDE, Number(BigInt.asIntN(32, range.start - at)), true);
    into.setUint32(index * RANGE_STRIDE + 4, range.length, true);
    into.setInt32(index * RANGE_STRIDE + 8, Number(BigInt.asIntN(32, range.descriptor - at - 8n)), true);
    into.setUint32(index * RANGE_STRIDE + 12, range.flags, true);
  }
  return changes;
}
