/** What the processor says about itself and the time: cpuid, xgetbv, time stamp, random numbers. All of it follows from profile and counted time. */
import { cpuFeatureNumbers } from '../../../assembly/linux-compat/cpu-features.ts';
import { FLAG, VECTOR } from '../cpu.ts';
import type { CpuProfile } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import { supervisor } from './checks.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { checkTimeStamp } from './control-registers.ts';
import { MSR } from './msr.ts';
import { writeRegister } from './operands.ts';
import { componentsInUse } from './state-save.ts';

type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];

const VENDORS: Readonly<Record<CpuProfile['vendor'], string>> = { intel: 'GenuineIntel', amd: 'AuthenticAMD' };
/** Family, model, stepping as leaf 1 packs them: Skylake-X, Zen 5. */
const SIGNATURES: Readonly<Record<CpuProfile['vendor'], number>> = { intel: 0x5_0654, amd: 0xb0_0f20 };

/** The kernel's capability words that are CPUID registers (arch/x86/include/asm/cpufeature.h, enum cpuid_leafs). */
const WORDS = { EDX_1: 0, EDX_80000001: 1, ECX_1: 4, ECX_80000001: 6, EBX_7: 9, EAX_D_1: 10, EAX_7_1: 12, EBX_80000008: 13, ECX_7: 16, EBX_80000007: 17, EDX_7: 18 } as const;

/** What the emulator executes whatever the profile says: word, bits. */
const ALWAYS: readonly (readonly [number, readonly number[]])[] = [
  [WORDS.EDX_1, [0, 3, 4, 5, 6, 7, 8, 13, 14, 15, 19, 24, 25, 26]],
  [WORDS.EDX_80000001, [11, 20, 27, 29]],
  [WORDS.ECX_1, [1, 13, 22, 23, 25, 26, 30]],
  [WORDS.ECX_80000001, [0, 5, 8]],
  [WORDS.EBX_7, [0, 3, 8, 18, 19, 23, 24, 29]],
  [WORDS.ECX_7, [2, 8, 9, 10]],
  [WORDS.EAX_D_1, [0, 1, 2, 3]],
];

/** Capability words of a profile. */
export function featureWords(profile: CpuProfile): ReadonlyMap<number, number> {
  const words = new Map<number, number>();
  const add = (word: number, bit: number): void => { words.set(word, ((words.get(word) ?? 0) | (1 << bit)) >>> 0); };
  for (const [word, bits] of ALWAYS) for (const bit of bits) add(word, bit);
  const numbers = cpuFeatureNumbers('6.12');
  for (const name of profile.features) {
    const number = numbers.get(name);
    if (number !== undefined) add(Math.floor(number / 32), number % 32);
  }
  return words;
}

function text(value: string): readonly number[] {
  const words: number[] = [];
  for (let i = 0; i < value.length; i += 4) {
    words.push((value.charCodeAt(i) | (value.charCodeAt(i + 1) << 8) | (value.charCodeAt(i + 2) << 16) | (value.charCodeAt(i + 3) << 24)) >>> 0);
  }
  return words;
}

/** CR4.OSXSAVE shows in leaf 1. */
const OSXSAVE = 1n << 18n;
const XSAVE_SIZE = 832;

export function cpuid(cpu: SystemContext, leaf: number, subleaf: number): Registers {
  const { profile } = cpu;
  const words = featureWords(profile);
  const word = (number: number): number => words.get(number) ?? 0;
  const [a, b, c] = text(VENDORS[profile.vendor]) as [number, number, number];
  const signature = SIGNATURES[profile.vendor];
  const name = text(`mcsafe ${profile.name}`.padEnd(48, '\0').slice(0, 48));
  switch (leaf) {
    case 0: return [0xd, a, c, b];
    case 1: return [signature, 0x0001_0800, (word(WORDS.ECX_1) | ((cpu.state.getControl(4) & OSXSAVE) !== 0n ? 1 << 27 : 0)) >>> 0, word(WORDS.EDX_1)];
    case 7:
      if (subleaf === 0) return [1, word(WORDS.EBX_7), word(WORDS.ECX_7), word(WORDS.EDX_7)];
      return subleaf === 1 ? [word(WORDS.EAX_7_1), 0, 0, 0] : [0, 0, 0, 0];
    case 0xd:
      if (subleaf === 0) return [7, XSAVE_SIZE, XSAVE_SIZE, 0];
      if (subleaf === 1) return [word(WORDS.EAX_D_1), 0, 0, 0];
      return subleaf === 2 ? [256, 576, 0, 0] : [0, 0, 0, 0];
    case 0x8000_0000: return profile.vendor === 'amd' ? [0x8000_0008, a, c, b] : [0x8000_0008, 0, 0, 0];
    case 0x8000_0001: return [profile.vendor === 'amd' ? signature : 0, 0, word(WORDS.ECX_80000001), word(WORDS.EDX_80000001)];
    case 0x8000_0002: case 0x8000_0003: case 0x8000_0004: {
      const at = (leaf - 0x8000_0002) * 4;
      return [name[at]!, name[at + 1]!, name[at + 2]!, name[at + 3]!];
    }
    case 0x8000_0007: return [0, word(WORDS.EBX_80000007), 0, 1 << 8];
    case 0x8000_0008: return [profile.features.includes('la57') ? 0x3934 : 0x3034, word(WORDS.EBX_80000008), 0, 0];
    default: return [0, 0, 0, 0];
  }
}

