/**
 * Where a case of ring 0 lives: the same pages at the same linear addresses in the virtual machine and in the emulator, and the descriptor
 * tables both start from.
 */

export interface RingPage {
  /** For reports. */
  readonly name: string;
  readonly address: bigint;
  readonly write: boolean;
  readonly execute: boolean;
  readonly user: boolean;
}

export const PAGE = 0x1000;

function page(name: string, address: bigint, flags: string): RingPage {
  return { name, address, write: flags.includes('w'), execute: flags.includes('x'), user: flags.includes('u') };
}

const KERNEL = 0xffff_8880_0000_0000n;
const USER = 0x0000_0000_4000_0000n;

export const KERNEL_CODE = page('kernel code', KERNEL, 'x');
/** Behind the kernel's code: fetches run into a page that may not be executed. */
const KERNEL_BEHIND = page('kernel data behind code', KERNEL + 0x1000n, 'w');
export const KERNEL_DATA = page('kernel data', KERNEL + 0x4000n, 'w');
const KERNEL_DATA_2 = page('kernel data, second page', KERNEL + 0x5000n, 'w');
export const KERNEL_READ_ONLY = page('kernel read-only data', KERNEL + 0x6000n, '');
export const KERNEL_STACK = page('kernel stack', KERNEL + 0x9000n, 'w');
/** Where an exception's frame goes, whatever rsp is: IST 1 of every gate. */
export const FRAME_STACK = page('exception stack', KERNEL + 0xc000n, 'w');
export const TABLES = page('descriptor tables', KERNEL + 0xe000n, 'w');
export const INTERRUPTS = page('interrupt table', KERNEL + 0x1_0000n, 'w');
export const HANDLERS = page('handlers', KERNEL + 0x1_2000n, 'x');
export const USER_CODE = page('user code', USER, 'xu');
export const USER_DATA = page('user data', USER + 0x4000n, 'wu');
const USER_DATA_2 = page('user data, second page', USER + 0x5000n, 'wu');
export const USER_READ_ONLY = page('user read-only data', USER + 0x6000n, 'u');
/** In front of user data, so that one access touches a page of each kind. */
const KERNEL_AMONG_USER = page('kernel data among user pages', USER + 0x7000n, 'w');
export const USER_STACK = page('user stack', USER + 0x9000n, 'wu');

export const RING_PAGES: readonly RingPage[] = [
  KERNEL_CODE, KERNEL_BEHIND, KERNEL_DATA, KERNEL_DATA_2, KERNEL_READ_ONLY, KERNEL_STACK, FRAME_STACK, TABLES, INTERRUPTS, HANDLERS,
  USER_CODE, USER_DATA, USER_DATA_2, USER_READ_ONLY, KERNEL_AMONG_USER, USER_STACK,
];

/** Offsets in {@link TABLES}. */
const GDT_OFFSET = 0, LDT_OFFSET = 0x400, TSS_OFFSET = 0x800;
export const GDT_BASE = TABLES.address + BigInt(GDT_OFFSET);
export const LDT_BASE = TABLES.address + BigInt(LDT_OFFSET);
export const TSS_BASE = TABLES.address + BigInt(TSS_OFFSET);
export const IDT_BASE = INTERRUPTS.address;
export const FRAME_TOP = FRAME_STACK.address + BigInt(PAGE);

/** Selectors of the state a case starts from: Linux's. */
export const SELECTOR = { KERNEL_CS: 0x10, KERNEL_DS: 0x18, USER_DS: 0x2b, USER_CS: 0x33, TSS: 0x40 } as const;

/** A system descriptor of 16 bytes. */
function system(type: number, base: bigint, limit: number, present = 1): readonly bigint[] {
  const low = BigInt(limit & 0xffff) | ((base & 0xff_ffffn) << 16n) | (BigInt(type | (present << 7)) << 40n) | (BigInt((limit >> 16) & 15) << 48n) | (((base >> 24n) & 0xffn) << 56n);
  return [low, base >> 32n];
}

const CALL_GATE: readonly bigint[] = [(0xecn << 40n) | (BigInt(SELECTOR.KERNEL_CS) << 16n) | (HANDLERS.address & 0xffffn) | (((HANDLERS.address >> 16n) & 0xffffn) << 48n), HANDLERS.address >> 32n];

