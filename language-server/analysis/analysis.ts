/**
 * What the server knows of one source file: read, assembled, its instructions decoded, its exception table joined to them.
 * Knows nothing of the protocol; `mcsafe lint` uses it too.
 */
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { ExRange, ExtableLayout } from '../../assembly/extable/entry.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { CommentDirective, GasUnit, InstructionStatement, MacroUse, ReadOptions } from '../../assembly/gas/statement.ts';
import type { Problem, SourcePosition, SourceRange } from '../../assembly/source.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { decodeInstruction } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { DEFAULT_KERNEL_GENERATION } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { foreignArchitecture } from './architecture.ts';
import { pushTo } from './multimap.ts';
import { readEntries, readRangeSites } from './entries.ts';
import { LabelTable } from './labels.ts';
import { routinesOf } from './routines.ts';

/** A place in a section of the assembled object. */
export interface ObjectPlace {
  readonly section: number;
  readonly offset: number;
}

/** One instruction of the file, with what the exception table says of it. */
export interface InstructionSite extends ObjectPlace {
  readonly statement: InstructionStatement;
  /** What stands behind a prefix on its own: `rep; movsb` are two statements and one instruction. */
  readonly prefixed?: InstructionStatement;
  readonly instruction: Instruction;
  /** Entries whose fault site is exactly this instruction. */
  readonly entries: readonly EntrySite[];
  /** A statement in front of it could not be assembled, so a label of that one is now its own. */
  readonly afterGap: boolean;
  readonly routine?: Routine;
}

/** One exception-table entry, as the source made it. */
export interface EntrySite {
  /** `__ex_table` or `__mcex_table`. */
  readonly table: string;
  readonly layout: ExtableLayout;
  /** The landing pad is no code but the descriptor of a handler. */
  readonly isDescriptor: boolean;
  /** EX_TYPE_* number, register, flags and immediate of the data word. */
  readonly type: number;
  readonly register: number;
  readonly flags: number;
  readonly immediate: number;
  /** Where the entry says the fault happens; undefined if that symbol is not defined in this file. */
  readonly insn?: ObjectPlace;
  readonly insnName: string;
  /** The landing pad; undefined if its symbol is not defined in this file. */
  readonly fixup?: ObjectPlace;
  readonly fixupName: string;
  /** Where the entry was written: the macro's use, or the `.long` of a table made by hand. */
  readonly range: SourceRange;
  /** Name of the macro that made it, if one did. */
  readonly macro?: string;
}

/** One handler range, as the source made it. */
export interface RangeSite {
  readonly record: ExRange;
  readonly range: SourceRange;
}

/** A stretch of code under one name. */
export interface Routine {
  readonly name: string;
  readonly section: number;
  readonly start: number;
  /** Exclusive: from `.size`, else the next function's start or the section's end. */
  readonly end: number;
  readonly sized: boolean;
  readonly global: boolean;
  readonly isFunction: boolean;
  /** Of the label's name. */
  readonly range: SourceRange;
  /** Written line (1-based) of the last instruction. */
  readonly lastLine: number;
}

export interface Analysis {
  readonly file: string;
  readonly text: string;
  readonly unit: GasUnit;
  readonly object: ObjectFile;
  readonly generation: KernelGeneration;
  /** Of the reader and the assembler. */
  readonly problems: readonly Problem[];
  /** By section, then offset. */
  readonly instructions: readonly InstructionSite[];
  readonly entries: readonly EntrySite[];
  readonly ranges: readonly RangeSite[];
  readonly routines: readonly Routine[];
  readonly labels: LabelTable;
  /** `mcsafe:` comments of this file. */
  readonly directives: readonly CommentDirective[];
  /** Whether routines are checked though the file has no entries. */
  readonly checksWithoutEntries: boolean;
  /** What this is, if not assembly for x86-64 and GNU as (`assembly for AArch64`): then nothing is reported of it. */
  readonly foreign?: string;
  instructionAt(place: ObjectPlace): InstructionSite | undefined;
  /** Instructions whose written line is `line` (1-based) of `file`; for a line inside a macro body: all that were made from it. */
  instructionsOnLine(line: number, file?: string): readonly InstructionSite[];
  /** The innermost macro use at a position of this file (1-based). */
  macroUseAt(line: number, column: number): MacroUse | undefined;
}

export interface AnalysisOptions extends ReadOptions {
  readonly generation?: KernelGeneration;
  /** Check routines in files without exception-table entries too. Default false. */
  readonly checksWithoutEntries?: boolean;
}

/** Reads, assembles and joins. Never fails: what is broken is among the problems, the rest is there. */
export function analyze(file: string, text: string, options: AnalysisOptions): Analysis {
  const unit = readGas(file, text, options);
  const { object, problems } = assemble(unit);
  return new FileAnalysis(text, unit, object, [...unit.problems, ...problems], options);
}

const LONGEST_INSTRUCTION = 15;

