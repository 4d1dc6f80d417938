/**
 * Everything `mcsafe table` shows of a file, as plain data. What a type means is the fault model's to say and is handed in.
 */
import { linesOf } from '../elf/dwarf/line-lookup.ts';
import type { ObjectFile } from '../elf/object.ts';
import { writtenPosition } from '../source.ts';
import type { Instruction } from '../x86/instruction.ts';
import { checkTables } from './check.ts';
import { CheckedFile } from './checked-file.ts';
import { EX_TYPE_HANDLER } from './entry.ts';
import type { ExRange, ExtableEntry, ExtableLayout, ExtableTable, HandlerDescriptor } from './entry.ts';
import { LAYOUTS } from './layouts.ts';
import { readRanges, readTables } from './read.ts';
import type { ReadTableOptions } from './read.ts';
import type { ReportedEntry, ReportedRange, TableReport } from './report-schema.ts';
import { sortRanges } from './register.ts';
import { sortEntries, takesVector } from './search.ts';

/** What an entry's type does, in the words of a fault model. */
export interface EntryMeaning {
  /** `EX_TYPE_UACCESS|EX_FLAG_CLEAR_AX` */
  readonly typeName: string;
  /** Registers written besides rip. */
  readonly writes: readonly string[];
  readonly recoverable?: NonNullable<ReportedEntry['recoverable']>;
}

/** What is known of an entry beside its own fields. */
export interface EntrySurroundings {
  readonly layout: ExtableLayout;
  /** Undefined where it cannot be decoded. */
  readonly instruction: Instruction | undefined;
  /** Of the handler that the entry names, if it names a descriptor that can be read. */
  readonly descriptor: HandlerDescriptor | undefined;
}

export interface TableReportOptions extends ReadTableOptions {
  /** Meaning of an entry. Default: the type's number. */
  readonly meaning?: (entry: ExtableEntry, surroundings: EntrySurroundings) => EntryMeaning;
  /** List entries and ranges in search order instead of the section's. Findings are about the section all the same. */
  readonly sorted?: boolean;
}

/** Reads, describes and checks the tables of `file`. May throw `ElfError` if `file` is read lazily. */
export function reportTables(file: ObjectFile, options: TableReportOptions = {}): TableReport {
  const tables = readTables(file, options);
  const ranges = readRanges(file);
  const checked = new CheckedFile(file);
  const describer = new Describer(checked, options);
  return {
    file: file.name, kind: file.kind,
    layout: tables[0]?.layout ?? null,
    evidence: [...(tables[0]?.evidence ?? [])],
    tables: tables.map(({ section, layout, stride, entries, evidence }) => ({ section, layout, kernels: LAYOUTS[layout].kernels, stride, entries: entries.length, evidence: [...evidence] })),
    entries: describer.entries(tables, options.sorted === true),
    ranges: (options.sorted === true ? sortRanges(ranges) : ranges).map((range) => describer.range(range)),
    findings: checkTables(checked, tables, ranges),
  };
}

class Describer {
  readonly #checked: CheckedFile;
  readonly #options: TableReportOptions;

  constructor(checked: CheckedFile, options: TableReportOptions) {
    this.#checked = checked;
    this.#options = options;
  }

  entries(tables: readonly ExtableTable[], sorted: boolean): ReportedEntry[] {
    const listed = tables.flatMap((table) => (sorted ? sortEntries(table.entries) : table.entries).map((entry) => ({ table, entry })));
    const { places } = this.#checked;
    const ends = listed.flatMap(({ entry }) => [places.at(entry.insn, entry.insnSection), places.at(entry.fixup, entry.fixupSection)]);
    const known = ends.filter((end) => end !== undefined);
    const lines = linesOf(this.#checked.file, known.map(({ index, offset }) => ({ section: index, offset })));
    // The line a person wrote, not the one inside a macro it was made from.
    const lineOf = new Map(known.map((end, index) => [end, lines[index] === undefined ? undefined : writtenPosition(lines[index])]));
    return listed.map(({ table, entry }, index) => this.#entry(table, entry, ends.slice(index * 2, index * 2 + 2).map((end) => (end === undefined ? undefined : lineOf.get(end)))));
  }

  #entry(table: ExtableTable, entry: ExtableEntry, lines: readonly ({ readonly file: string; readonly line: number } | undefined)[]): ReportedEntry {
    const instruction = this.#checked.instructionAt(entry.insn, entry.insnSection);
    const descriptor = entry.class === 'handler' || entry.type === EX_TYPE_HANDLER ? this.#checked.descriptorAt(entry.fixup, entry.fixupSection) : undefined;
    const meaning = this.#options.meaning?.(entry, { layout: table.layout, instruction, descriptor }) ?? { typeName: `type ${String(entry.type)}`, writes: [] };
    return {
      table: table.section, index: entry.index,
      site: this.#place(entry.insn, entry.insnSection, lines[0], entry.insnExternal),
      ...(instruction === undefined ? {} : { instruction: describeInstruction(instruction) }),
      target: this.#place(entry.fixup, entry.fixupSection, lines[1], entry.fixupExternal),
      type: entry.type, typeName: meaning.typeName, register: entry.register, flags: entry.flags, immediate: entry.immediate, data: hex(BigInt(entry.data >>> 0)),
      ...(entry.class === undefined ? {} : { class: entry.class }),
      ...(entry.handlerName !== undefined ? { handler: entry.handlerName } : table.layout === 'handler' && entry.handler !== undefined ? { handler: this.#checked.places.describe(entry.handler) } : {}),
      ...(descriptor === undefined ? {} : { descriptor: this.#descriptor(descriptor) }),
      writes: [...meaning.writes],
      ...(meaning.recoverable === undefined ? {} : { recoverable: meaning.recoverable }),
    };
  }

  range(range: ExRange): ReportedRange {
    const descriptor = this.#checked.descriptorAt(range.descriptor, range.descriptorSection);
    return {
      index: range.index, start: this.#place(range.start, range.startSection, undefined, range.startExternal), length: range.length, flags: range.flags,
      ...(descriptor === undefined ? {} : { descriptor: this.#descriptor(descriptor) }),
    };
  }

  #place(place: bigint, section: string | undefined, line: { readonly file: string; readonly line: number } | undefined, external?: string): ReportedEntry['site'] {
    return {
      address: hex(place), symbol: this.#checked.places.describe(place, section, external),
      ...(section === undefined ? {} : { section }),
      ...(line === undefined ? {} : { source: { file: line.file, line: line.line } }),
    };
  }

  #descriptor(descriptor: HandlerDescriptor): NonNullable<ReportedEntry['descriptor']> {
    return {
      address: hex(descriptor.address), handler: this.#checked.places.describe(descriptor.handler, descriptor.handlerSection),
      vectors: Array.from({ length: 32 }, (_, vector) => vector).filter((vector) => takesVector(descriptor, vector)), flags: descriptor.flags,
    };
  }
}

function describeInstruction({ text, bytes, accesses, faults }: Instruction): NonNullable<ReportedEntry['instruction']> {
  return {
    text, bytes: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    reads: accesses.some(({ kind }) => kind !== 'write'),
    faults: faults.map(({ vector, reason }) => ({ vector, reason })),
  };
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}