/** The global table, by eights. Linux's entries first, then one of each thing that can be wrong with a selector. */
export const GDT: readonly bigint[] = [
  0n,
  0x00cf_9b00_0000_ffffn, // 0x08 kernel code, 32 bits
  0x00af_9b00_0000_ffffn, // 0x10 kernel code
  0x00cf_9300_0000_ffffn, // 0x18 kernel data
  0x00cf_fb00_0000_ffffn, // 0x20 user code, 32 bits
  0x00cf_f300_0000_ffffn, // 0x28 user data
  0x00af_fb00_0000_ffffn, // 0x30 user code
  0n, // 0x38
  ...system(11, TSS_BASE, 0x67), // 0x40 the task's segment, busy
  ...system(9, TSS_BASE, 0x67), // 0x50 another one, available
  ...system(2, LDT_BASE, 0x1f), // 0x60 a local table
  0x00cf_9200_0000_ffffn, // 0x70 kernel data, not accessed yet
  0x00cf_f200_0000_ffffn, // 0x78 user data, not accessed yet
  0x00cf_f100_0000_ffffn, // 0x80 user data, read-only
  0x00cf_1300_0000_ffffn, // 0x88 kernel data, not present
  0x00cf_7300_0000_ffffn, // 0x90 user data, not present
  0x00af_9f00_0000_ffffn, // 0x98 kernel code, conforming
  0x00af_fe00_0000_ffffn, // 0xa0 user code, conforming, not accessed yet
  0x00af_9900_0000_ffffn, // 0xa8 kernel code that cannot be read
  0x00cf_b300_0000_ffffn, // 0xb0 data of ring 1
  0x00cf_9700_0000_ffffn, // 0xb8 kernel data, expand-down
  0x00af_1b00_0000_ffffn, // 0xc0 kernel code, not present
  0x00af_fa00_0000_ffffn, // 0xc8 user code, not accessed yet
  0x1240_f334_5678_0fffn, // 0xd0 user data with a base, limit in bytes
  ...CALL_GATE, // 0xd8 for ring 3
  ...system(9, 0x8000_0000_0000_0000n, 0x67), // 0xe8 a task's segment at an address that is not canonical
  ...system(9, TSS_BASE, 0x67, 0), // 0xf8 one that is not present
  ...system(2, LDT_BASE, 0x1f, 0), // 0x108 a local table that is not present
  0x00ef_9b00_0000_ffffn, // 0x118 code both of 64 and of 32 bits
  0x00cf_8000_0000_ffffn, // 0x120 a system type that does not exist
  0x00af_ba00_0000_ffffn, // 0x128 code of ring 1, not accessed yet
  system(9, TSS_BASE, 0x67)[0]!, 0x0000_1f00_ffff_8880n, // 0x130 the upper half of a system descriptor has a type
  0x00cf_9300_0000_ffffn, // 0x140 kernel data
  system(9, TSS_BASE, 0x67)[0]!, // 0x148 beyond its first half the table ends
];
/** Of the last byte. */
export const GDT_LIMIT = GDT.length * 8 - 1;

const LDT: readonly bigint[] = [
  0x00cf_f200_0000_ffffn, // 0x04 user data
  0x00cf_9200_0000_ffffn, // 0x0c kernel data
  0x00af_fa00_0000_ffffn, // 0x14 user code
  0x00cf_1200_0000_ffffn, // 0x1c kernel data, not present
];

/** Vectors that ring 3 may raise by `int n`: as Linux has it without 32-bit programs. */
const USER_VECTORS: ReadonlySet<number> = new Set([3, 4]);

function gate(vector: number): readonly [bigint, bigint] {
  const handler = HANDLERS.address + BigInt(vector);
  const privilege = USER_VECTORS.has(vector) ? 3 : 0;
  const attributes = BigInt(0x8e01 | (privilege << 13));
  return [(handler & 0xffffn) | (BigInt(SELECTOR.KERNEL_CS) << 16n) | (attributes << 32n) | (((handler >> 16n) & 0xffffn) << 48n), handler >> 32n];
}

/** `hlt`: in ring 0 the end of a case, in ring 3 a #GP that is one. */
const HLT = 0xf4;

/** Contents of a page before every case. */
export function ringContents(one: RingPage): Uint8Array {
  const bytes = new Uint8Array(PAGE);
  const view = new DataView(bytes.buffer);
  const quads = (at: number, values: readonly bigint[]): void => { values.forEach((value, i) => { view.setBigUint64(at + 8 * i, BigInt.asUintN(64, value), true); }); };
  if (one.execute) return bytes.fill(HLT);
  if (one === TABLES) {
    quads(GDT_OFFSET, GDT);
    quads(LDT_OFFSET, LDT);
    // The stacks of the task's segment: rsp0, and ist1 at 0x24.
    view.setBigUint64(TSS_OFFSET + 4, KERNEL_STACK.address + BigInt(PAGE), true);
    view.setBigUint64(TSS_OFFSET + 0x24, FRAME_TOP, true);
    // No I/O permissions.
    view.setUint16(TSS_OFFSET + 0x66, 0x68, true);
    return bytes;
  }
  if (one === INTERRUPTS) {
    for (let vector = 0; vector < 256; vector++) quads(16 * vector, gate(vector));
    return bytes;
  }
  let state = Number(one.address & 0xffff_ffffn) | 1;
  for (let i = 0; i < PAGE; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
