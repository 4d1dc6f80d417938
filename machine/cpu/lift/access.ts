/**
 * What a lift says an instruction's meaning with. The two bindings (interpreter handlers, compiled regions) differ in where
 * operands, registers and flags live and in how control leaves; everything else is shared here.
 *
 * Values are i64 locals. An operand narrower than 8 bytes is read sign-extended unless the lift asks for zero extension: signed and
 * unsigned comparison of sign-extended values both give what the narrow comparison would.
 */
import { ACCESS, EXIT, STATE, STATUS, WINDOWS } from '../../memory/layout.ts';
import { PAGE_SIZE } from '../../memory/memory.ts';
import type { Code, Local } from '../wasm/code.ts';
import type { LoadOp, StoreOp, ValueType } from '../wasm/opcodes.ts';
import type { Shape } from './shape.ts';

/** Encoding numbers of the registers that instructions name implicitly. */
export const REG = { RAX: 0, RCX: 1, RDX: 2, RBX: 3, RSP: 4, RBP: 5, RSI: 6, RDI: 7, R8: 8, R11: 11 } as const;

export type Extension = 'sign' | 'zero';

/** The lazy flag state; see flags.ts. */
export type FlagSlot = 'a' | 'b' | 'result' | 'kind' | 'carry';

/** Helper functions every module carries. Arguments are on the stack. */
export type Helper = 'slow' | 'lookup' | 'mulhu' | 'mulhs' | 'divu' | 'closeUserWindows';

/** `host` of an operand's memory after translation: reading and writing side. */
export interface Host {
  readonly local: Local;
}

export abstract class Access {
  readonly c: Code;
  readonly shape: Shape;
  readonly #pool: TemporaryPool;
  readonly #hosts = new Map<number, Host>();

  constructor(c: Code, shape: Shape, pool: TemporaryPool) {
    this.c = c;
    this.shape = shape;
    this.#pool = pool;
    pool.reset();
  }

  /** Pushes a register operand, extended to 64 bits. */
  protected abstract pushRegister(operand: number, size: number, extension: Extension): void;
  /** Writes a register operand: 4 bytes zero the upper half, 1 and 2 bytes leave the rest. */
  protected abstract putRegister(operand: number, size: number, value: Local): void;
  /** Pushes the immediate of an operand, sign-extended from the operation's size. */
  protected abstract pushImmediate(operand: number): void;
  /** Pushes a vector operand's address in the state. */
  abstract pushVectorAddress(operand: number): void;
  /** Pushes the linear address of a memory operand. */
  protected abstract pushAddress(operand: number): void;
  /** Pushes an implicit general register. */
  protected abstract pushFixed(register: number, size: number, extension: Extension): void;
  protected abstract putFixed(register: number, size: number, value: Local): void;
  protected abstract pushFlag(slot: FlagSlot): void;
  abstract setFlag(slot: FlagSlot, value: Local): void;
  /** The flag state's kind where the binding knows it when it writes the code; undefined in the interpreter. */
  abstract get knownKind(): number | undefined;
  /** Sets the kind to a constant, which the binding remembers. */
  abstract setKind(kind: number): void;
  /** To be called after code that set flags only on one of two ways. */
  abstract forgetKind(): void;
  /** Pushes the address of the following instruction. */
  abstract pushNextIp(): void;
  /** Leaves for the direct target. Ends the instruction. */
  abstract jump(): void;
  /** Leaves for the address in `target` (i64). Ends the instruction. */
  abstract jumpTo(target: Local): void;
  /** Runs the same instruction again: a repeated string that is not finished. */
  abstract repeat(): void;
  /** Ends the instruction before its lift ends, going on with the next. */
  abstract next(): void;
  /** Ends the instruction as a fault whose cause is already recorded; nothing of it may have been written. */
  abstract fail(): void;
  /** Pushes how many more instructions the run may count, as i32; at least 0. Only repeated strings need it. */
  abstract pushBudget(): void;
  /** Counts `count` (i32) more instructions. */
  abstract spend(count: Local): void;
  abstract call(helper: Helper): void;
  /** Translates `ea` for an access and leaves the host address in a new local, or fails. */
  protected abstract window(ea: Local, size: number, kind: number): Local;
  /** Stops after this instruction, which is complete, with one of {@link STATUS}. */
  abstract stop(status: number): void;

