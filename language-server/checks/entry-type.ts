/**
 * Handler types that do not go with the access: machine-check-safe where no machine check can be, and not where one can.
 */
import type { Analysis, InstructionSite, Routine } from '../analysis/analysis.ts';
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import type { Check, Finding } from './check.ts';

const MCE_SAFE: readonly number[] = [EX_TYPE.DEFAULT_MCE_SAFE, EX_TYPE.FAULT_MCE_SAFE];
/** Types under which a machine check is a panic, whatever the address. */
const NOT_SAFE: readonly number[] = [EX_TYPE.DEFAULT, EX_TYPE.FAULT];

export const entryType: Check = {
  codes: ['store-marked-mce-safe', 'load-not-mce-safe'],
  severity: 'warning',
  run(analysis) {
    return analysis.instructions.flatMap((site) => site.entries.flatMap((entry): readonly Finding[] => {
      const related = [{ message: 'the instruction', range: site.statement.range }];
      const { text } = site.instruction;
      if (site.afterGap || !['data', 'type'].includes(entry.layout)) return [];
      if (MCE_SAFE.includes(entry.type) && site.instruction.accesses.length > 0 && !canMachineCheck(site.instruction)) {
        return [{ code: 'store-marked-mce-safe', message: `\`${text}\` only writes memory and never raises a machine check: ${entryTypeText(entry)} promises what cannot happen`, range: entry.range, related }];
      }
      if (!NOT_SAFE.includes(entry.type) || !readsData(site) || site.routine === undefined || site.entries.some(({ type }) => MCE_SAFE.includes(type))) return [];
      const other = safeLoad(analysis, site.routine);
      if (other === undefined) return [];
      return [{
        code: 'load-not-mce-safe', message: `\`${text}\` reads memory and its entry is ${entryTypeText(entry)}: a machine check here is a panic, unlike at other loads of ${site.routine.name}`, range: entry.range,
        related: [...related, { message: 'a load that is safe', range: other.statement.range }],
      }];
    }));
  },
};

function readsData({ instruction }: InstructionSite): boolean {
  return instruction.accesses.some(({ kind, implicit }) => kind !== 'write' && !implicit);
}

function safeLoad(analysis: Analysis, routine: Routine): InstructionSite | undefined {
  return analysis.instructions.find((site) => site.routine === routine && site.entries.some(({ type }) => MCE_SAFE.includes(type)) && canMachineCheck(site.instruction));
}
