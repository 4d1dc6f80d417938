/**
 * One matched form to bytes, by way of iced's encoder. The only file that makes iced objects that must be freed.
 */
import { Encoder, Instruction, OpCodeOperandKind as Kind, OpKind, Register, RoundingControl } from 'iced-x86';
import type { Expression } from '../../gas/statement.ts';
import type { Arguments, MemoryArgument, Value } from './arguments.ts';
import { EncodeError } from './encode-error.ts';
import type { Match, Placed } from './match.ts';
import { branchPrefixes } from './prefix-rules.ts';
import { joinPrefixes } from './prefixes.ts';
import type { WrittenPrefixes } from './prefixes.ts';
import { registerClass } from './registers.ts';

/** A stretch of an instruction whose value comes from an expression; its bytes are 0 until layout or the linker fills it. */
export interface EncodedField {
  /** Byte offset in the instruction. */
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly kind: 'displacement' | 'immediate' | 'branch';
  /** The value counts from the instruction's end. */
  readonly relative: boolean;
  /** The CPU sign-extends the field to a wider operand or address. */
  readonly signed: boolean;
  readonly expression: Expression;
}

/** An encoded instruction. */
export interface EncodedInstruction {
  readonly bytes: Uint8Array;
  readonly fields: readonly EncodedField[];
  /** What gas would warn of. */
  readonly warning?: string;
}

const encoders = new Map<number, Encoder>();

function encoderFor(bits: 16 | 32 | 64): Encoder {
  let encoder = encoders.get(bits);
  if (encoder === undefined) {
    encoder = new Encoder(bits);
    encoders.set(bits, encoder);
  }
  return encoder;
}

const IMMEDIATE_OP_KINDS: Partial<Record<Kind, OpKind>> = {
  [Kind.imm4_m2z]: OpKind.Immediate8,
  [Kind.imm8]: OpKind.Immediate8,
  [Kind.imm8_const_1]: OpKind.Immediate8,
  [Kind.imm8sex16]: OpKind.Immediate8to16,
  [Kind.imm8sex32]: OpKind.Immediate8to32,
  [Kind.imm8sex64]: OpKind.Immediate8to64,
  [Kind.imm16]: OpKind.Immediate16,
  [Kind.imm32]: OpKind.Immediate32,
  [Kind.imm32sex64]: OpKind.Immediate32to64,
  [Kind.imm64]: OpKind.Immediate64,
};

const ROUNDING: Readonly<Record<string, RoundingControl>> = {
  'rn-sae': RoundingControl.RoundToNearest, 'rd-sae': RoundingControl.RoundDown,
  'ru-sae': RoundingControl.RoundUp, 'rz-sae': RoundingControl.RoundTowardZero,
};

/** Registers that stand where an immediate byte would. */
const IN_LAST_BYTE: ReadonlySet<Kind> = new Set([Kind.xmm_is4, Kind.xmm_is5, Kind.ymm_is4, Kind.ymm_is5]);

/** Register numbers of si and di at each address size, for string instructions. */
const STRING_KINDS = {
  si: { 16: OpKind.MemorySegSI, 32: OpKind.MemorySegESI, 64: OpKind.MemorySegRSI },
  di: { 16: OpKind.MemorySegDI, 32: OpKind.MemorySegEDI, 64: OpKind.MemorySegRDI },
  extra: { 16: OpKind.MemoryESDI, 32: OpKind.MemoryESEDI, 64: OpKind.MemoryESRDI },
} as const;

const XLAT_BASE = { 16: Register.BX, 32: Register.EBX, 64: Register.RBX } as const;

/**
 * The bytes of `match`. Throws {@link EncodeError} if iced finds the combination impossible (`%ah` with REX, a displacement
 * out of range).
 */
export function emit(match: Match, given: Arguments, written: WrittenPrefixes, bits: 16 | 32 | 64): EncodedInstruction {
  const instruction = new Instruction();
  try {
    const work = new Emission(instruction, match, branchPrefixes(match, written), bits);
    work.decorations(given);
    match.placed.forEach((placed, position) => { work.operand(placed, position); });
    return work.finish();
  } finally {
    instruction.free();
  }
}

type Bits = 16 | 32 | 64;

class Emission {
  private readonly instruction: Instruction;
  private readonly match: Match;
  private readonly written: WrittenPrefixes;
  private readonly bits: Bits;
  private displacement: { value: Value; relative: boolean; addressBits: Bits } | undefined;
  private readonly immediates: Value[] = [];
  private branch: Value | undefined;
  private emptyIndex = false;

  constructor(instruction: Instruction, match: Match, written: WrittenPrefixes, bits: Bits) {
    this.instruction = instruction;
    this.match = match;
    this.written = written;
    this.bits = bits;
    instruction.code = match.candidate.form.code;
  }