  i64(): Local { return this.#pool.take('i64'); }
  i32(): Local { return this.#pool.take('i32'); }
  v128(): Local { return this.#pool.take('v128'); }

  /** Bytes of operand `k`. */
  size(k: number): number {
    return this.shape.operands[k]!.size;
  }

  isMemory(k: number): boolean {
    return this.shape.operands[k]?.kind === 'memory';
  }

  /** A constant. */
  constant(value: bigint | number): Local {
    const out = this.i64();
    this.c.i64(value).set(out);
    return out;
  }

  /** The value of operand `k`. */
  read(k: number, extension: Extension = 'sign'): Local {
    const operand = this.shape.operands[k]!;
    const out = this.i64();
    switch (operand.kind) {
      case 'register':
        this.pushRegister(k, operand.size, extension);
        break;
      case 'immediate':
        this.pushImmediate(k);
        if (extension === 'zero') this.zeroExtend(operand.size);
        break;
      case 'memory': {
        const host = this.translate(this.address(k), operand.size, ACCESS.READ);
        this.load(host, operand.size, extension);
        break;
      }
      default:
        throw new Error(`${this.shape.mnemonic}: operand ${String(k)} is no integer`);
    }
    this.c.set(out);
    return out;
  }

  /** The value of an operand that will be written: translates it for both now, so that {@link write} cannot fail. */
  modify(k: number, extension: Extension = 'sign'): Local {
    const operand = this.shape.operands[k]!;
    if (operand.kind !== 'memory') return this.read(k, extension);
    const host = this.translate(this.address(k), operand.size, ACCESS.READ_WRITE);
    this.#hosts.set(k, { local: host });
    const out = this.i64();
    this.load(host, operand.size, extension);
    this.c.set(out);
    return out;
  }

  /** Translates operand `k` for a later {@link write}; needed where something else is written first or something can still fail. */
  prepare(k: number): void {
    const operand = this.shape.operands[k]!;
    if (operand.kind === 'memory') this.#hosts.set(k, { local: this.translate(this.address(k), operand.size, ACCESS.WRITE) });
  }

  /** Writes the low bytes of `value` to operand `k`. */
  write(k: number, value: Local): void {
    const operand = this.shape.operands[k]!;
    if (operand.kind === 'register') {
      this.putRegister(k, operand.size, value);
      return;
    }
    if (operand.kind !== 'memory') throw new Error(`${this.shape.mnemonic}: operand ${String(k)} cannot be written`);
    if (!this.#hosts.has(k)) this.prepare(k);
    this.store(this.#hosts.get(k)!.local, operand.size, value);
  }

  /** The linear address of memory operand `k`. */
  address(k: number): Local {
    const out = this.i64();
    this.pushAddress(k);
    this.c.set(out);
    return out;
  }

  /** The value of a register the instruction names implicitly. */
  register(number: number, size = 8, extension: Extension = 'sign'): Local {
    const out = this.i64();
    this.pushFixed(number, size, extension);
    this.c.set(out);
    return out;
  }

  setRegister(number: number, value: Local, size = 8): void {
    this.putFixed(number, size, value);
  }

  /** The host address (i32 local) of `size` bytes at `ea`, checked for `kind` ({@link ACCESS}); the instruction fails if they are not all accessible. */
  translate(ea: Local, size: number, kind: number): Local {
    if (kind !== ACCESS.READ_WRITE) return this.window(ea, size, kind);
    // The write side first: a page fault of a read-modify-write reports a write; then poison on the read side.
    const host = this.window(ea, size, ACCESS.READ_WRITE);
    this.window(ea, size, ACCESS.READ);
    return host;
  }

  /** Pushes how many bytes from `ea` on one window covers, up to its page's end, as i32; 0 if none does. */
  pushWindowRest(ea: Local, kind: number): void {
    const { c } = this;
    const offset = this.i64();
    c.get(ea).get(ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and');
    c.load('i64', kind === ACCESS.READ ? WINDOWS.READ : WINDOWS.WRITE).op('i64_sub').tee(offset);
    c.i64(PAGE_SIZE).op('i64_lt_u').if('i32');
    c.i64(PAGE_SIZE).get(offset).op('i64_sub').i64(PAGE_SIZE).get(ea).i64(PAGE_SIZE - 1).op('i64_and').op('i64_sub');
    const page = this.take(), window = this.take();
    c.get(window).get(page).get(window).get(page).op('i64_lt_u').op('select').op('i32_wrap_i64');
    c.else().i32(0).end();
  }

  /** Pushes `size` bytes (1, 2, 4, 8) at a host address. */
  load(host: Local, size: number, extension: Extension = 'sign'): void {
    this.c.get(host).load(loadOp(size, extension));
  }

  store(host: Local, size: number, value: Local): void {
    this.c.get(host).get(value).store(storeOp(size));
  }

  /** Narrows the i64 on the stack to `size` bytes, sign-extended. */
  signExtend(size: number): void {
    if (size === 1) this.c.op('i64_extend8_s');
    else if (size === 2) this.c.op('i64_extend16_s');
    else if (size === 4) this.c.op('i64_extend32_s');
  }

  zeroExtend(size: number): void {
    if (size < 8) this.c.i64((1n << BigInt(8 * size)) - 1n).op('i64_and');
  }

  /** A new local with the i64 on the stack. */
  take(): Local {
    const out = this.i64();
    this.c.set(out);
    return out;
  }

  /** A new local with the i32 on the stack. */
  take32(): Local {
    const out = this.i32();
    this.c.set(out);
    return out;
  }

  flag(slot: FlagSlot): void {
    this.pushFlag(slot);
  }

  /** Sets flag slot from the value on the stack. */
  takeFlag(slot: FlagSlot): void {
    const value = slot === 'kind' || slot === 'carry' ? this.take32() : this.take();
    this.setFlag(slot, value);
  }

  /** Raises a fault (`errorCode` -1: none). Nothing may have been written. */
  raise(vector: number, errorCode: number): void {
    this.c.i32(EXIT_BASE).i32(STATUS.RAISE).store('i32', EXIT_STATUS);
    this.c.i32(EXIT_BASE).i32(vector).store('i32', EXIT_SIZE);
    this.c.i32(EXIT_BASE).i32(errorCode).store('i32', EXIT_KIND);
    this.fail();
  }

  /** Raises a fault if the i32 on the stack is not zero. */
  raiseIf(vector: number, errorCode: number): void {
    this.c.if();
    this.raise(vector, errorCode);
    this.c.end();
  }

  /** Raises #GP(0) unless the branch target is canonical. Nothing may have been written. */
  canonical(target: Local): void {
    const { c } = this;
    const shift = this.i64();
    c.i32(0).load('i64', STATE.CANONICAL_SHIFT).set(shift);
    c.get(target).get(shift).op('i64_shl').get(shift).op('i64_shr_s').get(target).op('i64_ne');
    this.raiseIf(GP, 0);
  }

  /** Pushes RFLAGS' bits outside the six arithmetic ones, as i32. */
  systemFlags(): void {
    this.c.i32(0).load('i32', STATE.SYSTEM_FLAGS);
  }

  /** Replaces them by the i32 in `value`. */
  setSystemFlags(value: Local): void {
    this.c.i32(0).get(value).store('i32', STATE.SYSTEM_FLAGS);
  }

  /** Pushes the current privilege level as i32. */
  privilege(): void {
    this.c.i32(0).load('i32', STATE.CPL);
  }

  /** Pushes `value` (8 bytes) on the guest's stack. Fails before anything is written. */
  push(value: Local, size = 8): void {
    const { c } = this;
    const sp = this.register(REG.RSP);
    c.get(sp).i64(size).op('i64_sub');
    const ea = this.take();
    const host = this.translate(ea, size, ACCESS.WRITE);
    this.store(host, size, value);
    this.setRegister(REG.RSP, ea);
  }

  /** Reads the top of the guest's stack without moving rsp; `extra` bytes further up. */
  top(size = 8, extra = 0): Local {
    const sp = this.register(REG.RSP);
    let ea = sp;
    if (extra !== 0) {
      this.c.get(sp).i64(extra).op('i64_add');
      ea = this.take();
    }
    const host = this.translate(ea, size, ACCESS.READ);
    this.load(host, size);
    return this.take();
  }

  /** Adds `bytes` to rsp. */
  drop(bytes: number): void {
    const sp = this.register(REG.RSP);
    this.c.get(sp).i64(bytes).op('i64_add');
    this.setRegister(REG.RSP, this.take());
  }
}

const GP = 13;

/** Stores to the exit area go through address 0 plus these offsets. */
const EXIT_BASE = 0;
const EXIT_STATUS = EXIT.STATUS;
const EXIT_SIZE = EXIT.SIZE;
const EXIT_KIND = EXIT.KIND;

export function loadOp(size: number, extension: Extension): LoadOp {
  const sign = extension === 'sign';
  switch (size) {
    case 1: return sign ? 'i64_8s' : 'i64_8u';
    case 2: return sign ? 'i64_16s' : 'i64_16u';
    case 4: return sign ? 'i64_32s' : 'i64_32u';
    default: return 'i64';
  }
}

export function storeOp(size: number): StoreOp {
  switch (size) {
    case 1: return 'i64_8';
    case 2: return 'i64_16';
    case 4: return 'i64_32';
    default: return 'i64';
  }
}

/** Locals for intermediate values, used again by the next instruction. */
export class TemporaryPool {
  readonly #code: Code;
  readonly #free: Record<ValueType, Local[]> = { i32: [], i64: [], v128: [] };
  readonly #used: Record<ValueType, number> = { i32: 0, i64: 0, v128: 0 };

  constructor(code: Code) {
    this.#code = code;
  }

  reset(): void {
    this.#used.i32 = 0;
    this.#used.i64 = 0;
    this.#used.v128 = 0;
  }

  take(type: ValueType): Local {
    const list = this.#free[type];
    const index = this.#used[type]++;
    if (index === list.length) list.push(this.#code.local(type));
    return list[index]!;
  }
}
