/**
 * ELF64 symbol tables (gABI 5, "Symbol Table").
 */
import { ElfError } from './elf-error.ts';
import type { ObjectSymbol, SymbolBinding, SymbolType, SymbolVisibility } from './object.ts';
import type { StringTable } from './strings.ts';

export const SYMBOL_SIZE = 24;

const TYPES: readonly (SymbolType | undefined)[] = ['notype', 'object', 'func', 'section', 'file', 'common', 'tls', undefined, undefined, undefined, 'ifunc'];
const BINDINGS: readonly (SymbolBinding | undefined)[] = ['local', 'global', 'weak', undefined, undefined, undefined, undefined, undefined, undefined, undefined, 'unique'];
const VISIBILITIES: readonly SymbolVisibility[] = ['default', 'internal', 'hidden', 'protected'];

const SHN = { UNDEF: 0, LORESERVE: 0xff00, X86_64_LCOMMON: 0xff02, ABS: 0xfff1, COMMON: 0xfff2, XINDEX: 0xffff } as const;

export interface SymbolTableParts {
  readonly file: string;
  /** File offset of the table. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly names: StringTable;
  /** Contents of SHT_SYMTAB_SHNDX, empty without it. */
  readonly extendedIndices: Uint8Array;
  readonly sectionCount: number;
  /** Names of sections, for section symbols, which have none of their own. */
  readonly sectionName: (index: number) => string;
}

/** All symbols of a table, index 0 (the null symbol) included, so that relocations' indices fit. Throws {@link ElfError}. */
export function readSymbols(parts: SymbolTableParts): ObjectSymbol[] {
  const { file, bytes, offset } = parts;
  if (bytes.length % SYMBOL_SIZE !== 0) throw new ElfError(file, offset, `a symbol table of ${String(bytes.length)} bytes is no multiple of ${String(SYMBOL_SIZE)}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const extended = new DataView(parts.extendedIndices.buffer, parts.extendedIndices.byteOffset, parts.extendedIndices.length);
  const symbols: ObjectSymbol[] = [];
  for (let at = 0; at < bytes.length; at += SYMBOL_SIZE) {
    const info = view.getUint8(at + 4);
    const rawSection = view.getUint16(at + 6, true);
    const type = TYPES[info & 0xf] ?? 'notype';
    const binding = BINDINGS[info >> 4];
    if (binding === undefined) throw new ElfError(file, offset + at + 4, `symbol ${String(symbols.length)} has the unknown binding ${String(info >> 4)}`);
    const section = sectionOf(parts, rawSection, extended, symbols.length, offset + at + 6);
    const name = parts.names.at(view.getUint32(at, true), offset + at);
    symbols.push({
      name: name === '' && type === 'section' && typeof section === 'number' ? parts.sectionName(section) : name,
      section, type, binding,
      value: view.getBigUint64(at + 8, true),
      size: view.getBigUint64(at + 16, true),
      visibility: VISIBILITIES[view.getUint8(at + 5) & 3]!,
    });
  }
  return symbols;
}

function sectionOf(parts: SymbolTableParts, raw: number, extended: DataView, symbol: number, at: number): ObjectSymbol['section'] {
  let index = raw;
  if (raw === SHN.XINDEX) {
    if (extended.byteLength < symbol * 4 + 4) throw new ElfError(parts.file, at, `symbol ${String(symbol)} takes its section from a table that does not hold it`);
    index = extended.getUint32(symbol * 4, true);
  } else if (raw === SHN.UNDEF) return 'undefined';
  else if (raw === SHN.ABS) return 'absolute';
  else if (raw === SHN.COMMON || raw === SHN.X86_64_LCOMMON) return 'common';
  else if (raw >= SHN.LORESERVE) throw new ElfError(parts.file, at, `symbol ${String(symbol)} is in the reserved section 0x${raw.toString(16)}`);
  if (index >= parts.sectionCount) throw new ElfError(parts.file, at, `symbol ${String(symbol)} is in section ${String(index)}, which does not exist`);
  return index;
}
