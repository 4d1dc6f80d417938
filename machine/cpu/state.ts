/** The processor's state in the shared memory, as TypeScript reads and writes it. */
import type { Arena } from '../memory/arena.ts';
import type { AccessMode } from '../memory/access.ts';
import { STATE } from '../memory/layout.ts';
import { FLAG } from './cpu.ts';
import type { RegisterFile } from './cpu.ts';
import { ARITHMETIC_FLAGS, KIND } from './lift/flags.ts';
import { UNITS } from './units.ts';

const CONTROL_SLOTS: Readonly<Record<number, number>> = { 0: 0, 2: 1, 3: 2, 4: 3, 8: 4 };
const CR0 = { MP: 2n, EM: 4n, TS: 8n, NE: 32n, WP: 1n << 16n, AM: 1n << 18n } as const;
const CR4 = { OSFXSR: 1n << 9n, LA57: 1n << 12n, OSXSAVE: 1n << 18n, SMEP: 1n << 20n, SMAP: 1n << 21n } as const;
/** PE MP ET NE WP AM PG; PAE MCE PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE: as Linux sets them. */
const INITIAL = { CR0: 0x8005_0033n, CR4: 0x5_06e0n, XCR0: 7n, DR6: 0xffff_0ff0n, DR7: 0x400n } as const;
/** Status word: an exception that is not masked waits. */
const ERROR_SUMMARY = 0x80;
/** Bits of RFLAGS that exist. */
const RFLAGS_BITS = 0x3f_7fd7;

/** What GDTR and IDTR hold. */
export interface DescriptorTable {
  readonly base: bigint;
  /** Offset of the last byte; 0: nothing was loaded. */
  readonly limit: number;
}

/** x87 state besides the registers. */
export interface X87State {
  readonly control: number;
  readonly status: number;
  /** One bit a register, set: not empty, as FXSAVE has it. */
  readonly tag: number;
  /** Of the last instruction that was no control instruction: eleven bits of opcode, its address, and that of its memory operand, with their selectors. */
  readonly opcode: number;
  readonly instruction: bigint;
  readonly data: bigint;
  readonly codeSelector: number;
  readonly dataSelector: number;
}

export class State implements RegisterFile {
  readonly #arena: Arena;
  /** Called when something changed that translations or decoded code depend on. */
  readonly #modeChanged: () => void;

  constructor(arena: Arena, modeChanged: () => void) {
    this.#arena = arena;
    this.#modeChanged = modeChanged;
    // What code relies on: default MXCSR, x87 control word, paging and all units switched on.
    this.#setI32(STATE.MXCSR, 0x1f80);
    this.#setI32(STATE.X87_CONTROL, 0x37f);
    this.#setU64(STATE.XCR0, INITIAL.XCR0);
    this.#setU64(STATE.CONTROL, INITIAL.CR0);
    this.#setU64(STATE.CONTROL + 8 * controlSlot(4), INITIAL.CR4);
    this.#setU64(STATE.DEBUG + 8 * debugSlot(6), INITIAL.DR6);
    this.#setU64(STATE.DEBUG + 8 * debugSlot(7), INITIAL.DR7);
    this.#setU64(STATE.CANONICAL_SHIFT, 16n);
  }

  get(register: number): bigint { return this.getGeneral(register); }
  set(register: number, value: bigint): void { this.setGeneral(register, value); }

  getGeneral(register: number): bigint {
    return this.#arena.u64[(STATE.GENERAL >> 3) + check(register, 16)]!;
  }

  setGeneral(register: number, value: bigint): void {
    this.#setU64(STATE.GENERAL + 8 * check(register, 16), value);
  }

