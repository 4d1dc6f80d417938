/** Operands of instructions that are executed in TypeScript. */
import { MemorySizeExt, OpKind, Register, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import type { State } from '../state.ts';
import type { SystemContext } from './context.ts';

const isHighByte = (register: Register): boolean => register >= Register.AH && register <= Register.BH;

/** A general register of any width, zero-extended. */
export function readRegister(state: State, register: Register): bigint {
  const value = state.getGeneral(RegisterExt.number(RegisterExt.fullRegister(register)));
  return isHighByte(register) ? (value >> 8n) & 0xffn : BigInt.asUintN(8 * RegisterExt.size(register), value);
}

/** Writes a general register of any width: 4 bytes clear the upper half, 1 and 2 bytes leave the rest. */
export function writeRegister(state: State, register: Register, value: bigint): void {
  const number = RegisterExt.number(RegisterExt.fullRegister(register));
  const size = RegisterExt.size(register);
  if (size >= 4) {
    state.setGeneral(number, BigInt.asUintN(8 * size, value));
    return;
  }
  const shift = isHighByte(register) ? 8n : 0n;
  const mask = ((1n << BigInt(8 * size)) - 1n) << shift;
  state.setGeneral(number, (state.getGeneral(number) & ~mask) | ((value << shift) & mask));
}

export function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

export function toBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, value);
  for (let i = 0; i < size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** Reads 1 to 16 bytes as the processor does. */
export function loadInteger(cpu: SystemContext, address: bigint, size: number): bigint {
  return fromBytes(cpu.load(BigInt.asUintN(64, address), size));
}

export function storeInteger(cpu: SystemContext, address: bigint, size: number, value: bigint): void {
  cpu.store(BigInt.asUintN(64, address), toBytes(value, size));
}

/** A register or memory operand, zero-extended. */
export function readOperand(cpu: SystemContext, instruction: Instruction, k: number): bigint {
  if (instruction.opKind(k) === OpKind.Register) return readRegister(cpu.state, instruction.opRegister(k));
  return loadInteger(cpu, cpu.address(instruction), MemorySizeExt.size(instruction.memorySize));
}

export function writeOperand(cpu: SystemContext, instruction: Instruction, k: number, value: bigint): void {
  if (instruction.opKind(k) === OpKind.Register) writeRegister(cpu.state, instruction.opRegister(k), value);
  else storeInteger(cpu, cpu.address(instruction), MemorySizeExt.size(instruction.memorySize), value);
}
