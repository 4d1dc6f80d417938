/**
 * An {@link ObjectFile} as the bytes of an ELF64 relocatable file, laid out as GNU as lays it out: the sections, the symbol
 * table, its strings, the relocations, the names of the sections, and the section headers (gABI 4 and 5).
 */
import { EM_X86_64 } from './machines.ts';
import { SHF, SHT } from './object.ts';
import type { ObjectFile, ObjectSymbol, Section, SymbolBinding, SymbolType, SymbolVisibility } from './object.ts';
import { encodeUtf8 } from './utf8.ts';

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELA_SIZE = 24;
/** Section numbers from here on have other meanings (gABI, SHN_LORESERVE). */
const MAX_SECTIONS = 0xff00;

const TYPES: Readonly<Record<SymbolType, number>> = { notype: 0, object: 1, func: 2, section: 3, file: 4, common: 5, tls: 6, ifunc: 10 };
const BINDINGS: Readonly<Record<SymbolBinding, number>> = { local: 0, global: 1, weak: 2, unique: 10 };
const VISIBILITIES: Readonly<Record<SymbolVisibility, number>> = { default: 0, internal: 1, hidden: 2, protected: 3 };
const SPECIAL: Readonly<Record<'undefined' | 'absolute' | 'common', number>> = { undefined: 0, absolute: 0xfff1, common: 0xfff2 };

/** A section of the file: one of the object's, or a table that the writer makes. */
interface Part {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly entrySize: number;
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  offset: number;
}

/**
 * The bytes of `object`, which must be relocatable; lines and local labels have no place in it.
 * Throws RangeError for an object that ELF cannot hold, or whose indices lead nowhere.
 */
export function writeElf(object: ObjectFile): Uint8Array {
  if (object.kind !== 'relocatable') throw new RangeError(`${object.name} is ${object.kind}: only relocatable objects can be written`);
  const numbers = numberSections(object);
  const order = localsFirst(object.symbols);
  const strings = new StringTableWriter();
  const symbols = symbolTable(object, order.symbols, numbers.of, strings);
  const parts = fileSections(object, numbers, order, symbols, strings.bytes());
  return layOut(parts);
}

interface Numbers {
  /** The file's section number for each of the object's sections; 0 where the section is made anew or left out. */
  readonly of: readonly number[];
  /** The object's sections that are copied, in order. */
  readonly kept: readonly { readonly section: Section; readonly index: number }[];
  readonly symbolTable: number;
  readonly total: number;
}

/** The writer makes symbol tables, relocations and their strings itself. */
function isMade(section: Section): boolean {
  return section.type === SHT.NULL || section.type === SHT.SYMTAB || section.type === SHT.RELA || section.type === SHT.SYMTAB_SHNDX
    || (section.type === SHT.STRTAB && /^\.(str|shstr)tab$/.test(section.name));
}

/** Each section is followed by its relocations, as gas has it. */
function numberSections({ name, sections }: ObjectFile): Numbers {
  const of = sections.map(() => 0);
  const kept: { section: Section; index: number }[] = [];
  let next = 1;
  sections.forEach((section, index) => {
    if (isMade(section)) return;
    kept.push({ section, index });
    of[index] = next;
    next += section.relocations.length > 0 ? 2 : 1;
  });
  const total = next + 3;
  if (total >= MAX_SECTIONS) throw new RangeError(`${name} has ${String(total)} sections; a file holds fewer than ${String(MAX_SECTIONS)}`);
  return { of, kept, symbolTable: next, total };
}

interface SymbolOrder {
  readonly symbols: readonly ObjectSymbol[];
  /** The file's symbol number for each of the object's symbols. */
  readonly of: readonly number[];
  readonly locals: number;
}

