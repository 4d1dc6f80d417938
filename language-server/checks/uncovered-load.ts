/**
 * A load without an entry in a routine that survives machine checks elsewhere: poison there is a panic.
 */
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import type { CodeSite } from '../analysis/flow/code.ts';
import type { RoutineCheck } from './check.ts';
import { at, routineName, say, textOf } from './marks.ts';

const MCE_SAFE: readonly number[] = [EX_TYPE.DEFAULT_MCE_SAFE, EX_TYPE.FAULT_MCE_SAFE];

export const uncoveredLoad: RoutineCheck = {
  codes: ['uncovered-load'],
  severity: 'warning',
  inRoutine({ code }) {
    const sites = code.subject.routine === undefined ? [] : code.ownSites();
    const first = sites.find(({ entries }) => entries.some(({ type }) => MCE_SAFE.includes(type)));
    if (first === undefined) return [];
    return sites.filter((site) => site.entries.length === 0 && loadsData(site)).map(({ node }) => ({
      code: 'uncovered-load', at: at(node),
      message: say`\`${textOf(node)}\` reads memory and has no exception-table entry, unlike other loads of ${routineName}: poison here is a panic`,
      related: [{ message: 'a load with an entry', at: at(first.node) }],
    }));
  },
};

/** Reads memory that is neither the stack nor part of the program: both are the kernel's own. */
function loadsData({ instruction }: CodeSite): boolean {
  return canMachineCheck(instruction) && instruction.accesses.some((access) =>
    access.kind !== 'write' && !access.implicit && access.base !== undefined && access.base !== 'rsp' && access.base !== 'rip' && access.segment !== 'gs' && access.segment !== 'fs');
}
