/**
 * An ELF file of any size, of which only what is asked for is read: sections, symbols, relocations and lines come on first use.
 */
import type { ByteSource } from './byte-source.ts';
import { readLineTable } from './dwarf/lines.ts';
import { ElfError } from './elf-error.ts';
import { readHeader } from './header.ts';
import type { ElfHeader, SectionHeader } from './header.ts';
import { SHF, SHT } from './object.ts';
import type { LineRow, ObjectFile, ObjectSymbol, ProgramSegment, Relocation, Section } from './object.ts';
import { readRelocations } from './relocations.ts';
import { StringTable } from './strings.ts';
import { readSymbols, SYMBOL_SIZE } from './symbols.ts';

/**
 * Reads the headers of `source` and checks them; the rest is read, and checked, when it is first used, which then may throw
 * {@link ElfError} too. For files that fit in memory use `readElf`, which checks everything at once.
 */
export function openElf(name: string, source: ByteSource): ElfFile {
  return new ElfFile(name, source);
}

const EMPTY = new Uint8Array(0);

export class ElfFile implements ObjectFile {
  readonly name: string;
  readonly kind: ObjectFile['kind'];
  readonly entry: bigint;
  readonly sections: readonly Section[];
  readonly localLabels = [];
  readonly #source: ByteSource;
  readonly #header: ElfHeader;
  readonly #strings = new Map<number, StringTable>();
  #symbols: readonly ObjectSymbol[] | undefined;
  #lines: readonly LineRow[] | undefined;
  #relocations: ReadonlyMap<number, readonly SectionHeader[]> | undefined;

  constructor(name: string, source: ByteSource) {
    this.name = name;
    this.#source = source;
    this.#header = readHeader(name, source);
    this.kind = this.#header.kind;
    this.entry = this.#header.entry;
    checkTables(name, this.#header.sections, source.size);
    this.sections = this.#header.sections.map((header, index) => new LazySection(this, header, index));
  }

  get symbols(): readonly ObjectSymbol[] {
    return this.#symbols ??= this.#readSymbols();
  }

  get lines(): readonly LineRow[] {
    return this.#lines ??= readLineTable(this);
  }

  get segments(): readonly ProgramSegment[] {
    return this.#header.programs.map((program) => ({
      type: program.type, flags: program.flags, address: program.address, memorySize: program.memorySize, fileSize: program.fileSize,
      bytes: () => this.#source.read(program.offset, program.fileSize),
    }));
  }

  /** Name of a section, from the section-name table. */
  sectionName(index: number): string {
    const header = this.#header.sections[index]!;
    const { nameSection } = this.#header;
    return nameSection === 0 ? '' : this.#stringTable(nameSection).at(header.name, header.headerOffset);
  }

  /** Contents of a section. */
  readSection(header: SectionHeader): Uint8Array {
    return header.type === SHT.NOBITS || header.type === SHT.NULL ? EMPTY : this.#source.read(header.offset, header.size);
  }

  /** `length` bytes at `offset` of a section; the caller stays within it. */
  readPart(header: SectionHeader, offset: number, length: number): Uint8Array {
    return this.#source.read(header.offset + offset, length);
  }

  /** Relocations that apply to section `index`. */
  relocationsOf(index: number): readonly Relocation[] {
    const target = this.#header.sections[index]!;
    const found: Relocation[] = [];
    for (const header of this.#relocationTables().get(index) ?? []) {
      const table = readRelocations({
        file: this.name, offset: header.offset, bytes: this.readSection(header), symbolCount: this.symbols.length,
        targetAddress: this.kind === 'relocatable' ? 0n : target.address, targetSize: target.size,
      });
      for (const relocation of table) found.push(relocation);
    }
    return found;
  }

  /** Headers of the relocation sections, by the section they apply to. */
  #relocationTables(): ReadonlyMap<number, readonly SectionHeader[]> {
    if (this.#relocations !== undefined) return this.#relocations;
    const symbolTable = this.#symbolTable();
    const tables = new Map<number, SectionHeader[]>();
    for (const header of this.#header.sections) {
      if (header.type === SHT.REL && this.kind === 'relocatable' && header.size > 0) {
        throw new ElfError(this.name, header.headerOffset + 4, 'the file has REL relocations; x86-64 uses RELA');
      }
      // A linked file's dynamic relocations name another symbol table; they are the loader's, not the section's.
      if (header.type !== SHT.RELA || header.link !== symbolTable || header.info === 0) continue;
      // So are those without symbols that a stripped static program resolves its ifuncs by.
      if (header.link === 0 && this.kind !== 'relocatable') continue;
      if (header.info >= this.#header.sections.length) {
        throw new ElfError(this.name, header.headerOffset + 44, `relocations for section ${String(header.info)}, which does not exist`);
      }
      const list = tables.get(header.info);
      if (list === undefined) tables.set(header.info, [header]);
      else list.push(header);
    }
    return this.#relocations = tables;
  }

  /** Index of the symbol table in use: SYMTAB, or DYNSYM in a stripped file; 0 without any. */
  #symbolTable(): number {
    const { sections } = this.#header;
    const index = sections.findIndex(({ type }) => type === SHT.SYMTAB);
    return index > 0 ? index : Math.max(0, sections.findIndex(({ type }) => type === SHT.DYNSYM));
  }

  #stringTable(index: number): StringTable {
    let table = this.#strings.get(index);
    if (table === undefined) {
      const header = this.#header.sections[index];
      table = new StringTable(this.name, header?.offset ?? 0, header === undefined ? EMPTY : this.readSection(header));
      this.#strings.set(index, table);
    }
    return table;
  }

  #readSymbols(): readonly ObjectSymbol[] {
    const index = this.#symbolTable();
    const header = this.#header.sections[index];
    if (header === undefined || index === 0) return [];
    const extended = this.#header.sections.find(({ type, link }) => type === SHT.SYMTAB_SHNDX && link === index);
    return readSymbols({
      file: this.name, offset: header.offset, bytes: this.readSection(header), names: this.#stringTable(header.link),
      extendedIndices: extended === undefined ? EMPTY : this.readSection(extended),
      sectionCount: this.#header.sections.length,
      sectionName: (section) => this.sectionName(section),
    });
  }
}

