/**
 * DWARF 2-5 line tables (`.debug_line`, `.debug_line_str`) to rows of section, offset and place. DWARF 5 standard, section 6.2.
 */
import { DwarfError, DwarfReader, debugSection } from './reader.ts';
import type { DebugSection } from './reader.ts';
import { compilationDirectories, readForm } from './units.ts';
import { ElfError } from '../elf-error.ts';
import { SHF } from '../object.ts';
import type { LineRow, ObjectFile } from '../object.ts';
import { StringTable } from '../strings.ts';
import type { SourcePosition } from '../../source.ts';

/** Called for each row. `line` is 0 for code that comes from no line; `end` for the address behind a sequence's last byte. */
export type LineVisitor = (section: number, offset: number, place: () => SourcePosition, line: number, end: boolean) => void;

/**
 * All rows of `file`, sorted by section, then offset; of several rows of one address the last is where the code there comes from,
 * the others are lines that have no code left of their own. Damaged tables cost only their own rows.
 */
export function readLineTable(file: ObjectFile): LineRow[] {
  const rows: LineRow[] = [];
  visitLines(file, (section, offset, place, line, end) => {
    if (!end && line > 0) rows.push({ section, offset, position: place() });
  });
  rows.sort((a, b) => a.section - b.section || a.offset - b.offset);
  return rows.filter((row, index) => {
    const next = rows[index + 1];
    return next === undefined || next.section !== row.section || next.offset !== row.offset
      || next.position.line !== row.position.line || next.position.file !== row.position.file;
  });
}

/** Walks every line program of `file` without keeping rows. */
export function visitLines(file: ObjectFile, visit: LineVisitor): void {
  const section = debugSection(file, '.debug_line');
  if (section === undefined) return;
  const context = new LineContext(file, section);
  const reader = new DwarfReader(section.bytes);
  while (reader.left > 0) {
    const start = reader.at;
    let next: number;
    try {
      reader.end = section.bytes.length;
      const unit = reader.unitLength();
      next = unit.next;
      runProgram(context, readProgramHeader(context, reader, unit.wide, start), reader, visit);
    } catch (error) {
      if (!(error instanceof DwarfError) && !(error instanceof ElfError)) throw error;
      if (reader.end === section.bytes.length) return;
      next = reader.end;
    }
    reader.at = next;
    reader.end = section.bytes.length;
  }
}

/** What line programs of one file share. */
class LineContext {
  readonly file: ObjectFile;
  readonly section: DebugSection;
  readonly #strings = new Map<string, StringTable>();
  readonly #ranges: readonly { readonly index: number; readonly start: bigint; readonly end: bigint }[];
  #directories: ReadonlyMap<number, string> | undefined;

  constructor(file: ObjectFile, section: DebugSection) {
    this.file = file;
    this.section = section;
    this.#ranges = file.kind === 'relocatable' ? [] : file.sections.flatMap((candidate, index) =>
      (candidate.flags & SHF.EXECINSTR) === 0 ? [] : [{ index, start: candidate.address, end: candidate.address + BigInt(candidate.size) }]);
  }

  stringAt(section: '.debug_str' | '.debug_line_str', offset: number): string {
    let table = this.#strings.get(section);
    if (table === undefined) {
      table = new StringTable(this.file.name, 0, debugSection(this.file, section)?.bytes ?? new Uint8Array(0));
      this.#strings.set(section, table);
    }
    return table.at(offset, 0);
  }

  directory(lineTable: number): string {
    this.#directories ??= compilationDirectories(this.file, (section, offset) => this.stringAt(section, offset));
    return this.#directories.get(lineTable) ?? '';
  }

  /** The section of an address operand that stands at `at` in `.debug_line`, and the section's own start. */
  locate(at: number, address: bigint): { readonly section: number; readonly base: bigint } | undefined {
    if (this.file.kind === 'relocatable') {
      const relocation = this.section.relocations.get(at);
      const symbol = relocation === undefined ? undefined : this.file.symbols[relocation.symbol];
      return typeof symbol?.section === 'number' ? { section: symbol.section, base: 0n } : undefined;
    }
    const range = this.#ranges.find(({ start, end }) => address >= start && address < end);
    return range === undefined ? undefined : { section: range.index, base: range.start };
  }
}

interface Program {
  readonly version: number;
  readonly minimumLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: readonly number[];
  readonly addressSize: number;
  readonly paths: readonly string[];
}

const DW_LNCT_path = 1;
const DW_LNCT_directory_index = 2;