function setPair(cpu: SystemContext, value: bigint): void {
  cpu.state.setGeneral(REG.RAX, value & 0xffff_ffffn);
  cpu.state.setGeneral(REG.RDX, BigInt.asUintN(32, value >> 32n));
}

const low32 = (cpu: SystemContext, register: number): number => Number(cpu.state.getGeneral(register) & 0xffff_ffffn);

/** Counted time, on top of what a wrmsr to the time-stamp counter may have put there. */
function timeStamp(cpu: SystemContext): bigint {
  return BigInt.asUintN(64, (cpu.msrs.get(MSR.TSC) ?? 0n) + cpu.instructions);
}

/** A number that is random enough and the same in every run: counted time, mixed (splitmix64). */
function mixed(cpu: SystemContext): bigint {
  let z = BigInt.asUintN(64, (cpu.instructions + 1n) * 0x9e37_79b9_7f4a_7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return z ^ (z >> 31n);
}

const random: SystemInstruction = (cpu, instruction) => {
  writeRegister(cpu.state, instruction.op0Register, mixed(cpu));
  cpu.state.setArithmeticFlags(FLAG.CF);
  return undefined;
};

function needsXsave(cpu: SystemContext): void {
  if ((cpu.state.getControl(4) & OSXSAVE) === 0n) throw new SystemFault(VECTOR.UD);
}

export const identityInstructions: Record<string, SystemInstruction> = {
  cpuid: (cpu) => {
    const [a, b, c, d] = cpuid(cpu, low32(cpu, REG.RAX), low32(cpu, REG.RCX));
    for (const [register, value] of [[REG.RAX, a], [REG.RBX, b], [REG.RCX, c], [REG.RDX, d]] as const) cpu.state.setGeneral(register, BigInt(value >>> 0));
    return undefined;
  },
  rdtsc: (cpu) => {
    checkTimeStamp(cpu);
    setPair(cpu, timeStamp(cpu));
    return undefined;
  },
  rdtscp: (cpu) => {
    checkTimeStamp(cpu);
    setPair(cpu, timeStamp(cpu));
    cpu.state.setGeneral(REG.RCX, (cpu.msrs.get(MSR.TSC_AUX) ?? 0n) & 0xffff_ffffn);
    return undefined;
  },
  rdpid: (cpu, instruction) => {
    writeRegister(cpu.state, instruction.op0Register, (cpu.msrs.get(MSR.TSC_AUX) ?? 0n) & 0xffff_ffffn);
    return undefined;
  },
  // No performance counters: every number is invalid, and CR4.PCE does not help.
  rdpmc: () => { throw new SystemFault(VECTOR.GP, 0); },
  xgetbv: (cpu) => {
    needsXsave(cpu);
    const number = low32(cpu, REG.RCX);
    if (number > 1) throw new SystemFault(VECTOR.GP, 0);
    // Number 1: of these components, those that are in use.
    setPair(cpu, number === 0 ? cpu.state.xcr0 : cpu.state.xcr0 & componentsInUse(cpu.state));
    return undefined;
  },
  xsetbv: (cpu) => {
    needsXsave(cpu);
    supervisor(cpu);
    const value = (BigInt(low32(cpu, REG.RDX)) << 32n) | BigInt(low32(cpu, REG.RAX));
    // x87 always, AVX only with SSE, nothing beyond.
    if (low32(cpu, REG.RCX) !== 0 || (value & 1n) === 0n || (value & ~7n) !== 0n || (value & 6n) === 4n) throw new SystemFault(VECTOR.GP, 0);
    cpu.state.xcr0 = value;
    return undefined;
  },
  rdrand: random, rdseed: random,
  // Protection keys are not modelled: CR4.PKE is clear.
  rdpkru: () => { throw new SystemFault(VECTOR.UD); },
  wrpkru: () => { throw new SystemFault(VECTOR.UD); },
};