  decorations(given: Arguments): void {
    const { instruction } = this;
    if (given.mask !== Register.None) instruction.opMask = given.mask;
    if (given.zeroing) instruction.zeroingMasking = true;
    if (given.broadcast !== 0 || given.broadcastElement !== 0) instruction.isBroadcast = true;
    if (given.rounding === 'sae') instruction.suppressAllExceptions = true;
    else if (given.rounding !== undefined) instruction.roundingControl = ROUNDING[given.rounding] ?? RoundingControl.None;
  }

  operand(placed: Placed, position: number): void {
    const { instruction } = this;
    switch (placed.kind) {
      case 'register':
        instruction.setOpKind(position, OpKind.Register);
        instruction.setOpRegister(position, placed.register);
        return;
      case 'immediate':
        this.immediate(placed.value, position);
        return;
      case 'memory':
        instruction.setOpKind(position, OpKind.Memory);
        this.memory(placed.memory);
        return;
      case 'offset':
        instruction.setOpKind(position, OpKind.Memory);
        this.offset(placed.memory);
        return;
      case 'branch':
        this.branch = placed.target;
        instruction.setOpKind(position, this.branchKind(position));
        return;
      case 'far':
        this.far(placed.selector, placed.offset, position);
        return;
      case 'string':
        this.string(placed.memory, position);
        return;
      case 'implied':
        this.string(undefined, position);
    }
  }

  private immediate(value: Value, position: number): void {
    const { instruction } = this;
    const kind = this.match.candidate.form.kinds[position] ?? Kind.None;
    const second = this.immediates.length > 0;
    const opKind = second && kind === Kind.imm8 ? OpKind.Immediate8_2nd : IMMEDIATE_OP_KINDS[kind];
    if (opKind === undefined) throw new EncodeError('operand-mismatch', 'an immediate cannot stand here');
    this.immediates.push(value);
    const signed = BigInt.asIntN(64, value.constant ?? 0n);
    instruction.setOpKind(position, opKind);
    const low = Number(BigInt.asUintN(32, signed));
    switch (opKind) {
      case OpKind.Immediate8: instruction.immediate8 = low & 0xff; return;
      case OpKind.Immediate8_2nd: instruction.immediate8_2nd = low & 0xff; return;
      case OpKind.Immediate16: instruction.immediate16 = low & 0xffff; return;
      case OpKind.Immediate32: instruction.immediate32 = low; return;
      case OpKind.Immediate64: instruction.immediate64 = BigInt.asUintN(64, signed); return;
      case OpKind.Immediate8to16: instruction.immediate8to16 = (low << 24) >> 24; return;
      case OpKind.Immediate8to32: instruction.immediate8to32 = (low << 24) >> 24; return;
      case OpKind.Immediate8to64: instruction.immediate8to64 = BigInt.asIntN(8, signed); return;
      default: instruction.immediate32to64 = BigInt.asIntN(32, signed);
    }
  }

  private memory(memory: MemoryArgument): void {
    const { instruction, bits } = this;
    this.segment(memory.segment, memory.base);
    const { base, index } = memory;
    const addressBits = this.addressBits(memory);
    const wide = addressBits === 16 ? 2 : addressBits === 32 ? 4 : 8;
    const relative = base === Register.RIP || base === Register.EIP;
    const value = memory.displacement;
    const constant = value?.constant;
    instruction.memoryBase = base;
    instruction.memoryIndex = index;
    // A scale without an index says nothing.
    instruction.memoryIndexScale = index === Register.None ? 1 : memory.scale;
    this.emptyIndex = memory.emptyIndex;
    if (relative && constant !== undefined) signedDisplacement(constant, base === Register.EIP ? 32 : 64, bits);
    if (relative || (value !== undefined && constant === undefined)) {
      this.displacement = { value: value ?? ZERO, relative, addressBits };
      instruction.memoryDisplSize = wide;
      instruction.memoryDisplacement = 0n;
      return;
    }
    const signed = signedDisplacement(this.wrapped(constant ?? 0n), addressBits, bits);
    instruction.memoryDisplacement = addressBits === 64 ? signed : BigInt.asUintN(addressBits, signed);
    // What wraps around from below keeps the full width, but in 32-bit code.
    const wrapped = bits !== 32 && (constant ?? 0n) < -(1n << BigInt(Math.min(addressBits, 32) - 1));
    instruction.memoryDisplSize = wrapped ? wide : this.displacementSize(memory, signed, wide);
  }

  /** `lea` to a register of 32 bits needs no more of a displacement than its low half. */
  private wrapped(constant: bigint): bigint {
    const fits = constant >= -0xffff_ffffn && constant <= 0xffff_ffffn;
    return fits && /^Lea_r(16|32)_m$/.test(this.match.candidate.form.name) ? BigInt.asIntN(32, constant) : constant;
  }

