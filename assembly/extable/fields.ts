/**
 * The words of a table, alike for a relocatable file (where they are relocations) and a linked one (where they are bytes).
 */
import { R_X86_64 } from '../elf/object.ts';
import type { ObjectFile, Relocation, Section } from '../elf/object.ts';

/**
 * A word before its meaning is applied: `word` counts from `base`. Linked: the word as it stands and its own address.
 * Relocatable: what the relocation adds up to, as an offset in `section`, and 0.
 */
export interface RawWord {
  readonly word: bigint;
  readonly base: bigint;
  /** Name of the section, in a relocatable file. */
  readonly section?: string;
  /** Name of the symbol the relocation is against, if it has one. */
  readonly symbol?: string;
  /** The same, if another object has to define it. */
  readonly external?: string;
}

export interface TableFields {
  readonly size: number;
  /** Address of the first byte; 0 in a relocatable file. */
  readonly address: bigint;
  readonly linked: boolean;
  /** The 32 or 64-bit word at `offset` as it stands. */
  u32(offset: number): number;
  u64(offset: number): bigint;
  /** The self-relative word at `offset`. Undefined in a relocatable file where no relocation makes one. */
  relative(offset: number): RawWord | undefined;
  /** The absolute 64-bit word at `offset`; undefined as above. */
  absolute(offset: number): RawWord | undefined;
  /** Width of the relocation at `offset`: 4 self-relative, 8 absolute, 0 none. Linked: always 0. */
  relocationAt(offset: number): 0 | 4 | 8;
}

/** Fields of bytes at a linked address. */
export function linkedFields(bytes: Uint8Array, address: bigint): TableFields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    size: bytes.length, address, linked: true,
    u32: (offset) => view.getUint32(offset, true),
    u64: (offset) => view.getBigUint64(offset, true),
    relative: (offset) => ({ word: BigInt(view.getInt32(offset, true)), base: address + BigInt(offset) }),
    absolute: (offset) => ({ word: view.getBigUint64(offset, true), base: 0n }),
    relocationAt: () => 0,
  };
}

const SELF_RELATIVE: readonly number[] = [R_X86_64.PC32, R_X86_64.PLT32];

/** Fields of a section of a relocatable file. */
export function relocatableFields(file: ObjectFile, section: Section): TableFields {
  const bytes = section.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const relocations = new Map<number, Relocation>(section.relocations.map((relocation) => [relocation.offset, relocation]));
  const resolve = (relocation: Relocation): RawWord => {
    const symbol = file.symbols[relocation.symbol];
    const sectionName = typeof symbol?.section === 'number' ? file.sections[symbol.section]?.name : undefined;
    return {
      word: (typeof symbol?.section === 'number' || symbol?.section === 'absolute' ? symbol.value : 0n) + relocation.addend, base: 0n,
      ...(sectionName === undefined ? {} : { section: sectionName }),
      ...(symbol === undefined || symbol.name === '' || symbol.type === 'section' ? {} : { symbol: symbol.name }),
      ...(symbol?.section === 'undefined' && symbol.name !== '' ? { external: symbol.name } : {}),
    };
  };
  return {
    size: bytes.length, address: 0n, linked: false,
    u32: (offset) => view.getUint32(offset, true),
    u64: (offset) => view.getBigUint64(offset, true),
    relative: (offset) => {
      const relocation = relocations.get(offset);
      return relocation !== undefined && SELF_RELATIVE.includes(relocation.type) ? resolve(relocation) : undefined;
    },
    absolute: (offset) => {
      const relocation = relocations.get(offset);
      return relocation?.type === R_X86_64['64'] ? resolve(relocation) : undefined;
    },
    relocationAt: (offset) => {
      const type = relocations.get(offset)?.type;
      return type === undefined ? 0 : SELF_RELATIVE.includes(type) ? 4 : type === R_X86_64['64'] ? 8 : 0;
    },
  };
}