function readProgramHeader(context: LineContext, reader: DwarfReader, wide: boolean, unitOffset: number): Program {
  const version = reader.u16();
  if (version < 2 || version > 5) throw new DwarfError(`line table version ${String(version)}`);
  const addressSize = version === 5 ? reader.u8() : 8;
  if (version === 5) reader.u8();
  const headerLength = reader.word(wide);
  const programStart = reader.at + headerLength;
  if (programStart > reader.end) throw new DwarfError('a line table header longer than its unit');
  const minimumLength = reader.u8();
  if (version >= 4) reader.u8();
  reader.u8();
  const lineBase = reader.i8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  if (lineRange === 0 || opcodeBase === 0) throw new DwarfError('a line table without opcodes');
  const operandCounts = [0, ...Array.from({ length: opcodeBase - 1 }, () => reader.u8())];
  const paths = version === 5 ? readPaths(context, reader, wide, addressSize) : readOldPaths(context, reader, unitOffset);
  reader.at = programStart;
  return { version, minimumLength, lineBase, lineRange, opcodeBase, operandCounts, addressSize, paths };
}

function readPaths(context: LineContext, reader: DwarfReader, wide: boolean, addressSize: number): string[] {
  const directories = readEntries(context, reader, wide, addressSize).map(({ path }) => path);
  const home = directories[0] ?? '';
  return readEntries(context, reader, wide, addressSize).map(({ path, directory }) => join(home, directories[directory] ?? '', path));
}

function readEntries(context: LineContext, reader: DwarfReader, wide: boolean, addressSize: number): { readonly path: string; readonly directory: number }[] {
  const formats = Array.from({ length: reader.u8() }, () => [reader.uleb(), reader.uleb()] as const);
  const count = reader.uleb();
  // Each entry has at least a byte, so a count beyond the bytes left is a lie.
  if (count > reader.left || (count > 0 && formats.length === 0)) throw new DwarfError(`${String(count)} names announced`);
  return Array.from({ length: count }, () => {
    const before = reader.at;
    let path = '';
    let directory = 0;
    for (const [content, form] of formats) {
      const value = readForm(reader, form, wide, addressSize);
      if (content === DW_LNCT_path) path = value.kind === 'string' ? value.value : value.kind === 'string-at' ? context.stringAt(value.section, value.offset) : '';
      if (content === DW_LNCT_directory_index && value.kind === 'number') directory = value.value;
    }
    if (reader.at === before) throw new DwarfError('names without bytes');
    return { path, directory };
  });
}

function readOldPaths(context: LineContext, reader: DwarfReader, unitOffset: number): string[] {
  const home = context.directory(unitOffset);
  const directories = [home];
  for (let name = reader.string(); name !== ''; name = reader.string()) directories.push(name);
  const paths = [''];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    const directory = reader.uleb();
    reader.uleb();
    reader.uleb();
    paths.push(join(home, directories[directory] ?? '', name));
  }
  return paths;
}

/** `name`, seen from `directory`, seen from `home`; `.` and `..` resolved. */
function join(home: string, directory: string, name: string): string {
  const parts = name.startsWith('/') ? [name] : directory.startsWith('/') || directory === home ? [directory, name] : [home, directory, name];
  const path = parts.filter((part) => part !== '').join('/');
  const names: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (part !== '.' && part !== '') names.push(part);
  }
  return `${path.startsWith('/') ? '/' : ''}${names.join('/')}`;
}

function runProgram(context: LineContext, program: Program, reader: DwarfReader, visit: LineVisitor): void {
  const { opcodeBase, lineBase, lineRange, minimumLength, operandCounts } = program;
  let address = 0n;
  let section: { readonly section: number; readonly base: bigint } | undefined;
  let file = 1;
  let line = 1;
  let column = 0;
  const emit = (end: boolean): void => {
    if (section === undefined) return;
    const path = program.paths[file];
    const position = { file: path ?? '', line, column: Math.max(1, column) };
    visit(section.section, Number(address - section.base), () => position, path === undefined ? 0 : line, end);
  };
  const advance = (operations: number): void => { address = BigInt.asUintN(64, address + BigInt(Math.trunc(operations)) * BigInt(minimumLength)); };
  while (reader.left > 0) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      advance(Math.trunc(adjusted / lineRange));
      line += lineBase + (adjusted % lineRange);
      emit(false);
    } else if (opcode === 0) {
      const length = reader.uleb();
      const start = reader.at;
      if (length > reader.left) throw new DwarfError('an extended opcode longer than its unit');
      const kind = length === 0 ? 0 : reader.u8();
      if (kind === 1) {
        emit(true);
        address = 0n;
        section = undefined;
        file = 1;
        line = 1;
        column = 0;
      } else if (kind === 2) {
        const at = reader.at;
        address = length === 9 ? reader.u64() : length === 5 ? BigInt(reader.u32()) : 0n;
        section = context.locate(at, address);
      }
      reader.at = start + length;
    } else switch (opcode) {
      case 1: emit(false); break;
      case 2: advance(reader.uleb()); break;
      case 3: line += reader.sleb(); break;
      case 4: file = reader.uleb(); break;
      case 5: column = reader.uleb(); break;
      case 8: advance(Math.trunc((255 - opcodeBase) / lineRange)); break;
      case 9: address += BigInt(reader.u16()); break;
      case 6: case 7: case 10: case 11: break;
      case 12: reader.uleb(); break;
      default: for (let count = operandCounts[opcode] ?? 0; count > 0; count--) reader.uleb();
    }
  }
}
