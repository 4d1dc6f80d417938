/**
 * A linked file far larger than what it holds.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export const MEGABYTE = 1 << 20;
export const SIZE = 700 * MEGABYTE;
const TEXT = { offset: 4096, size: 600 * MEGABYTE, address: 0xffff_ffff_8100_0000n };
export const TABLE = { offset: 610 * MEGABYTE, entries: 3000, address: 0xffff_ffff_a800_0000n };
const SITE_STEP = 0x30_000;

/** Writes a linked file of 700 MB, most of it holes: code with a load every 192 KiB and a table entry for each. */
export function writeSparseFile(path: string): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, SIZE);
  const sectionTable = SIZE - 5 * 64;
  const names = '\0.text\0__ex_table\0.data\0.shstrtab\0';
  const header = new DataView(new ArrayBuffer(64));
  [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].forEach((byte, at) => { header.setUint8(at, byte); });
  header.setUint16(16, 2, true);
  header.setUint16(18, 62, true);
  header.setBigUint64(40, BigInt(sectionTable), true);
  header.setUint16(58, 64, true);
  header.setUint16(60, 5, true);
  header.setUint16(62, 4, true);
  writeSync(file, header, 0, 64, 0);
  const table = new DataView(new ArrayBuffer(TABLE.entries * 12));
  for (let index = 0; index < TABLE.entries; index++) {
    const site = index * SITE_STEP;
    writeSync(file, Uint8Array.of(0x48, 0x8b, 0x06, 0xc3), 0, 4, TEXT.offset + site);
    const insn = TEXT.address + BigInt(site);
    const at = TABLE.address + BigInt(index * 12);
    table.setInt32(index * 12, Number(insn - at), true);
    table.setInt32(index * 12 + 4, Number(insn + 3n - at - 4n), true);
    table.setUint32(index * 12 + 8, 3, true);
  }
  writeSync(file, table, 0, table.byteLength, TABLE.offset);
  writeSync(file, new TextEncoder().encode(names), 0, names.length, TABLE.offset + MEGABYTE);
  const sections = new DataView(new ArrayBuffer(5 * 64));
  const section = (index: number, name: string, type: number, flags: number, address: bigint, offset: number, size: number): void => {
    sections.setUint32(index * 64, names.indexOf(`${name}\0`), true);
    sections.setUint32(index * 64 + 4, type, true);
    sections.setBigUint64(index * 64 + 8, BigInt(flags), true);
    sections.setBigUint64(index * 64 + 16, address, true);
    sections.setBigUint64(index * 64 + 24, BigInt(offset), true);
    sections.setBigUint64(index * 64 + 32, BigInt(size), true);
  };
  section(1, '.text', 1, 6, TEXT.address, TEXT.offset, TEXT.size);
  section(2, '__ex_table', 1, 2, TABLE.address, TABLE.offset, TABLE.entries * 12);
  section(3, '.data', 1, 3, 0xffff_ffff_b000_0000n, 620 * MEGABYTE, 70 * MEGABYTE);
  section(4, '.shstrtab', 3, 0, 0n, TABLE.offset + MEGABYTE, names.length);
  writeSync(file, sections, 0, 5 * 64, sectionTable);
  closeSync(file);
}
