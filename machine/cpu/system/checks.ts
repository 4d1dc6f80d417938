/** Checks that instructions of several groups make. */
import { VECTOR } from '../cpu.ts';
import { SystemFault } from './context.ts';
import type { SystemContext } from './context.ts';

/** #GP(0) outside ring 0. */
export function supervisor(cpu: SystemContext): void {
  if (cpu.state.privilege !== 0) throw new SystemFault(VECTOR.GP, 0);
}

/** Whether the upper bits of `address` are copies of the highest address bit that is translated. */
export function isCanonical(cpu: SystemContext, address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(cpu.state.accessMode.addressBits, address)) === address;
}

/** CR4.UMIP: what tells ring 3 where the kernel's tables are is for the kernel. */
const UMIP = 1n << 11n;

/** For sgdt, sidt, sldt, smsw and str. */
export function checkUserMode(cpu: SystemContext): void {
  if (cpu.state.privilege !== 0 && (cpu.state.getControl(4) & UMIP) !== 0n) throw new SystemFault(VECTOR.GP, 0);
}
