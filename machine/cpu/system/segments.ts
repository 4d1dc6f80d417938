/** Segment registers, descriptor tables, and the instructions that ask about descriptors. */
import { OpKind, Register, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { FLAG, VECTOR } from '../cpu.ts';
import { checkUserMode, isCanonical, supervisor } from './checks.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { dataSegmentBase, descriptorOf, isCode, isConforming, isNull, isReadable, isWritable, setAccessed, setDataSegment, setTypeBits, stackSegment, systemBase } from './descriptors.ts';
import type { Descriptor } from './descriptors.ts';
import { MSR } from './msr.ts';
import { fromBytes, loadInteger, readOperand, storeInteger, toBytes, writeOperand, writeRegister } from './operands.ts';

const RSP = 4;
const SS = 2, FS = 4, GS = 5;

/** Loads a data or stack segment register with all its checks. */
function loadSegment(cpu: SystemContext, segment: number, selector: number): void {
  if (segment === SS) {
    setAccessed(cpu, stackSegment(cpu, selector, cpu.state.privilege));
    cpu.state.setSegment(SS, selector);
  } else setDataSegment(cpu.state, segment, selector, dataSegmentBase(cpu, selector));
}

const segmentNumber = (register: Register): number => RegisterExt.number(register);

/** mov between a segment register and a general register or memory. Only this form of mov comes here. */
const moveSegment: SystemInstruction = (cpu, instruction) => {
  const target = instruction.op0Kind === OpKind.Register ? instruction.op0Register : Register.None;
  if (RegisterExt.isSegmentRegister(target)) {
    if (target === Register.CS) throw new SystemFault(VECTOR.UD);
    const selector = instruction.op1Kind === OpKind.Register ? Number(readOperand(cpu, instruction, 1) & 0xffffn) : Number(loadInteger(cpu, cpu.address(instruction), 2));
    loadSegment(cpu, segmentNumber(target), selector);
    return undefined;
  }
  const selector = BigInt(cpu.state.getSegment(segmentNumber(instruction.op1Register)));
  // A register of 4 or 8 bytes is zero-extended, memory gets 2 bytes.
  if (instruction.op0Kind === OpKind.Register) writeRegister(cpu.state, target, selector);
  else storeInteger(cpu, cpu.address(instruction), 2, selector);
  return undefined;
};

function pushSegment(cpu: SystemContext, instruction: Instruction): undefined {
  const size = Math.abs(instruction.stackPointerIncrement);
  const top = BigInt.asUintN(64, cpu.state.getGeneral(RSP) - BigInt(size));
  storeInteger(cpu, top, size, BigInt(cpu.state.getSegment(segmentNumber(instruction.op0Register))));
  cpu.state.setGeneral(RSP, top);
}

function popSegment(cpu: SystemContext, instruction: Instruction): undefined {
  const size = Math.abs(instruction.stackPointerIncrement);
  const top = cpu.state.getGeneral(RSP);
  const selector = Number(loadInteger(cpu, top, size) & 0xffffn);
  loadSegment(cpu, segmentNumber(instruction.op0Register), selector);
  cpu.state.setGeneral(RSP, top + BigInt(size));
}

/** push and pop of fs and gs; the other forms are lifts. */
export const segmentStack: Record<'push' | 'pop', SystemInstruction> = { push: pushSegment, pop: popSegment };

/** lss, lfs, lgs: offset, then selector. */
function loadFar(segment: number): SystemInstruction {
  return (cpu, instruction) => {
    // AMD's processors know no 64-bit offset and ignore REX.W but for the register.
    const wide = RegisterExt.size(instruction.op0Register) === 8;
    const size = wide && cpu.profile.vendor === 'amd' ? 4 : RegisterExt.size(instruction.op0Register);
    const address = cpu.address(instruction);
    const pointer = loadInteger(cpu, address, size);
    const selector = Number(loadInteger(cpu, address + BigInt(size), 2));
    loadSegment(cpu, segment, selector);
    writeRegister(cpu.state, instruction.op0Register, pointer);
    return undefined;
  };
}

function setZero(cpu: SystemContext, zero: boolean): void {
  const { state } = cpu;
  state.setArithmeticFlags((state.arithmeticFlags & ~FLAG.ZF) | (zero ? FLAG.ZF : 0));
}

/** The descriptor that lar, lsl, verr and verw may look at, by privilege. */
function visible(cpu: SystemContext, selector: number): Descriptor | undefined {
  if (isNull(selector)) return undefined;
  const descriptor = descriptorOf(cpu, selector);
  if (descriptor === undefined) return undefined;
  const outranked = descriptor.privilege < cpu.state.privilege || descriptor.privilege < (selector & 3);
  return outranked && !isConforming(descriptor) ? undefined : descriptor;
}

function selectorOperand(cpu: SystemContext, instruction: Instruction, k: number): number {
  if (instruction.opKind(k) === OpKind.Register) return Number(readOperand(cpu, instruction, k) & 0xffffn);
  return Number(loadInteger(cpu, cpu.address(instruction), 2));
}

/** System types that exist in long mode: LDT, available and busy TSS; call gates for lar only. */
const LSL_TYPES: ReadonlySet<number> = new Set([2, 9, 11]);
const LAR_TYPES: ReadonlySet<number> = new Set([2, 9, 11, 12]);

const lar: SystemInstruction = (cpu, instruction) => {
  const descriptor = visible(cpu, selectorOperand(cpu, instruction, 1));
  const found = descriptor !== undefined && (descriptor.segment || LAR_TYPES.has(descriptor.type));
  if (found) writeRegister(cpu.state, instruction.op0Register, (descriptor.raw >> 32n) & 0xff_ff00n);
  setZero(cpu, found);
  return undefined;
};

const lsl: SystemInstruction = (cpu, instruction) => {
  const descriptor = visible(cpu, selectorOperand(cpu, instruction, 1));
  const found = descriptor !== undefined && (descriptor.segment || LSL_TYPES.has(descriptor.type));
  if (found) writeRegister(cpu.state, instruction.op0Register, BigInt(descriptor.limit));
  setZero(cpu, found);
  return undefined;
};

function verify(allows: (descriptor: Descriptor) => boolean): SystemInstruction {
  return (cpu, instruction) => {
    const descriptor = visible(cpu, selectorOperand(cpu, instruction, 0));
    setZero(cpu, descriptor !== undefined && allows(descriptor));
    return undefined;
  };
}

/** sgdt, sidt: limit (2 bytes) and base (8). */
function storeTable(table: 'gdt' | 'idt'): SystemInstruction {
  return (cpu, instruction) => {
    checkUserMode(cpu);
    const { base, limit } = cpu.state[table];
    cpu.store(cpu.address(instruction), new Uint8Array([...toBytes(BigInt(limit), 2), ...toBytes(base, 8)]));
    return undefined;
  };
}

function loadTable(table: 'gdt' | 'idt'): SystemInstruction {
  return (cpu, instruction) => {
    supervisor(cpu);
    const bytes = cpu.load(cpu.address(instruction), 10);
    const base = fromBytes(bytes.subarray(2));
    if (!isCanonical(cpu, base)) throw new SystemFault(VECTOR.GP, 0);
    cpu.state[table] = { base, limit: Number(fromBytes(bytes.subarray(0, 2))) };
    return undefined;
  };
}

function storeSelector(which: 'ldtr' | 'taskRegister'): SystemInstruction {
  return (cpu, instruction) => {
    checkUserMode(cpu);
    const selector = BigInt(cpu.state[which]);
    if (instruction.op0Kind === OpKind.Register) writeRegister(cpu.state, instruction.op0Register, selector);
    else storeInteger(cpu, cpu.address(instruction), 2, selector);
    return undefined;
  };
}

const LDT = 2, AVAILABLE_TSS = 9, BUSY = 2;

/** The descriptor and base of a system segment that is to be loaded (SDM 2A, LLDT and LTR). */
function systemSegment(cpu: SystemContext, selector: number, type: number): { readonly descriptor: Descriptor; readonly base: bigint } {
  const refuse = (vector: number): never => { throw new SystemFault(vector, selector & 0xfffc); };
  const descriptor = (selector & 4) === 0 ? descriptorOf(cpu, selector) : undefined;
  if (descriptor === undefined || descriptor.segment || descriptor.type !== type) return refuse(VECTOR.GP);
  if (!descriptor.present) return refuse(VECTOR.NP);
  const base = systemBase(cpu, selector, descriptor);
  return base === undefined || !isCanonical(cpu, base) ? refuse(VECTOR.GP) : { descriptor, base };
}

const lldt: SystemInstruction = (cpu, instruction) => {
  supervisor(cpu);
  const selector = selectorOperand(cpu, instruction, 0);
  if (isNull(selector)) cpu.state.ldt = { base: 0n, limit: 0 };
  else {
    const { descriptor, base } = systemSegment(cpu, selector, LDT);
    cpu.state.ldt = { base, limit: descriptor.limit };
  }
  cpu.state.ldtr = selector;
  return undefined;
};

const ltr: SystemInstruction = (cpu, instruction) => {
  supervisor(cpu);
  const selector = selectorOperand(cpu, instruction, 0);
  if (isNull(selector)) throw new SystemFault(VECTOR.GP, 0);
  setTypeBits(cpu, systemSegment(cpu, selector, AVAILABLE_TSS).descriptor, BUSY);
  cpu.state.taskRegister = selector;
  return undefined;
};

/** CR4.FSGSBASE */
const FSGSBASE = 1n << 16n;

function baseOf(segment: number, write: boolean): SystemInstruction {
  return (cpu, instruction) => {
    if ((cpu.state.getControl(4) & FSGSBASE) === 0n) throw new SystemFault(VECTOR.UD);
    if (!write) {
      writeOperand(cpu, instruction, 0, cpu.state.getSegmentBase(segment));
      return undefined;
    }
    const base = readOperand(cpu, instruction, 0);
    if (!isCanonical(cpu, base)) throw new SystemFault(VECTOR.GP, 0);
    cpu.state.setSegmentBase(segment, base);
    return undefined;
  };
}

const swapgs: SystemInstruction = (cpu) => {
  supervisor(cpu);
  const other = cpu.msrs.get(MSR.KERNEL_GS_BASE) ?? 0n;
  cpu.msrs.set(MSR.KERNEL_GS_BASE, cpu.state.getSegmentBase(GS));
  cpu.state.setSegmentBase(GS, other);
  return undefined;
};

/** True for the forms of mov, push and pop that have a segment register and so are no lifts. */
export function namesSegmentRegister(instruction: Instruction): boolean {
  for (let k = 0; k < instruction.opCount; k++) {
    if (instruction.opKind(k) === OpKind.Register && RegisterExt.isSegmentRegister(instruction.opRegister(k))) return true;
  }
  return false;
}

export { moveSegment };

export const segmentInstructions: Record<string, SystemInstruction> = {
  lss: loadFar(SS), lfs: loadFar(FS), lgs: loadFar(GS),
  lar, lsl, verr: verify(isReadable), verw: verify((descriptor) => !isCode(descriptor) && isWritable(descriptor)),
  sgdt: storeTable('gdt'), sidt: storeTable('idt'), lgdt: loadTable('gdt'), lidt: loadTable('idt'),
  sldt: storeSelector('ldtr'), str: storeSelector('taskRegister'),
  lldt, ltr,
  rdfsbase: baseOf(FS, false), rdgsbase: baseOf(GS, false), wrfsbase: baseOf(FS, true), wrgsbase: baseOf(GS, true), swapgs,
};
