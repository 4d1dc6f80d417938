/** Transfers between segments and privilege levels: far jumps, calls and returns, iret, syscall, sysret, software interrupts. */
import { MemorySize, Mnemonic } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { FLAG, VECTOR } from '../cpu.ts';
import type { CpuExit, CpuProfile } from '../cpu.ts';
import { ARITHMETIC_FLAGS } from '../lift/flags.ts';
import { rexOf } from '../length.ts';
import { REG } from '../lift/access.ts';
import { isCanonical, supervisor } from './checks.ts';
import { NotModelled, SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { codeSegment, dropInnerSegments, isNull, setAccessed, stackSegment } from './descriptors.ts';
import type { Descriptor } from './descriptors.ts';
import { callGate, checkInterruptGate, throughGate } from './gates.ts';
import { MSR } from './msr.ts';
import { loadInteger, storeInteger } from './operands.ts';

const CS = 1, SS = 2;
const IOPL = 0x3000, VM = 0x2_0000, VIF = 0x8_0000, VIP = 0x10_0000;
const EFER_SCE = 1n;

function checkTarget(cpu: SystemContext, segment: Descriptor, target: bigint): void {
  if (!segment.long) throw new NotModelled('32-bit code');
  if (!isCanonical(cpu, target)) throw new SystemFault(VECTOR.GP, 0);
}

function setLevel(cpu: SystemContext, selector: number): void {
  cpu.state.setSegment(CS, selector);
}

/** retf: rip and cs, then rsp and ss if it goes to an outer level. */
const farReturn: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const size = operandSize(instruction);
  const release = instruction.opCount > 0 ? instruction.immediate(0) : 0n;
  const top = state.getGeneral(REG.RSP);
  const selector = Number(loadInteger(cpu, top + BigInt(size), size) & 0xffffn);
  const target = loadInteger(cpu, top, size);
  // The outer stack pointer is read before any check, whenever the levels differ.
  const frame = top + BigInt(2 * size) + release;
  const outer = (selector & 3) !== state.privilege;
  const stack = outer ? Number(loadInteger(cpu, frame + BigInt(size), size) & 0xffffn) : 0;
  const newTop = outer ? loadInteger(cpu, frame, size) : 0n;
  const segment = codeSegment(cpu, selector, true);
  if (outer) {
    checkTarget(cpu, segment, target);
    const stackDescriptor = returnStack(cpu, stack, selector & 3, segment);
    setAccessed(cpu, segment);
    setAccessed(cpu, stackDescriptor);
    setLevel(cpu, selector);
    state.setSegment(SS, stack);
    state.setGeneral(REG.RSP, newTop + release);
    dropInnerSegments(cpu);
  } else {
    checkTarget(cpu, segment, target);
    setAccessed(cpu, segment);
    setLevel(cpu, selector);
    state.setGeneral(REG.RSP, top + BigInt(2 * size) + release);
  }
  state.rip = target;
  return undefined;
};

/** The stack segment's descriptor; a null selector is allowed on the way to 64-bit code below ring 3. */
function returnStack(cpu: SystemContext, selector: number, level: number, code: Descriptor): Descriptor | undefined {
  if (isNull(selector) && code.long && level !== 3 && (selector & 3) === level) return undefined;
  return stackSegment(cpu, selector, level);
}

function operandSize(instruction: Instruction): number {
  switch (instruction.mnemonic) {
    case Mnemonic.Iretq: return 8;
    case Mnemonic.Iretd: return 4;
    case Mnemonic.Iret: return 2;
    default: {
      // retf pops two operands and its immediate.
      const released = instruction.opCount > 0 ? Number(instruction.immediate(0)) : 0;
      return (instruction.stackPointerIncrement - released) / 2;
    }
  }
}

