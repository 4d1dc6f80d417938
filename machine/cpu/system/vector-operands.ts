/** Vector operands of instructions that are executed in TypeScript. */
import { EncodingKind, OpKind, RegisterExt } from 'iced-x86';
import type { Instruction, Register } from 'iced-x86';
import { VECTOR } from '../cpu.ts';
import { SystemFault } from './context.ts';
import type { SystemContext } from './context.ts';

/** Bytes of a vector register in the state. */
const WHOLE = 64;
export const LANE = 16;

/** Bytes of a vector register as an operand. */
export const vectorSize = (register: Register): number => RegisterExt.size(register);

/** The low `size` bytes of a vector register. */
export function readRegister(cpu: SystemContext, register: Register, size: number): Uint8Array {
  return cpu.state.getVector(RegisterExt.number(register), size);
}

/** A register or memory operand of `size` bytes. `aligned`: a legacy form wants 16 bytes of memory aligned, as nearly all do. */
export function readVector(cpu: SystemContext, instruction: Instruction, k: number, size: number, aligned = true): Uint8Array {
  if (instruction.opKind(k) === OpKind.Register) return readRegister(cpu, instruction.opRegister(k), size);
  const address = cpu.address(instruction);
  if (aligned && instruction.encoding === EncodingKind.Legacy && address % BigInt(LANE) !== 0n) throw new SystemFault(VECTOR.GP, 0);
  return cpu.load(address, size);
}

/** Writes a vector register: a VEX form clears what is above, a legacy form leaves it. */
export function writeVector(cpu: SystemContext, instruction: Instruction, register: Register, bytes: Uint8Array): void {
  const number = RegisterExt.number(register);
  if (instruction.encoding === EncodingKind.Legacy) {
    cpu.state.setVector(number, bytes);
    return;
  }
  const whole = new Uint8Array(WHOLE);
  whole.set(bytes);
  cpu.state.setVector(number, whole);
}

export const dwords = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
export const quads = (bytes: Uint8Array): BigUint64Array => new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
export const toBytes = (words: Uint32Array | BigUint64Array): Uint8Array => new Uint8Array(words.buffer);