  private displacementSize(memory: MemoryArgument, signed: bigint, wide: number): number {
    const { pseudo } = this.written;
    const vector = memory.index !== Register.None && !/^r(16|32|64)$/.test(registerClass(memory.index));
    if (memory.base === Register.None && (memory.index === Register.None || vector || this.bits !== 16)) return wide;
    if (pseudo.has('disp16') && wide !== 2) throw new EncodeError('bad-prefix', '{disp16} needs 16-bit addresses');
    if (pseudo.has('disp32') || pseudo.has('disp16')) return wide;
    if (pseudo.has('disp8')) return 1;
    // The pseudo-size 1 means "8 bits if it fits, counted in the form's element size for EVEX".
    return signed === 0n ? 0 : 1;
  }

  /** Address size that the registers, or failing these the code size and an `addr32`, ask for. */
  private addressBits(memory: MemoryArgument): Bits {
    for (const register of [memory.base, memory.index]) {
      if (register === Register.None) continue;
      switch (registerClass(register)) {
        case 'r16': return 16;
        case 'r32': return 32;
        case 'r64': return 64;
        case 'ip': return register === Register.EIP ? 32 : 64;
        default: break;
      }
    }
    const { form } = this.match.candidate;
    // Where a register holds another address, both have its size.
    if (form.addressSize !== 0 && form.shapes.some((shape) => shape.register !== undefined)) return form.addressSize as Bits;
    if (!this.written.bytes.includes(0x67)) return this.bits;
    return this.bits === 32 ? 16 : 32;
  }

  private offset(memory: MemoryArgument): void {
    const { instruction } = this;
    this.segment(memory.segment, Register.None);
    const bits = this.addressBits(memory);
    const value = memory.displacement ?? ZERO;
    instruction.memoryDisplSize = bits / 8;
    instruction.memoryDisplacement = BigInt.asIntN(64, value.constant ?? 0n);
    if (value.constant === undefined) this.displacement = { value, relative: false, addressBits: bits };
  }

  /** An override that names the segment the CPU takes anyway is dropped, as gas does. */
  private segment(segment: Register, base: Register): void {
    if (segment === Register.None) return;
    const stack = [Register.RSP, Register.ESP, Register.RBP, Register.EBP, Register.BP].includes(base);
    if (segment !== (stack ? Register.SS : Register.DS)) this.instruction.segmentPrefix = segment;
  }

  private string(memory: MemoryArgument | undefined, position: number): void {
    const { instruction } = this;
    const shape = this.match.candidate.form.shapes[position];
    const bits = memory === undefined ? (this.written.bytes.includes(0x67) ? (this.bits === 32 ? 16 : 32) : this.bits) : this.addressBits(memory);
    if (shape?.table === true) {
      instruction.setOpKind(position, OpKind.Memory);
      instruction.memoryBase = XLAT_BASE[bits];
      instruction.memoryIndex = Register.AL;
      this.segment(memory?.segment ?? Register.None, Register.None);
      return;
    }
    const string = shape?.string;
    if (string === undefined) return;
    instruction.setOpKind(position, STRING_KINDS[string.extra ? 'extra' : string.register][bits]);
    if (!string.extra) this.segment(memory?.segment ?? Register.None, Register.None);
  }

  private branchKind(position: number): OpKind {
    switch (this.match.candidate.form.kinds[position]) {
      case Kind.br64_1: case Kind.br64_4: return OpKind.NearBranch64;
      case Kind.br32_1: case Kind.br32_4: return OpKind.NearBranch32;
      case Kind.xbegin_2: case Kind.xbegin_4: return this.bits === 64 ? OpKind.NearBranch64 : OpKind.NearBranch32;
      default: return OpKind.NearBranch16;
    }
  }

  private far(selector: Value, offset: Value, position: number): void {
    const { instruction } = this;
    const wide = this.match.candidate.form.shapes[position]?.far === 32;
    instruction.setOpKind(position, wide ? OpKind.FarBranch32 : OpKind.FarBranch16);
    instruction.farBranchSelector = Number(BigInt.asUintN(16, selector.constant ?? 0n));
    if (wide) instruction.farBranch32 = Number(BigInt.asUintN(32, offset.constant ?? 0n));
    else instruction.farBranch16 = Number(BigInt.asUintN(16, offset.constant ?? 0n));
    this.immediates.push(offset, selector);
  }

