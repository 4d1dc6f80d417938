/**
 * Reading DWARF's encodings, and sections that still carry relocations.
 */
import { R_X86_64 } from '../object.ts';
import type { ObjectFile, Relocation, Section } from '../object.ts';
import { decodeUtf8 } from '../utf8.ts';

/** The data ends where more was announced, or says something no DWARF version does. */
export class DwarfError extends Error {}

/** A cursor over little-endian DWARF data. Every read is checked. */
export class DwarfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Moves on by `count` bytes and returns where they began. */
  skip(count: number): number {
    if (!(count >= 0) || count > this.left) throw new DwarfError(`${String(count)} bytes announced, ${String(this.left)} left`);
    const start = this.at;
    this.at += count;
    return start;
  }

  u8(): number { return this.#view.getUint8(this.skip(1)); }
  i8(): number { return this.#view.getInt8(this.skip(1)); }
  u16(): number { return this.#view.getUint16(this.skip(2), true); }
  u32(): number { return this.#view.getUint32(this.skip(4), true); }
  u64(): bigint { return this.#view.getBigUint64(this.skip(8), true); }

  /** ULEB128; a value beyond 2^53 is an error: nothing read here counts that far. */
  uleb(): number {
    return this.#leb(false);
  }

  /** SLEB128, within 2^53 either way. */
  sleb(): number {
    return this.#leb(true);
  }

  #leb(signed: boolean): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if ((byte & 0x80) !== 0) continue;
      if (signed && (byte & 0x40) !== 0) value -= scale;
      if (!Number.isSafeInteger(value)) throw new DwarfError('a number beyond 2^53');
      return value;
    }
  }

  /** A length or offset of the unit's format: 4 or 8 bytes. */
  word(wide: boolean): number {
    if (!wide) return this.u32();
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DwarfError(`offset 0x${value.toString(16)}`);
    return Number(value);
  }

  /** The initial length of a unit; sets {@link end} to the unit's end. */
  unitLength(): { readonly wide: boolean; readonly next: number } {
    let length = this.u32();
    let wide = false;
    if (length === 0xffffffff) {
      wide = true;
      length = this.word(true);
    } else if (length >= 0xfffffff0) throw new DwarfError('a reserved unit length');
    if (length > this.left) throw new DwarfError(`a unit of ${String(length)} bytes, ${String(this.left)} left`);
    this.end = this.at + length;
    return { wide, next: this.end };
  }

  string(): string {
    const stop = this.#bytes.subarray(0, this.end).indexOf(0, this.at);
    if (stop < 0) throw new DwarfError('a string without end');
    const text = decodeUtf8(this.#bytes.subarray(this.at, stop));
    this.at = stop + 1;
    return text;
  }
}

/** A debug section with its relocations applied, and where they were. */
export interface DebugSection {
  readonly bytes: Uint8Array;
  readonly relocations: ReadonlyMap<number, Relocation>;
}

const SHF_COMPRESSED = 0x800;

/** The debug section of that name; undefined if there is none, or it is compressed. */
export function debugSection(file: ObjectFile, name: string): DebugSection | undefined {
  const section = file.sections.find((candidate) => candidate.name === name && candidate.size > 0);
  if (section === undefined || (section.flags & SHF_COMPRESSED) !== 0) return undefined;
  return file.kind === 'relocatable' ? relocated(file, section) : { bytes: section.bytes, relocations: new Map() };
}

function relocated(file: ObjectFile, section: Section): DebugSection {
  if (section.relocations.length === 0 || section.bytes.length < section.size) return { bytes: section.bytes, relocations: new Map() };
  const bytes = Uint8Array.from(section.bytes);
  const view = new DataView(bytes.buffer);
  const relocations = new Map<number, Relocation>();
  for (const relocation of section.relocations) {
    const value = (file.symbols[relocation.symbol]?.value ?? 0n) + relocation.addend;
    if (relocation.type === R_X86_64['64']) view.setBigUint64(relocation.offset, BigInt.asUintN(64, value), true);
    else if (relocation.type === R_X86_64['32']) view.setUint32(relocation.offset, Number(BigInt.asUintN(32, value)), true);
    else continue;
    relocations.set(relocation.offset, relocation);
  }
  return { bytes, relocations };
}
