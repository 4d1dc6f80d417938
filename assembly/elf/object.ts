/**
 * The object model: what the assembler writes, the ELF reader reads and the linker links.
 * Terms and numbers are those of the ELF gABI and the x86-64 psABI.
 */
import type { SourcePosition } from '../source.ts';

/** `sh_flags` bits. */
export const SHF = {
  WRITE: 0x1, ALLOC: 0x2, EXECINSTR: 0x4, MERGE: 0x10, STRINGS: 0x20, INFO_LINK: 0x40, LINK_ORDER: 0x80, GROUP: 0x200, TLS: 0x400,
} as const;

/** `sh_type` values. */
export const SHT = {
  NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, HASH: 5, DYNAMIC: 6, NOTE: 7, NOBITS: 8, REL: 9, DYNSYM: 11,
  INIT_ARRAY: 14, FINI_ARRAY: 15, PREINIT_ARRAY: 16, GROUP: 17, SYMTAB_SHNDX: 18, X86_64_UNWIND: 0x70000001,
} as const;

/** x86-64 psABI relocation types. */
export const R_X86_64 = {
  NONE: 0, 64: 1, PC32: 2, GOT32: 3, PLT32: 4, COPY: 5, GLOB_DAT: 6, JUMP_SLOT: 7, RELATIVE: 8, GOTPCREL: 9,
  32: 10, '32S': 11, 16: 12, PC16: 13, 8: 14, PC8: 15, DTPMOD64: 16, DTPOFF64: 17, TPOFF64: 18, TLSGD: 19, TLSLD: 20,
  DTPOFF32: 21, GOTTPOFF: 22, TPOFF32: 23, PC64: 24, GOTOFF64: 25, GOTPC32: 26, SIZE32: 32, SIZE64: 33,
  GOTPCRELX: 41, REX_GOTPCRELX: 42,
} as const;

export interface Relocation {
  /** Byte offset in the section the relocation applies to. */
  readonly offset: number;
  /** One of {@link R_X86_64}, or an unknown number kept as read. */
  readonly type: number;
  /** Index into {@link ObjectFile.symbols}. */
  readonly symbol: number;
  readonly addend: bigint;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Power of two, at least 1. */
  readonly align: number;
  readonly entrySize: number;
  /** Contents; empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  /** Size in bytes; equals `bytes.length` but for SHT_NOBITS. */
  readonly size: number;
  /** Some of `bytes` without having to hold all; only sections that are read lazily have it. See {@link partOf}. */
  readonly read?: (offset: number, length: number) => Uint8Array;
  readonly relocations: readonly Relocation[];
  /** The section's address: 0 in a relocatable file. */
  readonly address: bigint;
  /** `sh_link` / `sh_info` as indices into {@link ObjectFile.sections}, where they name sections; in a SHT_GROUP `info` is the signature's symbol. */
  readonly link?: number;
  readonly info?: number;
}

/** `length` bytes of a section from `offset`, fewer at its end. */
export function partOf(section: Section, offset: number, length: number): Uint8Array {
  if (section.read === undefined) return section.bytes.subarray(offset, offset + length);
  const available = section.type === SHT.NOBITS ? 0 : Math.max(0, Math.min(length, section.size - offset));
  return available === 0 ? new Uint8Array(0) : section.read(offset, available);
}

export type SymbolType = 'notype' | 'object' | 'func' | 'section' | 'file' | 'common' | 'tls' | 'ifunc';
export type SymbolBinding = 'local' | 'global' | 'weak' | 'unique';
export type SymbolVisibility = 'default' | 'internal' | 'hidden' | 'protected';

export interface ObjectSymbol {
  readonly name: string;
  /** Index into {@link ObjectFile.sections}, or where it otherwise lives. */
  readonly section: number | 'undefined' | 'absolute' | 'common';
  /** Offset in the section (relocatable file), address (linked file), value (absolute) or alignment (common). */
  readonly value: bigint;
  readonly size: bigint;
  readonly type: SymbolType;
  readonly binding: SymbolBinding;
  readonly visibility: SymbolVisibility;
}

/** "The code from here on comes from there", as in DWARF's line table, but with column and macro stack where we assembled it. */
export interface LineRow {
  readonly section: number;
  readonly offset: number;
  readonly position: SourcePosition;
}

/** A program header of a linked file. */
export interface ProgramSegment {
  /** `p_type`: 1 is PT_LOAD. */
  readonly type: number;
  /** `p_flags`: 1 execute, 2 write, 4 read. */
  readonly flags: number;
  readonly address: bigint;
  readonly fileSize: number;
  /** What `fileSize` does not cover is zero. */
  readonly memorySize: number;
  /** The `fileSize` bytes in the file. */
  readonly bytes: () => Uint8Array;
}

export interface ObjectFile {
  /** Path or other name for messages. */
  readonly name: string;
  readonly kind: 'relocatable' | 'executable' | 'shared';
  readonly sections: readonly Section[];
  readonly symbols: readonly ObjectSymbol[];
  /** Sorted by section, then offset. One row per instruction when we assembled it. */
  readonly lines: readonly LineRow[];
  /**
   * Names the source gives to places that are not ELF symbols (`.Lfixup`, `1:`), kept because entries and messages name them.
   * Empty for an object read from ELF.
   */
  readonly localLabels: readonly { readonly name: string; readonly section: number; readonly offset: number; readonly position: SourcePosition }[];
  readonly entry: bigint;
  /** Program headers; absent in a relocatable file. */
  readonly segments?: readonly ProgramSegment[];
}