  finish(): EncodedInstruction {
    const encoder = encoderFor(this.bits);
    encoder.preventVEX2 = this.written.pseudo.has('vex3');
    let code: Uint8Array;
    let failure: unknown;
    try {
      encoder.encode(this.instruction, 0n);
    } catch (error) {
      failure = error;
    } finally {
      code = encoder.takeBuffer();
    }
    if (failure !== undefined) throw new EncodeError('operand-mismatch', `these operands cannot be encoded together (${String(failure)})`);
    if (this.emptyIndex) this.clearIndex(encoder, code);
    let fields = this.fields(encoder, code);
    if (this.branch !== undefined && this.bits !== 16 && this.written.bytes.includes(0x66) && (this.written.rex & 8) === 0) ({ code, fields } = shortenBranch(code, fields));
    const { bytes, shift } = joinPrefixes(code, this.written, this.bits);
    if (bytes.length > 15) throw new EncodeError('bad-prefix', 'the instruction is longer than 15 bytes');
    return { bytes, fields: shift === 0 ? fields : fields.map((field) => ({ ...field, offset: field.offset + shift })) };
  }

  /** Turns the index %rax of the SIB byte into none (SDM 2A table 2-3). */
  private clearIndex(encoder: Encoder, code: Uint8Array): void {
    const offsets = encoder.getConstantOffsets();
    try {
      const register = this.match.candidate.form.kinds.some((kind) => IN_LAST_BYTE.has(kind)) ? 1 : 0;
      const behind = offsets.hasDisplacement ? offsets.displacementOffset : offsets.hasImmediate ? offsets.immediateOffset : code.length - register;
      code[behind - 1] = (code[behind - 1] ?? 0) | 0x20;
    } finally {
      offsets.free();
    }
  }

  private fields(encoder: Encoder, code: Uint8Array): readonly EncodedField[] {
    const symbolic = this.immediates.some((value) => value.constant === undefined);
    if (this.displacement === undefined && this.branch === undefined && !symbolic) return [];
    const fields: EncodedField[] = [];
    if (this.branch !== undefined) {
      const kinds = this.match.candidate.form.shapes;
      const width = kinds.find((shape) => shape.branch !== undefined)?.branch ?? 32;
      const size = (width / 8) as 1 | 2 | 4;
      code.fill(0, code.length - size);
      fields.push({ offset: code.length - size, size, kind: 'branch', relative: true, signed: true, expression: this.branch.expression });
    }
    const offsets = encoder.getConstantOffsets();
    try {
      if (this.displacement !== undefined) {
        const { value, relative, addressBits } = this.displacement;
        const offset = offsets.displacementOffset;
        const size = offsets.displacementSize as 1 | 2 | 4 | 8;
        code.fill(0, offset, offset + size);
        if (value.constant !== undefined) writeInteger(code, offset, size, value.constant);
        else fields.push({ offset, size, kind: 'displacement', relative, signed: size === 4 && addressBits === 64, expression: value.expression });
      }
      const places = [[offsets.immediateOffset, offsets.immediateSize], [offsets.immediateOffset2, offsets.immediateSize2]] as const;
      this.immediates.forEach((value, index) => {
        const [offset, size] = places[index] ?? [0, 0];
        if (value.constant !== undefined || size === 0) return;
        fields.push({ offset, size: size as 1 | 2 | 4 | 8, kind: 'immediate', relative: false, signed: this.extends(index), expression: value.expression });
      });
    } finally {
      offsets.free();
    }
    return fields;
  }

  /** True if the CPU sign-extends immediate number `index`. */
  private extends(index: number): boolean {
    const fields = this.match.candidate.form.shapes.flatMap((shape) => shape.immediate ?? []);
    return (fields[index]?.extendedTo ?? 0) !== 0;
  }
}

/** A `data16` in front of a direct call leaves 16 bits of displacement, in 64-bit code too (as AMD's CPUs take it). */
function shortenBranch(code: Uint8Array, fields: readonly EncodedField[]): { code: Uint8Array; fields: readonly EncodedField[] } {
  const [field] = fields;
  return field?.kind === 'branch' && field.size === 4 ? { code: code.subarray(0, code.length - 2), fields: [{ ...field, size: 2 }] } : { code, fields };
}

const ZERO: Value = { constant: 0n, expression: { kind: 'number', value: 0n } };

/** The displacement as a signed number, or an error if the address size cannot hold it. */
function signedDisplacement(value: bigint, addressBits: Bits, bits: Bits): bigint {
  const signed = BigInt.asIntN(64, value);
  if (addressBits === 64) {
    if (signed < -0x8000_0000n || signed > 0x7fff_ffffn) throw new EncodeError('value-out-of-range', `displacement ${signed.toString()} does not fit in 32 signed bits`);
    return signed;
  }
  const limit = 1n << BigInt(addressBits);
  if (signed < -limit || signed >= limit) {
    if (bits !== 16) throw new EncodeError('value-out-of-range', `displacement ${signed.toString()} does not fit in ${String(addressBits)} bits`);
  }
  return BigInt.asIntN(addressBits, signed);
}

function writeInteger(bytes: Uint8Array, offset: number, size: number, value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  for (let index = 0; index < size; index++) {
    bytes[offset + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
