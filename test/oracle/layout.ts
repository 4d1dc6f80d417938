/**
 * Where a case lives: the same linear addresses natively and in the emulator, so that addresses in registers mean the same in both.
 */

export interface Region {
  readonly address: bigint;
  readonly size: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** Code: one slot a case, filled with `int3` around the instruction. */
export const CODE: Region = { address: 0x2000_0000n, size: 0x4_0000, read: true, write: false, execute: true };
/** Bytes of a case's slot. */
export const SLOT_SIZE = 64;
/** The instruction's place in its slot: room before it for short backward branches. */
export const SLOT_ENTRY = 24;

/** Two writable pages, with nothing mapped before and behind. */
export const DATA: Region = { address: 0x3000_1000n, size: 0x2000, read: true, write: true, execute: false };
/** A page that can only be read. */
export const READ_ONLY: Region = { address: 0x3000_4000n, size: 0x1000, read: true, write: false, execute: false };
export const STACK: Region = { address: 0x3000_6000n, size: 0x1000, read: true, write: true, execute: false };

export const REGIONS: readonly Region[] = [CODE, DATA, READ_ONLY, STACK];
export const DATA_REGIONS: readonly Region[] = [DATA, READ_ONLY, STACK];

export const FS_BASE = 0x1000_0000n;
export const GS_BASE = 0x2fff_ff00n;

/** Linux's selectors for ring 3 code and stack. */
export const USER_CS = 0x33;
export const USER_SS = 0x2b;

/** Contents of the data regions before every case: deterministic, no two neighbouring words alike, with stretches of zeros and ones. */
export function baseContents(region: Region): Uint8Array {
  const bytes = new Uint8Array(region.size);
  if (region.execute) return bytes.fill(0xcc);
  let state = Number(region.address & 0xffff_ffffn) | 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const stretch = (i >> 5) & 15;
    bytes[i] = stretch === 3 ? 0 : stretch === 7 ? 0xff : state >>> 24;
  }
  return bytes;
}
