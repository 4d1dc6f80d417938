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
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { DEFAULT_KERNEL_GENERATION } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { foreignArchitecture } from './architecture.ts';
import { firstIndex } from './first-index.ts';
import { pushTo } from './multimap.ts';
import { readEntries, readRangeSites } from './entries.ts';
import { instructionSites } from './instruction-sites.ts';
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
  /** The same for all versions of a file that is being edited: what is known of one version, and may hold for the next, is kept by it. */
  readonly history: object;
  /** Headers that define what the file uses may be missing even where each include was found: a kernel tree that is not configured. */
  readonly unconfigured: boolean;
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
  /** See {@link Analysis.unconfigured}. Default false. */
  readonly unconfigured?: boolean;
  /** See {@link Analysis.history}. Default: one of its own. */
  readonly history?: object;
}

/** Reads, assembles and joins. Never fails: what is broken is among the problems, the rest is there. */
export function analyze(file: string, text: string, options: AnalysisOptions): Analysis {
  const unit = readGas(file, text, options);
  const { object, problems } = assemble(unit);
  return new FileAnalysis(text, unit, object, [...unit.problems, ...problems], options);
}

/** What is worked out when somebody asks: diagnostics of a file without entries need neither the instructions nor the routines. */
class FileAnalysis implements Analysis {
  readonly file: string;
  readonly text: string;
  readonly unit: GasUnit;
  readonly object: ObjectFile;
  readonly generation: KernelGeneration;
  readonly problems: readonly Problem[];
  readonly directives: readonly CommentDirective[];
  readonly checksWithoutEntries: boolean;
  readonly unconfigured: boolean;
  readonly history: object;
  readonly foreign?: string;
  #labels: LabelTable | undefined;
  #entries: readonly EntrySite[] | undefined;
  #ranges: readonly RangeSite[] | undefined;
  #routines: readonly Routine[] | undefined;
  #instructions: readonly InstructionSite[] | undefined;
  /** By file, then line. */
  #byLine: ReadonlyMap<string, ReadonlyMap<number, readonly InstructionSite[]>> | undefined;
  #usesByLine: ReadonlyMap<number, readonly MacroUse[]> | undefined;

  constructor(text: string, unit: GasUnit, object: ObjectFile, problems: readonly Problem[], { generation = DEFAULT_KERNEL_GENERATION, checksWithoutEntries = false, unconfigured = false, history = {} }: AnalysisOptions) {
    this.file = unit.file;
    this.text = text;
    this.unit = unit;
    this.object = object;
    this.problems = problems;
    this.generation = generation;
    this.checksWithoutEntries = checksWithoutEntries;
    this.unconfigured = unconfigured;
    this.history = history;
    this.directives = unit.directives;
    const foreign = foreignArchitecture(unit, text, problems);
    if (foreign !== undefined) this.foreign = foreign;
  }

  get labels(): LabelTable {
    return (this.#labels ??= new LabelTable(this.unit, this.object));
  }

  get entries(): readonly EntrySite[] {
    return (this.#entries ??= readEntries(this.unit, this.object, () => this.labels, this.generation));
  }

  get ranges(): readonly RangeSite[] {
    return (this.#ranges ??= readRangeSites(this.unit, this.object));
  }

  get routines(): readonly Routine[] {
    return (this.#routines ??= routinesOf(this.object, this.labels));
  }

  get instructions(): readonly InstructionSite[] {
    if (this.#instructions === undefined) {
      const entriesAt = new Map<string, EntrySite[]>();
      for (const entry of this.entries) if (entry.insn !== undefined) pushTo(entriesAt, placeKey(entry.insn), entry);
      this.#instructions = instructionSites(this.unit, this.object, this.routines, (place) => entriesAt.get(placeKey(place)) ?? []);
    }
    return this.#instructions;
  }

  instructionAt(place: ObjectPlace): InstructionSite | undefined {
    const site = this.instructions[firstIndex(this.instructions, ({ section, offset }) => section > place.section || (section === place.section && offset >= place.offset))];
    return site?.section === place.section && site.offset === place.offset ? site : undefined;
  }

  instructionsOnLine(line: number, file = this.file): readonly InstructionSite[] {
    this.#byLine ??= byLines(this.instructions);
    return this.#byLine.get(file)?.get(line) ?? [];
  }

  macroUseAt(line: number, column: number): MacroUse | undefined {
    if (this.#usesByLine === undefined) {
      const byLine = new Map<number, MacroUse[]>();
      for (const use of this.unit.macroUses) if (use.range.start.file === this.file && use.range.start.expansion === undefined) pushTo(byLine, use.range.start.line, use);
      this.#usesByLine = byLine;
    }
    return (this.#usesByLine.get(line) ?? [])
      .filter(({ range }) => range.start.column <= column && column <= range.endColumn)
      .sort((a, b) => (a.range.endColumn - a.range.start.column) - (b.range.endColumn - b.range.start.column))[0];
  }
}

export function placeKey({ section, offset }: ObjectPlace): string {
  return `${String(section)}:${String(offset)}`;
}

/** By the line the person wrote, and the line inside the macro the statement comes from. */
function byLines(sites: readonly InstructionSite[]): ReadonlyMap<string, ReadonlyMap<number, readonly InstructionSite[]>> {
  const found = new Map<string, Map<number, InstructionSite[]>>();
  const add = ({ file, line }: SourcePosition, site: InstructionSite): void => {
    let lines = found.get(file);
    if (lines === undefined) found.set(file, lines = new Map());
    pushTo(lines, line, site);
  };
  for (const site of sites) {
    const { start } = site.statement.range;
    const written = writtenPosition(start);
    add(written, site);
    if (written.file !== start.file || written.line !== start.line) add(start, site);
  }
  return found;
}
