/**
 * A length that the contract has in a 64-bit register, of which the routine only ever looks at a part.
 */
import type { Operand } from '../../assembly/gas/statement.ts';
import type { InstructionSite } from '../analysis/analysis.ts';
import { contractsOf } from '../analysis/contracts.ts';
import { fullRegister } from '../registers.ts';
import type { FileCheck } from './check.ts';

export const narrowLength: FileCheck = {
  codes: ['narrow-length'],
  severity: 'warning',
  run(analysis) {
    return analysis.routines.flatMap((routine) => {
      const register = contractsOf(analysis).of(routine)?.registers.get('n');
      if (register === undefined) return [];
      const sites = analysis.instructions.filter((site) => site.routine === routine);
      const first = sites.find((site) => site.instruction.registersRead.includes(register));
      if (first === undefined || !sites.every((site) => usesPart(site, register))) return [];
      return [{
        code: 'narrow-length',
        message: `only the lower part of %${register} is ever used, but the length is 64 bits wide: lengths of 4 GiB and more come out as less`,
        range: first.statement.range,
      }];
    });
  },
};

/** True if the instruction has nothing to do with the whole register. */
function usesPart({ statement, instruction }: InstructionSite, register: string): boolean {
  const widths = statement.operands.flatMap(registersOf).flatMap((name) => fullRegister(name) ?? []).filter(({ full }) => full === register).map(({ bits }) => bits);
  if (widths.length > 0) return widths.every((bits) => bits < 64) && instruction.repeat === 'none';
  return !instruction.registersRead.includes(register) && instruction.flow !== 'call' && instruction.flow !== 'indirect-call';
}

function registersOf(operand: Operand): readonly string[] {
  switch (operand.kind) {
    case 'register': return [operand.name];
    case 'memory': return [operand.base, operand.index].filter((name) => name !== undefined);
    case 'indirect': return registersOf(operand.target);
    case 'immediate': case 'rounding': return [];
  }
}