class FileAnalysis implements Analysis {
  readonly file: string;
  readonly text: string;
  readonly unit: GasUnit;
  readonly object: ObjectFile;
  readonly generation: KernelGeneration;
  readonly problems: readonly Problem[];
  readonly instructions: readonly InstructionSite[];
  readonly entries: readonly EntrySite[];
  readonly ranges: readonly RangeSite[];
  readonly routines: readonly Routine[];
  readonly labels: LabelTable;
  readonly directives: readonly CommentDirective[];
  readonly checksWithoutEntries: boolean;
  readonly foreign?: string;
  readonly #byPlace = new Map<string, InstructionSite>();
  readonly #byLine = new Map<string, InstructionSite[]>();

  constructor(text: string, unit: GasUnit, object: ObjectFile, problems: readonly Problem[], { generation = DEFAULT_KERNEL_GENERATION, checksWithoutEntries = false }: AnalysisOptions) {
    this.file = unit.file;
    this.text = text;
    this.unit = unit;
    this.object = object;
    this.problems = problems;
    this.generation = generation;
    this.checksWithoutEntries = checksWithoutEntries;
    this.directives = unit.directives;
    const foreign = foreignArchitecture(unit, text, problems);
    if (foreign !== undefined) this.foreign = foreign;
    this.labels = new LabelTable(unit, object);
    this.entries = readEntries(unit, object, this.labels, generation);
    this.ranges = readRangeSites(unit, object);
    this.routines = routinesOf(object, this.labels);
    const entriesAt = new Map<string, EntrySite[]>();
    for (const entry of this.entries) if (entry.insn !== undefined) pushTo(entriesAt, placeKey(entry.insn), entry);
    this.instructions = decodeAll(unit, object, this.routines, entriesAt);
    for (const site of this.instructions) {
      this.#byPlace.set(placeKey(site), site);
      const keys = [site.statement, site.prefixed].flatMap((statement) => (statement === undefined ? [] : lineKeys(statement.range.start)));
      for (const key of new Set(keys)) pushTo(this.#byLine, key, site);
    }
  }

  instructionAt(place: ObjectPlace): InstructionSite | undefined {
    return this.#byPlace.get(placeKey(place));
  }

  instructionsOnLine(line: number, file = this.file): readonly InstructionSite[] {
    return this.#byLine.get(lineKey(file, line)) ?? [];
  }

  macroUseAt(line: number, column: number): MacroUse | undefined {
    const holds = ({ range }: MacroUse): boolean =>
      range.start.file === this.file && range.start.line === line && range.start.column <= column && column <= range.endColumn && range.start.expansion === undefined;
    return this.unit.macroUses.filter(holds).sort((a, b) => (a.range.endColumn - a.range.start.column) - (b.range.endColumn - b.range.start.column))[0];
  }
}

function decodeAll(
  unit: GasUnit, object: ObjectFile, routines: readonly Routine[], entriesAt: ReadonlyMap<string, EntrySite[]>,
): readonly InstructionSite[] {
  const rowOf = new Map(object.lines.map((row) => [row.position, row]));
  const sites: InstructionSite[] = [];
  const gapsBefore = new Map<number, number>();
  let gaps = 0;
  for (const statement of unit.statements) {
    if (statement.kind !== 'instruction' || statement.bits !== 64) continue;
    const row = rowOf.get(statement.range.start);
    const section = row === undefined ? undefined : object.sections[row.section];
    if (row === undefined || section === undefined) {
      gaps++;
      continue;
    }
    const before = sites.at(-1);
    if (before?.section === row.section && before.statement.operands.length === 0 && before.offset < row.offset && row.offset < before.offset + before.instruction.length) {
      sites[sites.length - 1] = { ...before, prefixed: statement };
      continue;
    }
    const bytes = section.bytes.subarray(row.offset, row.offset + LONGEST_INSTRUCTION);
    if (bytes.length === 0) continue;
    const instruction = decodeInstruction(bytes, BigInt(row.offset));
    const routine = routines.findLast((one) => one.section === row.section && one.start <= row.offset && row.offset < one.end);
    sites.push({
      section: row.section, offset: row.offset, statement, instruction,
      entries: entriesAt.get(placeKey(row)) ?? [], afterGap: (gapsBefore.get(row.section) ?? 0) !== gaps,
      ...(routine === undefined ? {} : { routine }),
    });
    gapsBefore.set(row.section, gaps);
  }
  return sites.sort((a, b) => a.section - b.section || a.offset - b.offset);
}

export function placeKey({ section, offset }: ObjectPlace): string {
  return `${String(section)}:${String(offset)}`;
}

function lineKey(file: string, line: number): string {
  return `${file}\n${String(line)}`;
}

/** The line the person wrote, and the line inside the macro the statement comes from. */
function lineKeys(position: SourcePosition): readonly string[] {
  const written = writtenPosition(position);
  const outer = lineKey(written.file, written.line);
  const inner = lineKey(position.file, position.line);
  return outer === inner ? [outer] : [outer, inner];
}