/** iret in 64-bit mode: rip, cs, rflags, rsp and ss, whatever the levels. */
const interruptReturn: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const size = operandSize(instruction);
  if ((state.systemFlags & FLAG.NT) !== 0) throw new SystemFault(VECTOR.GP, 0);
  const top = state.getGeneral(REG.RSP);
  const slot = (k: number): bigint => loadInteger(cpu, top + BigInt(k * size), size);
  // In the order in which processors read them.
  const image = Number(BigInt.asUintN(32, slot(2)));
  const selector = Number(slot(1) & 0xffffn);
  const target = slot(0);
  const stack = Number(slot(4) & 0xffffn);
  const newTop = slot(3);
  const segment = codeSegment(cpu, selector, true);
  checkTarget(cpu, segment, target);
  const stackDescriptor = returnStack(cpu, stack, selector & 3, segment);
  setAccessed(cpu, segment);
  setAccessed(cpu, stackDescriptor);
  const level = state.privilege;
  let mask = ARITHMETIC_FLAGS | FLAG.TF | FLAG.DF | FLAG.NT;
  if (size > 2) mask |= FLAG.RF | FLAG.AC | FLAG.ID;
  if (level <= ((state.systemFlags >> 12) & 3)) mask |= FLAG.IF;
  if (level === 0) mask |= IOPL | (size > 2 ? VIF | VIP : 0);
  mask &= ~VM;
  state.rflags = BigInt((((state.flags & ~mask) | (image & mask)) & ~FLAG.RF) >>> 0);
  setLevel(cpu, selector);
  state.setSegment(SS, stack);
  state.setGeneral(REG.RSP, newTop);
  state.rip = target;
  state.pendingNonTemporal = false;
  if ((selector & 3) > level) dropInnerSegments(cpu);
  return undefined;
};

/** Far jmp and call through memory, to code or through a call gate; a task gate is a protection fault in long mode. */
export function farBranch(call: boolean): SystemInstruction {
  return (cpu, instruction) => {
    const { state } = cpu;
    const bytes = farPointerBytes(instruction, cpu.profile.vendor);
    const address = cpu.address(instruction);
    const target = loadInteger(cpu, address, bytes);
    const selector = Number(loadInteger(cpu, address + BigInt(bytes), 2));
    const gate = callGate(cpu, selector);
    if (gate !== undefined) {
      throughGate(cpu, gate, call);
      return undefined;
    }
    const segment = codeSegment(cpu, selector, false);
    const level = state.privilege;
    const next = (selector & ~3) | level;
    if (call) {
      const size = hasRexW(cpu, instruction) ? 8 : farPointerBytes(instruction, 'intel');
      const top = BigInt.asUintN(64, state.getGeneral(REG.RSP) - BigInt(2 * size));
      checkTarget(cpu, segment, target);
      cpu.checkStore(top + BigInt(size), size);
      cpu.checkStore(top, size);
      setAccessed(cpu, segment);
      storeInteger(cpu, top + BigInt(size), size, BigInt(state.getSegment(CS)));
      storeInteger(cpu, top, size, state.rip);
      state.setGeneral(REG.RSP, top);
    } else {
      checkTarget(cpu, segment, target);
      setAccessed(cpu, segment);
    }
    setLevel(cpu, next);
    state.rip = target;
    return undefined;
  };
}

/** Bytes of the offset in m16:16, m16:32, m16:64. */
const FAR_SIZES: ReadonlyMap<MemorySize, number> = new Map([[MemorySize.SegPtr16, 2], [MemorySize.SegPtr32, 4], [MemorySize.SegPtr64, 8]]);

function farPointerBytes(instruction: Instruction, vendor: CpuProfile['vendor']): number {
  const size = FAR_SIZES.get(instruction.memorySize) ?? 4;
  // AMD's processors have no 64-bit far pointers.
  return size === 8 && vendor === 'amd' ? 4 : size;
}

/** Whether the operand size is 8 bytes: AMD's far pointers stay shorter then, but what a call pushes does not. */
function hasRexW(cpu: SystemContext, instruction: Instruction): boolean {
  return (rexOf(cpu.memory.read(instruction.ip, instruction.length)) & 8) !== 0;
}