/** gABI: local symbols come before all others, and the null symbol before these. */
function localsFirst(symbols: readonly ObjectSymbol[]): SymbolOrder {
  const rest = symbols.map((symbol, index) => ({ symbol, index })).slice(1);
  const sorted = [...rest.filter(({ symbol }) => symbol.binding === 'local'), ...rest.filter(({ symbol }) => symbol.binding !== 'local')];
  const of = symbols.map(() => 0);
  sorted.forEach(({ index }, position) => { of[index] = position + 1; });
  return { symbols: sorted.map(({ symbol }) => symbol), of, locals: 1 + rest.filter(({ symbol }) => symbol.binding === 'local').length };
}

function symbolTable(object: ObjectFile, symbols: readonly ObjectSymbol[], numbers: readonly number[], strings: StringTableWriter): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * SYMBOL_SIZE);
  const view = new DataView(bytes.buffer);
  symbols.forEach((symbol, index) => {
    const at = (index + 1) * SYMBOL_SIZE;
    const section = typeof symbol.section === 'number' ? numbers[symbol.section] : SPECIAL[symbol.section];
    if (section === undefined) throw new RangeError(`symbol ${symbol.name} of ${object.name} lies in section ${String(symbol.section)}, which does not exist`);
    view.setUint32(at, symbol.type === 'section' ? 0 : strings.add(symbol.name), true);
    view.setUint8(at + 4, (BINDINGS[symbol.binding] << 4) | TYPES[symbol.type]);
    view.setUint8(at + 5, VISIBILITIES[symbol.visibility]);
    view.setUint16(at + 6, section, true);
    view.setBigUint64(at + 8, symbol.value, true);
    view.setBigUint64(at + 16, symbol.size, true);
  });
  return bytes;
}

function fileSections(object: ObjectFile, numbers: Numbers, order: SymbolOrder, symbols: Uint8Array, strings: Uint8Array): Part[] {
  const parts: Part[] = [table('', SHT.NULL, new Uint8Array(0), { align: 0 })];
  for (const { section, index } of numbers.kept) {
    parts.push(copied(object, section, numbers, order));
    if (section.relocations.length === 0) continue;
    parts.push(table(`.rela${section.name}`, SHT.RELA, relocationTable(object, section, order), {
      align: 8, entrySize: RELA_SIZE, link: numbers.symbolTable, info: numbers.of[index]!, flags: SHF.INFO_LINK | (section.flags & SHF.GROUP),
    }));
  }
  parts.push(table('.symtab', SHT.SYMTAB, symbols, { align: 8, entrySize: SYMBOL_SIZE, link: numbers.symbolTable + 1, info: order.locals }));
  parts.push(table('.strtab', SHT.STRTAB, strings, {}));
  return parts;
}

function table(name: string, type: number, bytes: Uint8Array, given: Partial<Part>): Part {
  return { name, type, flags: 0, align: 1, entrySize: 0, bytes, size: bytes.length, link: 0, info: 0, offset: 0, ...given };
}

function copied(object: ObjectFile, section: Section, numbers: Numbers, order: SymbolOrder): Part {
  const { name, type, flags, align, entrySize, size } = section;
  if (type === SHT.GROUP) {
    return table(name, type, groupMembers(object, section, numbers), { flags, align, entrySize, link: numbers.symbolTable, info: order.of[section.info ?? 0] ?? 0 });
  }
  return table(name, type, section.bytes, { flags, align, entrySize, size, link: numbers.of[section.link ?? 0] ?? 0, info: numbers.of[section.info ?? 0] ?? 0 });
}

/** A group's flag word and the numbers of its members; the relocations of a member belong to the group too. */
function groupMembers(object: ObjectFile, { bytes }: Section, numbers: Numbers): Uint8Array {
  const words: number[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const word = view.getUint32(at, true);
    if (at === 0) {
      words.push(word);
      continue;
    }
    const member = object.sections[word];
    const number = numbers.of[word];
    if (member === undefined || number === undefined || number === 0) continue;
    words.push(number);
    if (member.relocations.length > 0) words.push(number + 1);
  }
  const result = new Uint8Array(words.length * 4);
  const target = new DataView(result.buffer);
  words.forEach((word, index) => { target.setUint32(index * 4, word, true); });
  return result;
}

