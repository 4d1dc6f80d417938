/** Control and debug registers, and the instructions that change translations or caches as a whole. */
import { OpKind, RegisterExt } from 'iced-x86';
import { VECTOR } from '../cpu.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { loadInteger, readOperand, writeRegister } from './operands.ts';
import { isCanonical, supervisor } from './segments.ts';

const CR0 = { PE: 1n, TS: 8n, WP: 1n << 16n, NW: 1n << 29n, CD: 1n << 30n, PG: 1n << 31n } as const;
/** Bits of CR4 that exist in the processors we have profiles of (SDM 3A 2.5). */
const CR4_BITS = 0x1ff_7fffn;
const CR4_PAE = 1n << 5n;
const CR4_DE = 8n;
const TSD = 4n;

function gp(): never {
  throw new SystemFault(VECTOR.GP, 0);
}

/** What a mov to a control register refuses. */
function checkControl(cpu: SystemContext, register: number, value: bigint): void {
  switch (register) {
    case 0: {
      const bad = value >> 32n !== 0n || ((value & CR0.PG) !== 0n && (value & CR0.PE) === 0n) || ((value & CR0.NW) !== 0n && (value & CR0.CD) === 0n)
        // Leaving paging in long mode.
        || (value & CR0.PG) === 0n;
      if (bad) gp();
      return;
    }
    case 3:
      if ((value & ~(1n << 63n)) >> 52n !== 0n) gp();
      return;
    case 4:
      if ((value & ~CR4_BITS) !== 0n || (value & CR4_PAE) === 0n) gp();
      // LA57 cannot change in long mode.
      if (((value ^ cpu.state.getControl(4)) >> 12n) & 1n) gp();
      return;
    case 8:
      if (value >> 4n !== 0n) gp();
      return;
    default:
  }
}

const CONTROL = new Set([0, 2, 3, 4, 8]);

/** mov to and from cr0, 2, 3, 4, 8. */
export const moveControl: SystemInstruction = (cpu, instruction) => {
  const writes = RegisterExt.isCR(instruction.op0Register);
  const register = RegisterExt.number(writes ? instruction.op0Register : instruction.op1Register);
  if (!CONTROL.has(register)) throw new SystemFault(VECTOR.UD);
  supervisor(cpu);
  if (!writes) {
    writeRegister(cpu.state, instruction.op0Register, cpu.state.getControl(register));
    return undefined;
  }
  const value = readOperand(cpu, instruction, 1);
  checkControl(cpu, register, value);
  cpu.state.setControl(register, register === 3 ? value & ~(1n << 63n) : value);
  return undefined;
};

/** Debug registers keep their values; the breakpoints in them do not act. dr4 and dr5 are dr6 and dr7 unless CR4.DE. */
export const moveDebug: SystemInstruction = (cpu, instruction) => {
  const writes = RegisterExt.isDR(instruction.op0Register);
  let register = RegisterExt.number(writes ? instruction.op0Register : instruction.op1Register);
  if (register === 4 || register === 5) {
    if ((cpu.state.getControl(4) & CR4_DE) !== 0n) throw new SystemFault(VECTOR.UD);
    register += 2;
  }
  if (register > 7) throw new SystemFault(VECTOR.UD);
  supervisor(cpu);
  if (!writes) {
    writeRegister(cpu.state, instruction.op0Register, cpu.state.getDebug(register));
    return undefined;
  }
  const value = readOperand(cpu, instruction, 1);
  if (register >= 6 && value >> 32n !== 0n) gp();
  cpu.state.setDebug(register, value);
  return undefined;
};

const clts: SystemInstruction = (cpu) => {
  supervisor(cpu);
  cpu.state.setControl(0, cpu.state.getControl(0) & ~CR0.TS);
  return undefined;
};

const smsw: SystemInstruction = (cpu, instruction) => {
  const value = cpu.state.getControl(0);
  if (instruction.op0Kind === OpKind.Register) writeRegister(cpu.state, instruction.op0Register, value);
  else cpu.store(cpu.address(instruction), new Uint8Array([Number(value & 0xffn), Number((value >> 8n) & 0xffn)]));
  return undefined;
};

/** lmsw: the low four bits of CR0; PE cannot be cleared. */
const lmsw: SystemInstruction = (cpu, instruction) => {
  supervisor(cpu);
  const word = instruction.op0Kind === OpKind.Register ? readOperand(cpu, instruction, 0) : loadInteger(cpu, cpu.address(instruction), 2);
  const old = cpu.state.getControl(0);
  cpu.state.setControl(0, (old & ~0xen) | (word & 0xfn));
  return undefined;
};

/** Nothing is cached that these would have to drop: translations follow the page tables at once. */
const flush: SystemInstruction = (cpu) => {
  supervisor(cpu);
  return undefined;
};

const invpcid: SystemInstruction = (cpu, instruction) => {
  supervisor(cpu);
  const type = readOperand(cpu, instruction, 0);
  const descriptor = loadInteger(cpu, cpu.address(instruction), 16);
  if (type > 3n || (descriptor & 0xffff_ffff_ffff_f000n) !== 0n || (type === 0n && !isCanonical(cpu, descriptor >> 64n))) gp();
  return undefined;
};

/** Whether rdtsc and rdtscp are for ring 0 only. */
export function checkTimeStamp(cpu: SystemContext): void {
  if (cpu.state.privilege !== 0 && (cpu.state.getControl(4) & TSD) !== 0n) gp();
}

export const controlInstructions: Record<string, SystemInstruction> = {
  clts, smsw, lmsw, invlpg: flush, invd: flush, wbinvd: flush, wbnoinvd: flush, invpcid,
};
