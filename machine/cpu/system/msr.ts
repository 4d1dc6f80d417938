/** Model-specific registers: only those on the CPU's list exist. */
import { VECTOR } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';

/** The register that ecx names; #GP(0) for ring 3 and for one that is not on the list. */
function selected({ state, msrs }: SystemContext): number {
  const number = Number(state.getGeneral(REG.RCX) & 0xffff_ffffn);
  if (state.privilege !== 0 || !msrs.has(number)) throw new SystemFault(VECTOR.GP, 0);
  return number;
}

export const msrInstructions: Record<string, SystemInstruction> = {
  rdmsr: (cpu) => {
    const value = cpu.msrs.get(selected(cpu))!;
    cpu.state.setGeneral(REG.RAX, value & 0xffff_ffffn);
    cpu.state.setGeneral(REG.RDX, value >> 32n);
    return undefined;
  },
  wrmsr: (cpu) => {
    const number = selected(cpu);
    cpu.msrs.set(number, ((cpu.state.getGeneral(REG.RDX) & 0xffff_ffffn) << 32n) | (cpu.state.getGeneral(REG.RAX) & 0xffff_ffffn));
    return undefined;
  },
};