function relocationTable(object: ObjectFile, section: Section, order: SymbolOrder): Uint8Array {
  const bytes = new Uint8Array(section.relocations.length * RELA_SIZE);
  const view = new DataView(bytes.buffer);
  section.relocations.forEach(({ offset, type, symbol, addend }, index) => {
    const number = order.of[symbol];
    if (number === undefined) throw new RangeError(`a relocation of ${section.name} in ${object.name} names symbol ${String(symbol)}, which does not exist`);
    const at = index * RELA_SIZE;
    view.setBigUint64(at, BigInt(offset), true);
    view.setUint32(at + 8, type, true);
    view.setUint32(at + 12, number, true);
    view.setBigInt64(at + 16, addend, true);
  });
  return bytes;
}

/** Strings, each once. */
class StringTableWriter {
  private readonly offsets = new Map<string, number>([['', 0]]);
  private readonly pieces: Uint8Array[] = [Uint8Array.of(0)];
  private size = 1;

  add(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.size;
    const piece = encodeUtf8(`${text}\0`);
    this.offsets.set(text, offset);
    this.pieces.push(piece);
    this.size += piece.length;
    return offset;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const piece of this.pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

/** Gives every part its place in the file, relocations behind the symbols as gas has them, and writes all of it. */
function layOut(parts: Part[]): Uint8Array {
  const names = new StringTableWriter();
  const nameOffsets = parts.map((part) => names.add(part.name));
  nameOffsets.push(names.add('.shstrtab'));
  parts.push(table('.shstrtab', SHT.STRTAB, names.bytes(), {}));
  let end = HEADER_SIZE;
  const place = (part: Part): void => {
    if (part.type === SHT.NULL) return;
    part.offset = roundUp(end, Math.max(part.align, 1));
    end = part.type === SHT.NOBITS ? part.offset : part.offset + part.bytes.length;
  };
  const late = (part: Part): boolean => part.type === SHT.RELA || part.name === '.shstrtab';
  for (const part of parts) if (!late(part)) place(part);
  for (const part of parts) if (late(part)) place(part);
  const headers = roundUp(end, 8);
  const file = new Uint8Array(headers + parts.length * SECTION_HEADER_SIZE);
  const view = new DataView(file.buffer);
  writeHeader(view, headers, parts.length);
  parts.forEach((part, index) => {
    if (part.type !== SHT.NOBITS) file.set(part.bytes, part.offset);
    writeSectionHeader(view, headers + index * SECTION_HEADER_SIZE, part, nameOffsets[index]!);
  });
  return file;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function writeHeader(view: DataView, headers: number, count: number): void {
  view.setUint32(0, 0x7f454c46);
  // 64-bit, least significant byte first, version 1, System V.
  view.setUint32(4, 0x02010100);
  view.setUint16(16, 1, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(headers), true);
  view.setUint16(52, HEADER_SIZE, true);
  view.setUint16(58, SECTION_HEADER_SIZE, true);
  view.setUint16(60, count, true);
  view.setUint16(62, count - 1, true);
}

function writeSectionHeader(view: DataView, at: number, part: Part, name: number): void {
  view.setUint32(at, name, true);
  view.setUint32(at + 4, part.type, true);
  view.setBigUint64(at + 8, BigInt(part.flags), true);
  view.setBigUint64(at + 24, BigInt(part.offset), true);
  view.setBigUint64(at + 32, BigInt(part.size), true);
  view.setUint32(at + 40, part.link, true);
  view.setUint32(at + 44, part.info, true);
  view.setBigUint64(at + 48, BigInt(part.align), true);
  view.setBigUint64(at + 56, BigInt(part.entrySize), true);
}
