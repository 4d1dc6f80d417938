/** Control and debug registers, and the instructions that change translations or caches as a whole. */
import { OpKind, RegisterExt } from 'iced-x86';
import { VECTOR } from '../cpu.ts';
import type { CpuProfile } from '../cpu.ts';
import { checkUserMode, isCanonical, supervisor } from './checks.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { loadInteger, readOperand, writeRegister } from './operands.ts';

const CR0 = { PE: 1n, TS: 8n, ET: 16n, NW: 1n << 29n, CD: 1n << 30n, PG: 1n << 31n } as const;
/** PE MP EM TS ET NE WP AM NW CD PG: the others read as zero, whatever is written (SDM 3A 2.5). */
const CR0_BITS = 0xe005_003fn;
const CR4 = { TSD: 1n << 2n, DE: 1n << 3n, PAE: 1n << 5n, LA57: 1n << 12n, PCIDE: 1n << 17n } as const;
/** VME to OSXMMEXCPT, UMIP, FSGSBASE, OSXSAVE: what every processor of the profiles has. */
const CR4_BITS = 0x5_0fffn;
/** Bits that come with a feature. */
const CR4_FEATURES: readonly (readonly [feature: string, bit: bigint])[] = [['la57', CR4.LA57], ['pcid', CR4.PCIDE], ['smep', 1n << 20n], ['smap', 1n << 21n], ['pku', 1n << 22n]];
const CR3_NO_FLUSH = 1n << 63n;
const PCID = 0xfffn;
/** Bit 16 is zero only inside transactions, bit 11 only after a bus lock was caught: neither is modelled. */
const DR6 = { FIXED: 0xffff_0ff0n, WRITABLE: 0xe00fn, GENERAL_DETECT: 1n << 13n } as const;
const DR7 = { FIXED: 0x400n, WRITABLE: 0xffff_2bffn, GENERAL_DETECT: 1n << 13n } as const;

function gp(): never {
  throw new SystemFault(VECTOR.GP, 0);
}

function cr4Bits({ features }: CpuProfile): bigint {
  return CR4_FEATURES.reduce((bits, [feature, bit]) => (features.includes(feature) ? bits | bit : bits), CR4_BITS);
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
      // With process-context identifiers the top bit says "do not flush", without it is reserved.
      if ((value & ~((cpu.state.getControl(4) & CR4.PCIDE) !== 0n ? CR3_NO_FLUSH : 0n)) >> 52n !== 0n) gp();
      return;
    case 4: {
      const old = cpu.state.getControl(4);
      if ((value & ~cr4Bits(cpu.profile)) !== 0n || (value & CR4.PAE) === 0n) gp();
      // LA57 cannot change in long mode; identifiers begin with that of CR3 zero.
      if (((value ^ old) & CR4.LA57) !== 0n) gp();
      if ((value & ~old & CR4.PCIDE) !== 0n && (cpu.state.getControl(3) & PCID) !== 0n) gp();
      return;
    }
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
  cpu.state.setControl(register, kept(register, value));
  return undefined;
};

/** What a control register holds after a write. */
function kept(register: number, value: bigint): bigint {
  if (register === 0) return (value & CR0_BITS) | CR0.ET;
  return register === 3 ? value & ~CR3_NO_FLUSH : value;
}

/** Debug registers keep their values; the breakpoints in them do not act. dr4 and dr5 are dr6 and dr7 unless CR4.DE. */
export const moveDebug: SystemInstruction = (cpu, instruction) => {
  const writes = RegisterExt.isDR(instruction.op0Register);
  let register = RegisterExt.number(writes ? instruction.op0Register : instruction.op1Register);
  if (register === 4 || register === 5) {
    if ((cpu.state.getControl(4) & CR4.DE) !== 0n) throw new SystemFault(VECTOR.UD);
    register += 2;
  }
  if (register > 7) throw new SystemFault(VECTOR.UD);
  supervisor(cpu);
  // A debugger guards the registers: the access is told in DR6, and the guard is lifted for the handler (SDM 3A 17.2.4).
  if ((cpu.state.getDebug(7) & DR7.GENERAL_DETECT) !== 0n) {
    cpu.state.setDebug(7, cpu.state.getDebug(7) & ~DR7.GENERAL_DETECT);
    cpu.state.setDebug(6, cpu.state.getDebug(6) | DR6.GENERAL_DETECT);
    throw new SystemFault(VECTOR.DB);
  }
  if (!writes) {
    writeRegister(cpu.state, instruction.op0Register, cpu.state.getDebug(register));
    return undefined;
  }
  const value = readOperand(cpu, instruction, 1);
  if (register >= 6 && value >> 32n !== 0n) gp();
  cpu.state.setDebug(register, register === 6 ? (value & DR6.WRITABLE) | DR6.FIXED : register === 7 ? (value & DR7.WRITABLE) | DR7.FIXED : value);
  return undefined;
};

const clts: SystemInstruction = (cpu) => {
  supervisor(cpu);
  cpu.state.setControl(0, cpu.state.getControl(0) & ~CR0.TS);
  return undefined;
};

const smsw: SystemInstruction = (cpu, instruction) => {
  checkUserMode(cpu);
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
  const identifier = descriptor & PCID;
  if (type > 3n || (descriptor & 0xffff_ffff_ffff_f000n) !== 0n || (type === 0n && !isCanonical(cpu, descriptor >> 64n))) gp();
  if (type <= 1n && identifier !== 0n && (cpu.state.getControl(4) & CR4.PCIDE) === 0n) gp();
  return undefined;
};

/** Whether rdtsc and rdtscp are for ring 0 only. */
export function checkTimeStamp(cpu: SystemContext): void {
  if (cpu.state.privilege !== 0 && (cpu.state.getControl(4) & CR4.TSD) !== 0n) gp();
}

export const controlInstructions: Record<string, SystemInstruction> = {
  clts, smsw, lmsw, invlpg: flush, invd: flush, wbinvd: flush, wbnoinvd: flush, invpcid,
};
