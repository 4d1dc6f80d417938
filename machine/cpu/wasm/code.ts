/**
 * The body of one WebAssembly function, written front to back. Methods are named after the instructions of the
 * WebAssembly core specification; they return the writer, so that a stack sequence reads as one line.
 */
import { BLOCK, LOAD, OP, SIMD, STORE, TYPE } from './opcodes.ts';
import type { BinaryOp, LoadOp, SimdOp, StoreOp, UnaryOp, ValueType } from './opcodes.ts';

/** Index of a local variable in the function being written. */
export type Local = number;

/** A place a branch can go to: a block's end or a loop's head. */
export interface Label {
  readonly depth: number;
}

export class Code {
  readonly bytes: number[] = [];
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];
  #depth = 0;

  /** `parameters`: how many locals the function's signature already gives. */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** A new local variable; starts as zero. */
  local(type: ValueType): Local {
    this.#locals.push(type);
    return this.#parameters + this.#locals.length - 1;
  }

  /** What stands before {@link bytes} in the code section, the size of the whole included; the final `end` comes behind. */
  head(): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const locals: number[] = [];
    unsigned(locals, runs.length);
    for (const [count, type] of runs) {
      unsigned(locals, count);
      locals.push(TYPE[type]);
    }
    const out: number[] = [];
    unsigned(out, locals.length + this.bytes.length + 1);
    out.push(...locals);
    return out;
  }

  get(local: Local): this {
    this.bytes.push(0x20);
    return unsigned(this.bytes, local), this;
  }

  set(local: Local): this {
    this.bytes.push(0x21);
    return unsigned(this.bytes, local), this;
  }

  tee(local: Local): this {
    this.bytes.push(0x22);
    return unsigned(this.bytes, local), this;
  }

  /** Reads a global. */
  getGlobal(index: number): this {
    this.bytes.push(0x23);
    return unsigned(this.bytes, index), this;
  }

  i32(value: number): this {
    this.bytes.push(0x41);
    return signed(this.bytes, value | 0), this;
  }

  i64(value: bigint | number): this {
    this.bytes.push(0x42);
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 0x4000_0000) return signed(this.bytes, value), this;
    return signedBig(this.bytes, BigInt.asIntN(64, BigInt(value))), this;
  }

  /** Any instruction without an immediate. */
  op(name: UnaryOp | BinaryOp): this {
    this.bytes.push(OP[name]);
    return this;
  }

  /** The 0xfd space. `lanes`: the bytes of the immediate, lane numbers or a constant. */
  simd(name: SimdOp, ...lanes: number[]): this {
    this.bytes.push(0xfd);
    unsigned(this.bytes, SIMD[name]);
    for (const lane of lanes) this.bytes.push(lane);
    return this;
  }

  load(name: LoadOp, offset = 0): this {
    const opcode = LOAD[name];
    if (opcode > 0xff) {
      this.bytes.push(0xfd);
      unsigned(this.bytes, opcode - 0x100);
    } else this.bytes.push(opcode);
    this.bytes.push(0);
    return unsigned(this.bytes, offset), this;
  }

  store(name: StoreOp, offset = 0): this {
    const opcode = STORE[name];
    if (opcode > 0xff) {
      this.bytes.push(0xfd);
      unsigned(this.bytes, opcode - 0x100);
    } else this.bytes.push(opcode);
    this.bytes.push(0);
    return unsigned(this.bytes, offset), this;
  }

  memoryCopy(): this {
    this.bytes.push(0xfc, 10, 0, 0);
    return this;
  }

  memoryFill(): this {
    this.bytes.push(0xfc, 11, 0);
    return this;
  }

  block(): Label {
    this.bytes.push(OP.block, BLOCK.empty);
    return { depth: ++this.#depth };
  }

  loop(): Label {
    this.bytes.push(OP.loop, BLOCK.empty);
    return { depth: ++this.#depth };
  }

  /** Pops an i32. `result`: the type the two arms leave on the stack. */
  if(result?: ValueType): Label {
    this.bytes.push(OP.if, result === undefined ? BLOCK.empty : TYPE[result]);
    return { depth: ++this.#depth };
  }

  else(): this {
    this.bytes.push(OP.else);
    return this;
  }

  end(): this {
    this.bytes.push(OP.end);
    this.#depth--;
    return this;
  }

  br(label: Label): this {
    this.bytes.push(OP.br);
    return unsigned(this.bytes, this.#depth - label.depth), this;
  }

  brIf(label: Label): this {
    this.bytes.push(OP.br_if);
    return unsigned(this.bytes, this.#depth - label.depth), this;
  }

  brTable(labels: readonly Label[], otherwise: Label): this {
    this.bytes.push(OP.br_table);
    unsigned(this.bytes, labels.length);
    for (const label of labels) unsigned(this.bytes, this.#depth - label.depth);
    return unsigned(this.bytes, this.#depth - otherwise.depth), this;
  }

  return(): this {
    this.bytes.push(OP.return);
    return this;
  }

  call(functionIndex: number): this {
    this.bytes.push(OP.call);
    return unsigned(this.bytes, functionIndex), this;
  }

  callIndirect(typeIndex: number): this {
    this.bytes.push(OP.call_indirect);
    unsigned(this.bytes, typeIndex);
    this.bytes.push(0);
    return this;
  }

  returnCallIndirect(typeIndex: number): this {
    this.bytes.push(OP.return_call_indirect);
    unsigned(this.bytes, typeIndex);
    this.bytes.push(0);
    return this;
  }
}

/** LEB128. */
export function unsigned(out: number[], value: number): void {
  while (value > 0x7f) {
    out.push((value & 0x7f) | 0x80);
    value = Math.floor(value / 128);
  }
  out.push(value);
}

function signed(out: number[], value: number): void {
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

function signedBig(out: number[], value: bigint): void {
  for (;;) {
    const byte = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (byte & 0x40) === 0) || (value === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}
