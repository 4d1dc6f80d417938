/**
 * Handler types that do not go with the access: machine-check-safe where no machine check can be, and not where one can.
 */
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import type { CodeSite } from '../analysis/flow/code.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, ofEntry, routineName, say, textOf } from './marks.ts';

const MCE_SAFE: readonly number[] = [EX_TYPE.DEFAULT_MCE_SAFE, EX_TYPE.FAULT_MCE_SAFE];
/** Types under which a machine check is a panic, whatever the address. */
const NOT_SAFE: readonly number[] = [EX_TYPE.DEFAULT, EX_TYPE.FAULT];

export const entryType: RoutineCheck = {
  codes: ['store-marked-mce-safe', 'load-not-mce-safe'],
  severity: 'warning',
  inRoutine({ code }) {
    const covered = code.ownSites().filter(({ entries }) => entries.length > 0);
    const safe = code.subject.routine === undefined ? undefined : covered.find((site) => isSafe(site) && canMachineCheck(site.instruction));
    return covered.flatMap((site) => site.entries.flatMap((entry): readonly RoutineFinding[] => {
      const { node, instruction } = site;
      const related = [{ message: 'the instruction', at: at(node) }];
      if (site.afterGap || !['data', 'type'].includes(entry.layout)) return [];
      if (MCE_SAFE.includes(entry.type) && instruction.accesses.length > 0 && !canMachineCheck(instruction)) {
        return [{ code: 'store-marked-mce-safe', message: say`\`${textOf(node)}\` only writes memory and never raises a machine check: ${entryTypeText(entry)} promises what cannot happen`, at: ofEntry(entry), related }];
      }
      if (!NOT_SAFE.includes(entry.type) || !readsData(site) || isSafe(site) || safe === undefined) return [];
      return [{
        code: 'load-not-mce-safe', message: say`\`${textOf(node)}\` reads memory and its entry is ${entryTypeText(entry)}: a machine check here is a panic, unlike at other loads of ${routineName}`, at: ofEntry(entry),
        related: [...related, { message: 'a load that is safe', at: at(safe.node) }],
      }];
    }));
  },
};

function isSafe({ entries }: CodeSite): boolean {
  return entries.some(({ type }) => MCE_SAFE.includes(type));
}

function readsData({ instruction }: CodeSite): boolean {
  return instruction.accesses.some(({ kind, implicit }) => kind !== 'write' && !implicit);
}
