/**
 * ELF64 file header, section headers and program headers, each number checked against the file before it is used.
 * Field names and offsets: ELF gABI, chapters 4 and 5.
 */
import type { ByteSource } from './byte-source.ts';
import { ElfError } from './elf-error.ts';
import { EM_X86_64, machineName } from './machines.ts';
import type { ObjectFile } from './object.ts';
import { SHT } from './object.ts';

export interface SectionHeader {
  /** File offset of this header, for messages. */
  readonly headerOffset: number;
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: bigint;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface ElfHeader {
  readonly kind: ObjectFile['kind'];
  readonly entry: bigint;
  readonly sections: readonly SectionHeader[];
  readonly programs: readonly ProgramHeader[];
  /** Index of the section that holds the section names; 0 if there is none. */
  readonly nameSection: number;
}

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SHN_XINDEX = 0xffff;
const PN_XNUM = 0xffff;
const KINDS: Readonly<Record<number, ObjectFile['kind']>> = { 1: 'relocatable', 2: 'executable', 3: 'shared' };

/** Reads the headers of `source`. Throws {@link ElfError}, also for another class, byte order or machine, which it names. */
export function readHeader(file: string, source: ByteSource): ElfHeader {
  const fail = (offset: number, what: string): never => { throw new ElfError(file, offset, what); };
  if (source.size < HEADER_SIZE) fail(0, `the file has ${String(source.size)} bytes, an ELF header has ${String(HEADER_SIZE)}`);
  const view = viewOf(source.read(0, HEADER_SIZE));
  if (view.getUint32(0) !== 0x7f454c46) fail(0, 'this is no ELF file: it does not begin with 7f 45 4c 46');
  const elfClass = view.getUint8(4);
  const order = view.getUint8(5);
  if (order !== 1 && order !== 2) fail(5, `unknown byte order ${String(order)}`);
  const machine = view.getUint16(18, order === 1);
  if (machine !== EM_X86_64) fail(18, `the file is for ${machineName(machine)}; only x86-64 is read`);
  if (elfClass !== 2) fail(4, elfClass === 1 ? 'this is an ELF32 file (x32); only ELF64 is read' : `unknown ELF class ${String(elfClass)}`);
  if (order !== 1) fail(5, 'an x86-64 file is little-endian, this one says big-endian');
  const type = view.getUint16(16, true);
  const kind = KINDS[type] ?? fail(16, type === 4 ? 'this is a core dump; .o, .ko, executables and shared objects are read' : `unknown file type ${String(type)}`);
  const number = (at: number, what: string): number => fileNumber(file, view, at, what);
  const sectionTable = number(40, 'the section header offset');
  const programTable = number(32, 'the program header offset');
  let sectionCount = view.getUint16(60, true);
  let nameSection = view.getUint16(62, true);
  let programCount = view.getUint16(56, true);
  if (sectionTable !== 0 && view.getUint16(58, true) !== SECTION_HEADER_SIZE) fail(58, `section headers of ${String(view.getUint16(58, true))} bytes; ELF64 has ${String(SECTION_HEADER_SIZE)}`);
  if (programCount !== 0 && view.getUint16(54, true) !== PROGRAM_HEADER_SIZE) fail(54, `program headers of ${String(view.getUint16(54, true))} bytes; ELF64 has ${String(PROGRAM_HEADER_SIZE)}`);
  // Extension numbering: what does not fit in 16 bits stands in section header 0 (gABI 4, "e_shnum").
  if (sectionTable !== 0) {
    if (sectionTable + SECTION_HEADER_SIZE > source.size) fail(40, 'the section headers begin behind the end of the file');
    const first = readSectionHeader(file, viewOf(source.read(sectionTable, SECTION_HEADER_SIZE)), 0, sectionTable);
    if (sectionCount === 0) sectionCount = first.size;
    if (nameSection === SHN_XINDEX) nameSection = first.link;
    if (programCount === PN_XNUM) programCount = first.info;
  } else if (sectionCount !== 0) fail(60, `the header announces ${String(sectionCount)} sections and no section headers`);
  if (sectionCount > (source.size - sectionTable) / SECTION_HEADER_SIZE) fail(60, `${String(sectionCount)} section headers do not fit in the file`);
  if (programTable > source.size || programCount > (source.size - programTable) / PROGRAM_HEADER_SIZE) fail(56, `${String(programCount)} program headers do not fit in the file`);
  if (nameSection !== 0 && nameSection >= sectionCount) fail(62, `section names are in section ${String(nameSection)}, which does not exist`);
  const sectionBytes = viewOf(source.read(sectionTable, sectionCount * SECTION_HEADER_SIZE));
  const sections = Array.from({ length: sectionCount }, (_, index) => {
    const header = readSectionHeader(file, sectionBytes, index * SECTION_HEADER_SIZE, sectionTable + index * SECTION_HEADER_SIZE);
    // Header 0 stands for no section, whatever its type claims (gABI 4, SHN_UNDEF): its size and link are extension numbering.
    if (index === 0) return { ...header, type: SHT.NULL, flags: 0 };
    checkSection(file, header, index, sectionCount, source.size);
    return header;
  });
  const programBytes = viewOf(source.read(programTable, programCount * PROGRAM_HEADER_SIZE));
  const programs = Array.from({ length: programCount }, (_, index) => readProgramHeader(file, programBytes, index * PROGRAM_HEADER_SIZE, programTable, source.size));
  return { kind, entry: view.getBigUint64(24, true), sections, programs, nameSection };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A 64-bit field that must be an exact JavaScript number; everything that counts bytes of a file is. */
function fileNumber(file: string, view: DataView, at: number, what: string, base = 0): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ElfError(file, base + at, `${what} is 0x${value.toString(16)}, beyond any file`);
  return Number(value);
}

function readSectionHeader(file: string, view: DataView, at: number, headerOffset: number): SectionHeader {
  const base = headerOffset - at;
  return {
    headerOffset,
    name: view.getUint32(at, true),
    type: view.getUint32(at + 4, true),
    // Flags above bit 31 have no meaning anywhere.
    flags: view.getUint32(at + 8, true),
    address: view.getBigUint64(at + 16, true),
    offset: fileNumber(file, view, at + 24, 'the section offset', base),
    size: fileNumber(file, view, at + 32, 'the section size', base),
    link: view.getUint32(at + 40, true),
    info: view.getUint32(at + 44, true),
    align: fileNumber(file, view, at + 48, 'the section alignment', base),
    entrySize: fileNumber(file, view, at + 56, 'the entry size', base),
  };
}

function checkSection(file: string, header: SectionHeader, index: number, count: number, fileSize: number): void {
  const { headerOffset: at, type, offset, size, align, link } = header;
  const section = `section ${String(index)}`;
  if (type === SHT.NULL) return;
  if (type !== SHT.NOBITS && (offset > fileSize || size > fileSize - offset)) {
    throw new ElfError(file, at + 24, `${section} (offset 0x${offset.toString(16)}, ${String(size)} bytes) reaches behind the end of the file (${String(fileSize)} bytes)`);
  }
  if (align !== 0 && !isPowerOfTwo(align)) throw new ElfError(file, at + 48, `the alignment of ${section} is ${String(align)}, which is no power of two`);
  if (link >= count) throw new ElfError(file, at + 40, `${section} is linked to section ${String(link)}, which does not exist`);
}

function isPowerOfTwo(value: number): boolean {
  const exponent = Math.log2(value);
  return Number.isInteger(exponent) && 2 ** exponent === value;
}

function readProgramHeader(file: string, view: DataView, at: number, table: number, fileSize: number): ProgramHeader {
  const program = {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: fileNumber(file, view, at + 8, 'the segment offset', table),
    address: view.getBigUint64(at + 16, true),
    fileSize: fileNumber(file, view, at + 32, 'the segment size', table),
    memorySize: fileNumber(file, view, at + 40, 'the segment size in memory', table),
  };
  const PT_LOAD = 1;
  if (program.type === PT_LOAD) {
    if (program.offset > fileSize || program.fileSize > fileSize - program.offset) throw new ElfError(file, table + at + 8, 'a segment reaches behind the end of the file');
    if (program.memorySize < program.fileSize) throw new ElfError(file, table + at + 40, 'a segment is smaller in memory than in the file');
  }
  return program;
}