const syscall: SystemInstruction = (cpu, _instruction) => {
  const { state, msrs } = cpu;
  const target = msrs.get(MSR.LSTAR);
  if (target === undefined) throw new NotModelled('syscall: IA32_LSTAR (0xc0000082) is not on the list of model-specific registers');
  if (((msrs.get(MSR.EFER) ?? EFER_SCE) & EFER_SCE) === 0n) throw new SystemFault(VECTOR.UD);
  const selector = Number(((msrs.get(MSR.STAR) ?? 0x10n << 32n) >> 32n) & 0xfffcn);
  state.setGeneral(REG.RCX, state.rip);
  state.setGeneral(REG.R11, BigInt(state.flags & ~FLAG.RF));
  state.rflags = state.rflags & ~(msrs.get(MSR.FMASK) ?? 0n) & ~BigInt(FLAG.RF);
  setLevel(cpu, selector);
  state.setSegment(SS, selector + 8);
  state.rip = target;
  return undefined;
};

const SYSRET_FLAGS = 0x3c_7fd7n;

const sysret: SystemInstruction = (cpu, instruction) => {
  const { state, msrs } = cpu;
  if (((msrs.get(MSR.EFER) ?? EFER_SCE) & EFER_SCE) === 0n) throw new SystemFault(VECTOR.UD);
  supervisor(cpu);
  if (instruction.mnemonic === Mnemonic.Sysret) throw new NotModelled('32-bit code');
  const target = state.getGeneral(REG.RCX);
  if (cpu.profile.vendor === 'intel' && !isCanonical(cpu, target)) throw new SystemFault(VECTOR.GP, 0);
  const star = Number((msrs.get(MSR.STAR) ?? 0x23n << 48n) >> 48n);
  state.rflags = (state.getGeneral(REG.R11) & SYSRET_FLAGS) | 2n;
  // AMD's processors take the stack selector as it is (APM 3, SYSRET).
  state.setSegment(SS, cpu.profile.vendor === 'amd' ? star + 8 : (star + 8) | 3);
  setLevel(cpu, (star + 16) | 3);
  state.rip = target;
  return undefined;
};

const interrupt: SystemInstruction = (cpu, instruction): CpuExit => {
  const vector = Number(instruction.immediate(0)) & 0xff;
  checkInterruptGate(cpu, vector);
  return { kind: 'exception', vector, software: true };
};

/** sysenter and sysexit do not exist in AMD's long mode. */
function intelOnly(cpu: SystemContext): void {
  if (cpu.profile.vendor === 'amd') throw new SystemFault(VECTOR.UD);
}

const sysenter: SystemInstruction = (cpu) => {
  intelOnly(cpu);
  const { state, msrs } = cpu;
  const [selector, top, target] = [MSR.SYSENTER_CS, MSR.SYSENTER_ESP, MSR.SYSENTER_EIP].map((number) => msrs.get(number));
  if (selector === undefined || top === undefined || target === undefined) throw new NotModelled('sysenter: its registers (0x174 to 0x176) are not on the list of model-specific registers');
  const segment = Number(selector & 0xfffcn);
  if (segment === 0) throw new SystemFault(VECTOR.GP, 0);
  state.rflags &= ~BigInt(FLAG.IF | FLAG.RF);
  setLevel(cpu, segment);
  state.setSegment(SS, segment + 8);
  state.setGeneral(REG.RSP, top);
  state.rip = target;
  return undefined;
};

const sysexit: SystemInstruction = (cpu, instruction) => {
  intelOnly(cpu);
  const { state, msrs } = cpu;
  const selector = Number((msrs.get(MSR.SYSENTER_CS) ?? 0n) & 0xfffcn);
  if (state.privilege !== 0 || selector === 0) throw new SystemFault(VECTOR.GP, 0);
  if (instruction.mnemonic === Mnemonic.Sysexit) throw new NotModelled('32-bit code');
  const [top, target] = [state.getGeneral(REG.RCX), state.getGeneral(REG.RDX)];
  if (!isCanonical(cpu, top) || !isCanonical(cpu, target)) throw new SystemFault(VECTOR.GP, 0);
  state.setSegment(SS, (selector + 40) | 3);
  setLevel(cpu, (selector + 32) | 3);
  state.setGeneral(REG.RSP, top);
  state.rip = target;
  return undefined;
};

export const transferInstructions: Record<string, SystemInstruction> = {
  retf: farReturn, iret: interruptReturn, iretd: interruptReturn, iretq: interruptReturn,
  syscall, sysret, sysretq: sysret, sysenter, sysexit, sysexitq: sysexit, int: interrupt,
  int1: () => ({ kind: 'exception', vector: VECTOR.DB, software: true }),
};
