/**
 * Where things are in the one WebAssembly memory that the emulator's generated code and TypeScript share. Byte addresses.
 * Address 0 is never given out: generated code uses it for "no translation".
 */

/** The processor's state: what `RegisterFile.save` copies, from `STATE.BASE` to `STATE.END`. */
export const STATE = {
  BASE: 1024,
  /** 16 general registers, 8 bytes each, in encoding order. */
  GENERAL: 1024,
  /** Eight zero bytes: the register of operands that have none. */
  ZERO: 1152,
  /** Linear bases of es cs ss ds fs gs, 8 bytes each. Only fs and gs are ever not zero. */
  SEGMENT_BASES: 1160,
  RIP: 1208,
  /** Lazy flags, see lift/flags.ts. */
  FLAG_A: 1216,
  FLAG_B: 1224,
  FLAG_RESULT: 1232,
  FLAG_KIND: 1240,
  CARRY: 1244,
  /** RFLAGS without CF PF AF ZF SF OF. */
  SYSTEM_FLAGS: 1248,
  /** 0 or 1: non-temporal stores wait for a fence. */
  PENDING_NT: 1252,
  CPL: 1256,
  MXCSR: 1260,
  /** CR0 CR2 CR3 CR4 CR8, 8 bytes each. */
  CONTROL: 1264,
  /** Selectors es cs ss ds fs gs, 4 bytes each. */
  SELECTORS: 1304,
  /** x87 control, status and tag words, 4 bytes each, and XCR0 (8 bytes). */
  X87_CONTROL: 1328,
  XCR0: 1344,
  /** Bits above the canonical address: 16, or 7 with CR4.LA57. 8 bytes. */
  CANONICAL_SHIFT: 1352,
  /** Debug registers 0-3, 6, 7, 8 bytes each. */
  DEBUG: 1360,
  /** 32 vector registers of 64 bytes. */
  VECTOR: 1408,
  /** k0-7, 8 bytes each. */
  MASK: 3456,
  /** Eight x87/MMX registers of 16 bytes. */
  X87: 3520,
  /** Linear bases of GDT and IDT (8 bytes each), their limits, and the selectors of LDT and task (4 bytes each). */
  TABLE_BASES: 3648, TABLE_LIMITS: 3664, SYSTEM_SELECTORS: 3672,
  /** Last x87 instruction and data pointer (8 bytes each), its opcode (4 bytes). */
  X87_POINTERS: 3680, X87_OPCODE: 3696,
  /** Where the local descriptor table is (8 bytes), and its limit (4). */
  LDT_LIMIT: 3700, LDT_BASE: 3704,
  /** Code and data selector that go with the x87 pointers, 4 bytes each. */
  X87_SELECTORS: 3712,
  END: 3720,
} as const;

/** What generated code says when it comes back. */
export const EXIT = {
  /** One of {@link STATUS}. */
  STATUS: 3720,
  /** The micro-op at which it stopped. */
  OP: 3724,
  /** Instructions that were not used up. */
  REMAINING: 3728,
  /** Missing translation: size and {@link ACCESS} kind. Exception: vector and error code (-1: none). */
  SIZE: 3732,
  KIND: 3736,
  ADDRESS: 3744,
  /** Scratch of helper functions that have two results. */
  HIGH: 3752,
  END: 3840,
} as const;

export const STATUS = { LIMIT: 0, MISS: 1, RAISE: 2, LOOKUP: 3, BREAKPOINT: 4, SYSTEM: 5, HALT: 6, TRAP: 7, REGION: 8, CHECK: 9, UNSUPPORTED: 10 } as const;

/** What an access does; a read-modify-write needs both windows. */
export const ACCESS = { READ: 1, WRITE: 2, READ_WRITE: 3 } as const;

/**
 * Translation windows ("soft TLB"): entry i serves addresses whose bits 12-19 are i. An access of `size` bytes at `ea` is good if
 * `ea - tag <= 4096 - size` (unsigned); its host address is then `ea - tag + base`. Tag 8 bytes, base 4, 4 unused.
 */
export const WINDOWS = { READ: 8192, WRITE: 12288, ENTRY: 16, COUNT: 256 } as const;

/** A table of closed windows to copy from. */
export const CLOSED_WINDOWS = 0x1_5000;

/** Exact windows that the table above cannot express, good for one instruction: low, high (8 bytes each), base, kind (4 each), 8 unused. */
export const EXTRA = { COUNT: 3840, ENTRIES: 4096, ENTRY: 32, MAX: 16 } as const;

/** Addresses of window entries that are open only because AC is set (SMAP), to be closed when it is cleared. */
export const USER_WINDOWS = { COUNT: 3844, ENTRIES: 4608, MAX: 512 } as const;

/** Scratch space for accesses that span two pages. */
export const BOUNCE = { BASE: 6656, SIZE: 64, COUNT: 16 } as const;

/** Where indirect jumps find their micro-op: rip (8 bytes), micro-op (4), unused (4). */
export const JUMP_CACHE = { BASE: 0x4000, ENTRY: 16, COUNT: 4096 } as const;

/** Fields of a micro-op. */
export const OP_FIELD = {
  HANDLER: 0, LENGTH: 2, SCALE: 3,
  /** Addresses in the state of register operands 0-2 … */
  REGISTER: [4, 6, 8],
  /** … and of what a memory operand is made of. */
  ADDRESS_BASE: 10, ADDRESS_INDEX: 12, SEGMENT: 14,
  IMMEDIATE: 16, DISPLACEMENT: 24,
  /** Direct jumps: the target's micro-op (they have no displacement). */
  LINK: 24,
  IP: 32,
} as const;
export const OP_SIZE = 40;

export const OPS = { BASE: 0x2_0000, END: 0x42_0000 } as const;
/** The micro-op that stands for "where this address is, TypeScript has to find out". */
export const LOOKUP_OP = 0x1_f000;

export const FRAMES_BASE = 0x42_0000;
