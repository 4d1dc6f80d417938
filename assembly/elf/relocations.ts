/**
 * SHT_RELA sections (gABI 5, "Relocation").
 */
import { ElfError } from './elf-error.ts';
import { R_X86_64 } from './object.ts';
import type { Relocation } from './object.ts';

export const RELA_SIZE = 24;

/** Bytes a relocation writes, by type; types that are not here write none that anything but a dynamic linker would. */
const WIDTHS: Readonly<Record<number, number>> = {
  [R_X86_64['64']]: 8, [R_X86_64.PC64]: 8, [R_X86_64.GOTOFF64]: 8, [R_X86_64.SIZE64]: 8,
  [R_X86_64.DTPMOD64]: 8, [R_X86_64.DTPOFF64]: 8, [R_X86_64.TPOFF64]: 8, [R_X86_64.RELATIVE]: 8, [R_X86_64.GLOB_DAT]: 8, [R_X86_64.JUMP_SLOT]: 8,
  [R_X86_64.PC32]: 4, [R_X86_64.PLT32]: 4, [R_X86_64['32']]: 4, [R_X86_64['32S']]: 4, [R_X86_64.GOTPCREL]: 4, [R_X86_64.GOTPCRELX]: 4,
  [R_X86_64.REX_GOTPCRELX]: 4, [R_X86_64.GOT32]: 4, [R_X86_64.GOTPC32]: 4, [R_X86_64.SIZE32]: 4, [R_X86_64.TLSGD]: 4, [R_X86_64.TLSLD]: 4,
  [R_X86_64.DTPOFF32]: 4, [R_X86_64.GOTTPOFF]: 4, [R_X86_64.TPOFF32]: 4,
  [R_X86_64['16']]: 2, [R_X86_64.PC16]: 2, [R_X86_64['8']]: 1, [R_X86_64.PC8]: 1,
};

/** Bytes that a relocation of `type` writes; 0 where it writes none or the type is unknown. */
function relocationWidth(type: number): number {
  return WIDTHS[type] ?? 0;
}

const names = new Map<number, string>(Object.entries(R_X86_64).map(([name, number]) => [number, `R_X86_64_${name}`]));

/** `R_X86_64_PLT32`, or the number. */
export function relocationName(type: number): string {
  return names.get(type) ?? `relocation type ${String(type)}`;
}

export interface RelocationTable {
  readonly file: string;
  /** File offset of the table. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Number of symbols the indices may name. */
  readonly symbolCount: number;
  /** Address of the section the relocations apply to (0 in a relocatable file), and its size. */
  readonly targetAddress: bigint;
  readonly targetSize: number;
}

/** The relocations of one section, as offsets into it, in file order. Throws {@link ElfError}. */
export function readRelocations(table: RelocationTable): Relocation[] {
  const { file, bytes, offset, symbolCount, targetAddress, targetSize } = table;
  if (bytes.length % RELA_SIZE !== 0) throw new ElfError(file, offset, `a relocation section of ${String(bytes.length)} bytes is no multiple of ${String(RELA_SIZE)}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const relocations: Relocation[] = [];
  for (let at = 0; at < bytes.length; at += RELA_SIZE) {
    const type = view.getUint32(at + 8, true);
    const symbol = view.getUint32(at + 12, true);
    const place = view.getBigUint64(at, true) - targetAddress;
    if (symbol >= symbolCount) throw new ElfError(file, offset + at + 12, `a relocation names symbol ${String(symbol)}, which does not exist`);
    if (place < 0n || place > BigInt(targetSize - relocationWidth(type))) {
      throw new ElfError(file, offset + at, `a relocation (${relocationName(type)}) is at 0x${BigInt.asUintN(64, place).toString(16)}, outside its section of ${String(targetSize)} bytes`);
    }
    relocations.push({ offset: Number(place), type, symbol, addend: view.getBigInt64(at + 16, true) });
  }
  return relocations;
}