class LazySection implements Section {
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly entrySize: number;
  readonly size: number;
  readonly address: bigint;
  readonly link?: number;
  readonly info?: number;
  readonly #file: ElfFile;
  readonly #header: SectionHeader;
  readonly #index: number;
  #bytes: Uint8Array | undefined;
  #relocations: readonly Relocation[] | undefined;

  constructor(file: ElfFile, header: SectionHeader, index: number) {
    this.#file = file;
    this.#header = header;
    this.#index = index;
    this.type = header.type;
    this.flags = header.flags;
    this.align = Math.max(1, header.align);
    this.entrySize = header.entrySize;
    this.size = header.type === SHT.NULL ? 0 : header.size;
    this.address = header.address;
    if (header.link !== 0) this.link = header.link;
    if (header.info !== 0 && (header.type === SHT.GROUP || header.type === SHT.RELA || (header.flags & SHF.INFO_LINK) !== 0)) this.info = header.info;
  }

  get name(): string {
    return this.#file.sectionName(this.#index);
  }

  get bytes(): Uint8Array {
    return this.#bytes ??= this.#file.readSection(this.#header);
  }

  readonly read = (offset: number, length: number): Uint8Array =>
    this.#bytes?.subarray(offset, offset + length) ?? this.#file.readPart(this.#header, offset, length);

  get relocations(): readonly Relocation[] {
    return this.#relocations ??= this.#file.relocationsOf(this.#index);
  }
}

/** Tables that overlap could make a small file stand for any number of symbols and relocations. */
function checkTables(file: string, sections: readonly SectionHeader[], fileSize: number): void {
  let total = 0;
  for (const [index, { type, size, link, headerOffset }] of sections.entries()) {
    if (type === SHT.SYMTAB || type === SHT.DYNSYM) {
      if (sections[link]?.type !== SHT.STRTAB) throw new ElfError(file, headerOffset + 40, `the symbol table in section ${String(index)} has no string table`);
      if (size % SYMBOL_SIZE !== 0) throw new ElfError(file, headerOffset + 32, `a symbol table of ${String(size)} bytes is no multiple of ${String(SYMBOL_SIZE)}`);
      total += size;
    } else if (type === SHT.RELA) total += size;
    if (total > fileSize) throw new ElfError(file, headerOffset, 'symbol and relocation tables overlap');
  }
}
