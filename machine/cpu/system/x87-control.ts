/**
 * The x87 unit's state: its control words, its environment, its register stack as a whole. Arithmetic is not here.
 * Sources: SDM 1 8.1 and 10.5, SDM 2A; what AMD's processors save of the last instruction was measured on one of family 19h.
 */
import { MemorySize, OpKind } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import type { State, X87State } from '../state.ts';
import { opcodeIndex } from '../length.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { loadInteger, storeInteger, writeRegister } from './operands.ts';
import { fromTop, initX87, summarised } from './state-save.ts';

const CS = 1;
/** Status word: C1, TOP, and what fnclex clears: exceptions, stack fault, ES and B. */
const C1 = 0x200, TOP = 0x3800, EXCEPTIONS = 0x80ff;
/** Control word: masks of the six exceptions; bits that exist, and one that reads as one. */
const MASKS = 0x3f, CONTROL_BITS = 0x1f3f, CONTROL_FIXED = 0x40;
/** Two bits of the tag word. */
const TAG = { VALID: 0, ZERO: 1, SPECIAL: 2, EMPTY: 3 } as const;
const REGISTER_SIZE = 10, REGISTERS = 8;
const LOW32 = 0xffff_ffffn;

function tagOf(bytes: Uint8Array): number {
  const exponent = (bytes[8]! | (bytes[9]! << 8)) & 0x7fff;
  if (exponent === 0) return bytes.subarray(0, 8).every((byte) => byte === 0) ? TAG.ZERO : TAG.SPECIAL;
  // Infinities and NaNs, and numbers whose integer bit is missing.
  return exponent === 0x7fff || bytes[7]! < 0x80 ? TAG.SPECIAL : TAG.VALID;
}

/** The tag word with two bits a register. */
function fullTags(state: State, { tag }: X87State): number {
  let word = 0;
  for (let i = 0; i < REGISTERS; i++) word |= ((tag & (1 << i)) === 0 ? TAG.EMPTY : tagOf(state.getX87(i))) << (2 * i);
  return word;
}

/** Set: not empty, as the state keeps it. Whatever else the two bits say is worked out again. */
function shortTags(word: number): number {
  let tag = 0;
  for (let i = 0; i < REGISTERS; i++) if (((word >> (2 * i)) & 3) !== TAG.EMPTY) tag |= 1 << i;
  return tag;
}

/** The formats of protected mode: 7 words of 2 bytes, or of 4, of which the unused halves are ones (SDM 1 figures 8-9 and 8-10). */
const isShort = ({ memorySize }: Instruction): boolean => memorySize === MemorySize.FpuEnv14 || memorySize === MemorySize.FpuState94;
const environmentSize = (instruction: Instruction): number => (isShort(instruction) ? 14 : 28);

function environment(state: State, short: boolean): Uint8Array {
  const { x87 } = state;
  const [instruction, data] = [Number(x87.instruction & LOW32), Number(x87.data & LOW32)];
  const words = [x87.control, x87.status, fullTags(state, x87), instruction, x87.codeSelector, data, x87.dataSelector];
  const view = new DataView(new ArrayBuffer(short ? 14 : 28));
  const UNUSED = 0xffff_0000;
  if (short) words.forEach((word, i) => { view.setUint16(2 * i, word & 0xffff, true); });
  else {
    words.forEach((word, i) => { view.setUint32(4 * i, i === 3 || i === 5 ? word : (word | UNUSED) >>> 0, true); });
    view.setUint32(16, (x87.codeSelector | (x87.opcode << 16)) >>> 0, true);
  }
  return new Uint8Array(view.buffer);
}

function setEnvironment(state: State, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const short = bytes.length === 14;
  const word = (i: number): number => (short ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true));
  const control = controlWord(word(0));
  state.x87 = {
    control, status: summarised(word(1) & 0xffff, control), tag: shortTags(word(2)), instruction: BigInt(word(3)), codeSelector: word(4) & 0xffff,
    opcode: short ? 0 : (word(4) >>> 16) & 0x7ff, data: BigInt(word(5)), dataSelector: word(6) & 0xffff,
  };
}

const controlWord = (value: number): number => (value & CONTROL_BITS) | CONTROL_FIXED;

/** fninit: registers keep what is in them, but are empty. */
function initKeepingRegisters(state: State): void {
  const registers = Array.from({ length: REGISTERS }, (_, i) => state.getX87(i));
  initX87(state);
  registers.forEach((bytes, i) => { state.setX87(i, bytes); });
}

/** What an instruction without memory operand that is no control instruction leaves of itself. Intel's processors keep opcodes of unmasked exceptions only, and no selectors. */
function lastInstruction(cpu: SystemContext, instruction: Instruction): Pick<X87State, 'instruction' | 'opcode' | 'codeSelector'> {
  const amd = cpu.profile.vendor === 'amd';
  const bytes = cpu.memory.read(instruction.ip, instruction.length);
  const at = opcodeIndex(bytes);
  return {
    instruction: instruction.ip, opcode: amd ? ((bytes[at]! & 7) << 8) | bytes[at + 1]! : 0, codeSelector: amd ? cpu.state.getSegment(CS) : 0,
  };
}