  get rip(): bigint { return this.#arena.u64[STATE.RIP >> 3]!; }
  set rip(value: bigint) { this.#setU64(STATE.RIP, value); }

  get rflags(): bigint { return BigInt(this.flags); }

  set rflags(value: bigint) {
    const bits = Number(BigInt.asUintN(32, value)) & RFLAGS_BITS;
    const old = this.systemFlags;
    this.setArithmeticFlags(bits);
    this.systemFlags = bits & ~ARITHMETIC_FLAGS & ~2;
    if (((old ^ bits) & FLAG.AC) !== 0) this.#modeChanged();
  }

  /** RFLAGS, lazy flags computed. */
  get flags(): number {
    return this.arithmeticFlags | this.systemFlags | 2;
  }

  get systemFlags(): number { return this.#arena.i32[STATE.SYSTEM_FLAGS >> 2]!; }
  set systemFlags(bits: number) { this.#setI32(STATE.SYSTEM_FLAGS, bits); }

  /** OF SF ZF AF PF CF at their places; the formulas are those of lift/flags.ts. */
  get arithmeticFlags(): number {
    const { i32, i64 } = this.#arena;
    const carry = i32[STATE.CARRY >> 2]!;
    const kind = i32[STATE.FLAG_KIND >> 2]!;
    const result = i64[STATE.FLAG_RESULT >> 3]!;
    if (kind === KIND.EXPLICIT) return (Number(BigInt.asUintN(32, result)) & ARITHMETIC_FLAGS & ~FLAG.CF) | carry;
    const a = i64[STATE.FLAG_A >> 3]!;
    const b = i64[STATE.FLAG_B >> 3]!;
    const overflow = (a ^ result) & (kind === KIND.ADD ? b ^ result : a ^ b);
    let bits = carry;
    if (overflow < 0n) bits |= FLAG.OF;
    if (result < 0n) bits |= FLAG.SF;
    if (result === 0n) bits |= FLAG.ZF;
    bits |= Number(BigInt.asUintN(8, a ^ b ^ result)) & FLAG.AF;
    if (evenParity(Number(BigInt.asUintN(8, result)))) bits |= FLAG.PF;
    return bits;
  }

  setArithmeticFlags(bits: number): void {
    this.#setI32(STATE.CARRY, bits & FLAG.CF);
    this.#setI32(STATE.FLAG_KIND, KIND.EXPLICIT);
    this.#setU64(STATE.FLAG_RESULT, BigInt(bits & ARITHMETIC_FLAGS));
  }

  getXmm(register: number): Uint8Array { return this.getVector(register, 16); }

  setXmm(register: number, bytes: Uint8Array): void {
    if (bytes.length !== 16) throw new RangeError('an xmm register has 16 bytes');
    this.setVector(register, bytes);
  }

  /** The low `size` bytes of vector register 0-31. */
  getVector(register: number, size: number): Uint8Array {
    const at = STATE.VECTOR + 64 * check(register, 32);
    return this.#arena.u8.slice(at, at + size);
  }

  /** Sets the low bytes of a vector register and leaves the rest. */
  setVector(register: number, bytes: Uint8Array): void {
    this.#arena.u8.set(bytes.subarray(0, 64), STATE.VECTOR + 64 * check(register, 32));
  }

  getSegment(segment: number): number {
    return this.#arena.i32[(STATE.SELECTORS >> 2) + check(segment, 6)]!;
  }

  setSegment(segment: number, selector: number): void {
    this.#setI32(STATE.SELECTORS + 4 * check(segment, 6), selector & 0xffff);
    // The privilege level is the low bits of cs.
    if (segment === 1 && this.privilege !== (selector & 3)) this.privilege = selector & 3;
  }

  getSegmentBase(segment: number): bigint {
    return this.#arena.u64[(STATE.SEGMENT_BASES >> 3) + check(segment, 6)]!;
  }

  setSegmentBase(segment: number, base: bigint): void {
    if (segment < 4) throw new RangeError('only fs (4) and gs (5) have a base in 64-bit mode');
    this.#setU64(STATE.SEGMENT_BASES + 8 * check(segment, 6), base);
  }

  getControl(register: number): bigint {
    return this.#arena.u64[(STATE.CONTROL >> 3) + controlSlot(register)]!;
  }

  setControl(register: number, value: bigint): void {
    const at = STATE.CONTROL + 8 * controlSlot(register);
    const changed = this.#arena.u64[at >> 3] !== BigInt.asUintN(64, value);
    this.#setU64(at, value);
    if (register === 4) this.#setU64(STATE.CANONICAL_SHIFT, (value & CR4.LA57) !== 0n ? 7n : 16n);
    if (changed && (register === 0 || register === 4)) this.#modeChanged();
  }

  /** Debug register 0-3, 6 or 7. */
  getDebug(register: number): bigint {
    return this.#arena.u64[(STATE.DEBUG >> 3) + debugSlot(register)]!;
  }

  setDebug(register: number, value: bigint): void {
    this.#setU64(STATE.DEBUG + 8 * debugSlot(register), value);
  }

  get gdt(): DescriptorTable { return this.#table(0); }
  set gdt(table: DescriptorTable) { this.#setTable(0, table); }
  get idt(): DescriptorTable { return this.#table(1); }
  set idt(table: DescriptorTable) { this.#setTable(1, table); }

  get ldtr(): number { return this.#arena.i32[STATE.SYSTEM_SELECTORS >> 2]!; }
  set ldtr(selector: number) { this.#setI32(STATE.SYSTEM_SELECTORS, selector); }
  get taskRegister(): number { return this.#arena.i32[(STATE.SYSTEM_SELECTORS >> 2) + 1]!; }
  set taskRegister(selector: number) { this.#setI32(STATE.SYSTEM_SELECTORS + 4, selector); }
  /** The local descriptor table as it was when `ldtr` was loaded; limit 0: there is none. */
  get ldt(): DescriptorTable { return { base: this.#arena.u64[STATE.LDT_BASE >> 3]!, limit: this.#arena.i32[STATE.LDT_LIMIT >> 2]! }; }
  set ldt({ base, limit }: DescriptorTable) {
    this.#setU64(STATE.LDT_BASE, base);
    this.#setI32(STATE.LDT_LIMIT, limit);
  }

  get mxcsr(): number { return this.#arena.i32[STATE.MXCSR >> 2]!; }
  set mxcsr(value: number) { this.#setI32(STATE.MXCSR, value); }
  get xcr0(): bigint { return this.#arena.u64[STATE.XCR0 >> 3]!; }
  set xcr0(value: bigint) {
    this.#setU64(STATE.XCR0, value);
    this.#modeChanged();
  }

  /** What keeps instructions of some units from running, see {@link UNITS}. */
  get units(): number {
    const cr0 = this.getControl(0), cr4 = this.getControl(4);
    let word = 0;
    if ((cr0 & CR0.TS) !== 0n) word |= UNITS.TASK_SWITCHED | ((cr0 & CR0.MP) !== 0n ? UNITS.MONITORED : 0);
    if ((cr0 & CR0.EM) !== 0n) word |= UNITS.EMULATED;
    if ((cr4 & CR4.OSFXSR) === 0n) word |= UNITS.NO_SSE;
    if ((cr4 & CR4.OSXSAVE) === 0n) word |= UNITS.NO_XSAVE | UNITS.NO_AVX;
    else if ((this.xcr0 & 6n) !== 6n) word |= UNITS.NO_AVX;
    if ((this.x87.status & ERROR_SUMMARY) !== 0 && (cr0 & CR0.NE) !== 0n) word |= UNITS.PENDING;
    return word;
  }

  get x87(): X87State {
    const { i32, u64 } = this.#arena;
    const words = STATE.X87_CONTROL >> 2;
    return {
      control: i32[words]!, status: i32[words + 1]!, tag: i32[words + 2]!, opcode: i32[STATE.X87_OPCODE >> 2]!,
      instruction: u64[STATE.X87_POINTERS >> 3]!, data: u64[(STATE.X87_POINTERS >> 3) + 1]!,
      codeSelector: i32[STATE.X87_SELECTORS >> 2]!, dataSelector: i32[(STATE.X87_SELECTORS >> 2) + 1]!,
    };
  }

  set x87({ control, status, tag, opcode, instruction, data, codeSelector, dataSelector }: X87State) {
    const pending = this.#arena.i32[(STATE.X87_CONTROL >> 2) + 1]! ^ status;
    this.#setI32(STATE.X87_CONTROL, control);
    this.#setI32(STATE.X87_CONTROL + 4, status);
    this.#setI32(STATE.X87_CONTROL + 8, tag);
    this.#setI32(STATE.X87_OPCODE, opcode);
    this.#setU64(STATE.X87_POINTERS, instruction);
    this.#setU64(STATE.X87_POINTERS + 8, data);
    this.#setI32(STATE.X87_SELECTORS, codeSelector);
    this.#setI32(STATE.X87_SELECTORS + 4, dataSelector);
    if ((pending & ERROR_SUMMARY) !== 0) this.#modeChanged();
  }

  /** The ten bytes of x87 register 0-7, the first eight of which are mm0-7; st(i) is register TOP + i, modulo 8. */
  getX87(register: number): Uint8Array {
    const at = STATE.X87 + 16 * check(register, 8);
    return this.#arena.u8.slice(at, at + 10);
  }

  setX87(register: number, bytes: Uint8Array): void {
    this.#arena.u8.set(bytes.subarray(0, 10), STATE.X87 + 16 * check(register, 8));
  }

  #table(which: 0 | 1): DescriptorTable {
    return { base: this.#arena.u64[(STATE.TABLE_BASES >> 3) + which]!, limit: this.#arena.i32[(STATE.TABLE_LIMITS >> 2) + which]! };
  }

  #setTable(which: 0 | 1, { base, limit }: DescriptorTable): void {
    this.#setU64(STATE.TABLE_BASES + 8 * which, base);
    this.#setI32(STATE.TABLE_LIMITS + 4 * which, limit);
  }

  /** Current privilege level, 0 to 3. */
  get privilege(): number { return this.#arena.i32[STATE.CPL >> 2]!; }
  set privilege(level: number) {
    this.#setI32(STATE.CPL, level);
    this.#modeChanged();
  }

  get pendingNonTemporal(): boolean { return this.#arena.i32[STATE.PENDING_NT >> 2] !== 0; }
  set pendingNonTemporal(pending: boolean) { this.#setI32(STATE.PENDING_NT, pending ? 1 : 0); }

  /** What decides whether memory accesses are allowed. */
  get accessMode(): AccessMode {
    const cr4 = this.getControl(4);
    const user = this.privilege === 3;
    return {
      user,
      smap: (cr4 & CR4.SMAP) !== 0n && (this.systemFlags & FLAG.AC) === 0,
      smep: (cr4 & CR4.SMEP) !== 0n,
      writeProtect: (this.getControl(0) & CR0.WP) !== 0n,
      aligned: user && (this.systemFlags & FLAG.AC) !== 0 && (this.getControl(0) & CR0.AM) !== 0n,
      addressBits: (cr4 & CR4.LA57) !== 0n ? 57 : 48,
    };
  }

  save(): Uint8Array {
    return this.#arena.u8.slice(STATE.BASE, STATE.END);
  }

  restore(state: Uint8Array): void {
    if (state.length !== STATE.END - STATE.BASE) throw new RangeError('not a state that save() gave');
    const before = this.#modeKey();
    this.#arena.u8.set(state, STATE.BASE);
    if (this.#modeKey() !== before) this.#modeChanged();
  }

  #modeKey(): string {
    return `${String(this.privilege)} ${String(this.systemFlags & FLAG.AC)} ${String(this.getControl(0))} ${String(this.getControl(4))} ${String(this.units)}`;
  }

  #setI32(at: number, value: number): void {
    this.#arena.i32[at >> 2] = value;
  }

  #setU64(at: number, value: bigint): void {
    this.#arena.u64[at >> 3] = BigInt.asUintN(64, value);
  }
}

function evenParity(byte: number): boolean {
  let bits = byte ^ (byte >> 4);
  bits ^= bits >> 2;
  return ((bits ^ (bits >> 1)) & 1) === 0;
}

function check(number: number, count: number): number {
  if (!Number.isInteger(number) || number < 0 || number >= count) throw new RangeError(`register number ${String(number)} is not 0 to ${String(count - 1)}`);
  return number;
}

function debugSlot(register: number): number {
  return register >= 6 ? register - 2 : check(register, 4);
}

function controlSlot(register: number): number {
  const slot = CONTROL_SLOTS[register];
  if (slot === undefined) throw new RangeError(`there is no CR${String(register)}`);
  return slot;
}
