/**
 * Model-specific registers. Those that are part of the architecture and of the processor's state here always exist; of the others only
 * those on the CPU's list do.
 */
import { VECTOR } from '../cpu.ts';
import type { CpuProfile } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import { isCanonical } from './checks.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';

export const MSR = {
  TSC: 0x10, SYSENTER_CS: 0x174, SYSENTER_ESP: 0x175, SYSENTER_EIP: 0x176, PAT: 0x277,
  EFER: 0xc000_0080, STAR: 0xc000_0081, LSTAR: 0xc000_0082, CSTAR: 0xc000_0083, FMASK: 0xc000_0084,
  FS_BASE: 0xc000_0100, GS_BASE: 0xc000_0101, KERNEL_GS_BASE: 0xc000_0102, TSC_AUX: 0xc000_0103,
} as const;

const SEGMENT_OF = new Map<number, number>([[MSR.FS_BASE, 4], [MSR.GS_BASE, 5]]);
/** Of AMD's processors, which have no sysenter in long mode, these take any address. */
const SYSENTER_ADDRESSES: ReadonlySet<number> = new Set([MSR.SYSENTER_ESP, MSR.SYSENTER_EIP]);
/** Hold addresses: wrmsr refuses one that is not canonical (SDM 2B, WRMSR). */
const ADDRESSES: ReadonlySet<number> = new Set([...SYSENTER_ADDRESSES, MSR.LSTAR, MSR.CSTAR, MSR.FS_BASE, MSR.GS_BASE, MSR.KERNEL_GS_BASE]);

/** SCE LME LMA NXE; AMD's besides: LMSLE is gone, FFXSR (14), TCE (15) and AutoIBRS (21) are not announced. */
const EFER_BITS = 0xd01n;
const EFER_LME = 0x100n, EFER_LMA = 0x400n;
/** Memory types that a byte of the PAT can name. */
const MEMORY_TYPES: ReadonlySet<bigint> = new Set([0n, 1n, 4n, 5n, 6n, 7n]);

/** What a write of `value` leaves in the register; undefined if it is refused. `old` is what it held. */
function written(cpu: SystemContext, number: number, value: bigint, old: bigint, vendor: CpuProfile['vendor']): bigint | undefined {
  if (ADDRESSES.has(number) && !(vendor === 'amd' && SYSENTER_ADDRESSES.has(number))) return isCanonical(cpu, value) ? value : undefined;
  switch (number) {
    case MSR.EFER:
      // LMA only says whether long mode is on; leaving it would need paging off.
      if ((value & ~EFER_BITS) !== 0n || ((value ^ old) & EFER_LME) !== 0n) return undefined;
      return (value & ~EFER_LMA) | (old & EFER_LMA);
    case MSR.PAT:
      for (let byte = 0n; byte < 64n; byte += 8n) if (!MEMORY_TYPES.has((value >> byte) & 0xffn)) return undefined;
      return value;
    case MSR.TSC_AUX:
      if (value >> 32n === 0n) return value;
      return vendor === 'amd' ? value & 0xffff_ffffn : undefined;
    case MSR.SYSENTER_CS:
      return value & 0xffff_ffffn;
    default:
      return value;
  }
}

/** The register that ecx names; #GP(0) for ring 3 and for one that does not exist. */
function selected({ state, msrs }: SystemContext): number {
  const number = Number(state.getGeneral(REG.RCX) & 0xffff_ffffn);
  if (state.privilege !== 0 || !(msrs.has(number) || SEGMENT_OF.has(number) || number === MSR.KERNEL_GS_BASE)) throw new SystemFault(VECTOR.GP, 0);
  return number;
}

function read(cpu: SystemContext, number: number): bigint {
  const segment = SEGMENT_OF.get(number);
  if (segment !== undefined) return cpu.state.getSegmentBase(segment);
  const value = cpu.msrs.get(number) ?? 0n;
  return number === MSR.TSC ? BigInt.asUintN(64, value + cpu.instructions) : value;
}

export const msrInstructions: Record<string, SystemInstruction> = {
  rdmsr: (cpu) => {
    const value = read(cpu, selected(cpu));
    cpu.state.setGeneral(REG.RAX, value & 0xffff_ffffn);
    cpu.state.setGeneral(REG.RDX, value >> 32n);
    return undefined;
  },
  wrmsr: (cpu) => {
    const number = selected(cpu);
    const given = ((cpu.state.getGeneral(REG.RDX) & 0xffff_ffffn) << 32n) | (cpu.state.getGeneral(REG.RAX) & 0xffff_ffffn);
    const value = written(cpu, number, given, read(cpu, number), cpu.profile.vendor);
    if (value === undefined) throw new SystemFault(VECTOR.GP, 0);
    const segment = SEGMENT_OF.get(number);
    if (segment !== undefined) cpu.state.setSegmentBase(segment, value);
    // The time stamp counts on from what was written: this instruction is the first to count.
    else cpu.msrs.set(number, number === MSR.TSC ? BigInt.asUintN(64, value - cpu.instructions) : value);
    return undefined;
  },
};
