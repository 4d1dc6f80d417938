/**
 * A load without an entry in a routine that survives machine checks elsewhere: poison there is a panic.
 */
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import type { Analysis, InstructionSite, Routine } from '../analysis/analysis.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import type { Check } from './check.ts';

const MCE_SAFE: readonly number[] = [EX_TYPE.DEFAULT_MCE_SAFE, EX_TYPE.FAULT_MCE_SAFE];

export const uncoveredLoad: Check = {
  codes: ['uncovered-load'],
  severity: 'warning',
  run(analysis) {
    const safe = new Set<Routine>();
    for (const site of analysis.instructions) {
      if (site.routine !== undefined && site.entries.some((entry) => MCE_SAFE.includes(entry.type))) safe.add(site.routine);
    }
    return analysis.instructions
      .filter((site) => site.routine !== undefined && safe.has(site.routine) && site.entries.length === 0 && loadsData(site))
      .map((site) => ({
        code: 'uncovered-load',
        message: `\`${site.instruction.text}\` reads memory and has no exception-table entry, unlike other loads of ${site.routine!.name}: poison here is a panic`,
        range: site.statement.range,
        related: firstCovered(site.routine!, analysis),
      }));
  },
};

/** Reads memory that is neither the stack nor part of the program: both are the kernel's own. */
function loadsData({ instruction }: InstructionSite): boolean {
  return canMachineCheck(instruction) && instruction.accesses.some((access) =>
    access.kind !== 'write' && !access.implicit && access.base !== undefined && access.base !== 'rsp' && access.base !== 'rip' && access.segment !== 'gs' && access.segment !== 'fs');
}

function firstCovered(routine: Routine, analysis: Analysis): readonly { readonly message: string; readonly range: InstructionSite['statement']['range'] }[] {
  const first = analysis.instructions.find((site) => site.routine === routine && site.entries.some((entry) => MCE_SAFE.includes(entry.type)));
  return first === undefined ? [] : [{ message: 'a load with an entry', range: first.statement.range }];
}