/** Moves TOP; the registers and their tags stay. */
function rotate(by: number): SystemInstruction {
  return (cpu, instruction) => {
    const { x87 } = cpu.state;
    const top = (x87.status + (by << 11)) & TOP;
    cpu.state.x87 = { ...x87, ...lastInstruction(cpu, instruction), status: (x87.status & ~(TOP | C1)) | top };
    return undefined;
  };
}

/** ffree; ffreep, which is not in the manuals, pops as well. */
function free(pop: boolean): SystemInstruction {
  return (cpu, instruction) => {
    const { x87 } = cpu.state;
    const [, second = 0] = cpu.memory.read(instruction.ip + BigInt(instruction.length - 2), 2);
    let tag = x87.tag & ~(1 << fromTop(x87.status, second & 7));
    let { status } = x87;
    if (pop) {
      tag &= ~(1 << fromTop(status, 0));
      status = (status & ~TOP) | ((status + (1 << 11)) & TOP);
    }
    cpu.state.x87 = { ...x87, ...lastInstruction(cpu, instruction), tag, status };
    return undefined;
  };
}

/** The order in which an area is touched: its first word, its last byte, the rest (measured on AMD's family 19h). Alignment is that of the words. */
function touchArea(instruction: Instruction, address: bigint, size: number, touch: (address: bigint, size: number, anyAlignment?: boolean) => void): void {
  touch(address, isShort(instruction) ? 2 : 4);
  touch(address + BigInt(size - 1), 1);
  touch(address, size, true);
}

function loadArea(cpu: SystemContext, instruction: Instruction, size: number): Uint8Array {
  const address = cpu.address(instruction);
  touchArea(instruction, address, size, (at, bytes, anyAlignment) => { cpu.load(at, bytes, anyAlignment); });
  return cpu.load(address, size, true);
}

function storeArea(cpu: SystemContext, instruction: Instruction, bytes: Uint8Array): void {
  const address = cpu.address(instruction);
  touchArea(instruction, address, bytes.length, (at, size, anyAlignment) => { cpu.checkStore(at, size, anyAlignment); });
  cpu.store(address, bytes, true);
}

const fnstenv: SystemInstruction = (cpu, instruction) => {
  storeArea(cpu, instruction, environment(cpu.state, isShort(instruction)));
  const { x87 } = cpu.state;
  const control = x87.control | MASKS;
  cpu.state.x87 = { ...x87, control, status: summarised(x87.status, control) };
  return undefined;
};

const fldenv: SystemInstruction = (cpu, instruction) => {
  setEnvironment(cpu.state, loadArea(cpu, instruction, environmentSize(instruction)));
  return undefined;
};

/** The environment, then st(0) to st(7); the unit is as after fninit. */
const fnsave: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const head = environment(state, isShort(instruction));
  const bytes = new Uint8Array(head.length + REGISTERS * REGISTER_SIZE);
  bytes.set(head);
  for (let i = 0; i < REGISTERS; i++) bytes.set(state.getX87(fromTop(state.x87.status, i)), head.length + REGISTER_SIZE * i);
  storeArea(cpu, instruction, bytes);
  initKeepingRegisters(state);
  return undefined;
};

const frstor: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const head = environmentSize(instruction);
  const bytes = loadArea(cpu, instruction, head + REGISTERS * REGISTER_SIZE);
  setEnvironment(state, bytes.slice(0, head));
  for (let i = 0; i < REGISTERS; i++) state.setX87(fromTop(state.x87.status, i), bytes.subarray(head + REGISTER_SIZE * i));
  return undefined;
};

const nothing: SystemInstruction = () => undefined;

export const x87ControlInstructions: Record<string, SystemInstruction> = {
  fninit: (cpu) => {
    initKeepingRegisters(cpu.state);
    return undefined;
  },
  fnclex: (cpu) => {
    const { x87 } = cpu.state;
    cpu.state.x87 = { ...x87, status: x87.status & ~EXCEPTIONS };
    return undefined;
  },
  fnstcw: (cpu, instruction) => {
    storeInteger(cpu, cpu.address(instruction), 2, BigInt(cpu.state.x87.control));
    return undefined;
  },
  fldcw: (cpu, instruction) => {
    const { x87 } = cpu.state;
    const control = controlWord(Number(loadInteger(cpu, cpu.address(instruction), 2)));
    cpu.state.x87 = { ...x87, control, status: summarised(x87.status, control) };
    return undefined;
  },
  fnstsw: (cpu, instruction) => {
    const status = BigInt(cpu.state.x87.status);
    if (instruction.op0Kind === OpKind.Register) writeRegister(cpu.state, instruction.op0Register, status);
    else storeInteger(cpu, cpu.address(instruction), 2, status);
    return undefined;
  },
  fnstenv, fldenv, fnsave, frstor,
  ffree: free(false), ffreep: free(true), fincstp: rotate(1), fdecstp: rotate(-1),
  fnop: (cpu, instruction) => {
    cpu.state.x87 = { ...cpu.state.x87, ...lastInstruction(cpu, instruction) };
    return undefined;
  },
  // Of the 8087 and the 80287: no later unit does anything (SDM 3B 23.18).
  fneni: nothing, fndisi: nothing, fnsetpm: nothing,
  // TOP becomes zero, as with every MMX instruction (SDM 3A table 13-2).
  emms: (cpu) => {
    const { x87 } = cpu.state;
    cpu.state.x87 = { ...x87, tag: 0, status: x87.status & ~TOP };
    return undefined;
  },
};
