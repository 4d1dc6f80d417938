/**
 * Two entries for the same instruction: the kernel's binary search finds either.
 */
import { placeKey } from '../analysis/analysis.ts';
import type { EntrySite } from '../analysis/analysis.ts';
import { pushTo } from '../analysis/multimap.ts';
import type { FileCheck } from './check.ts';

export const duplicateEntry: FileCheck = {
  codes: ['duplicate-entry'],
  severity: 'error',
  run(analysis) {
    const byPlace = new Map<string, EntrySite[]>();
    for (const entry of analysis.entries) if (entry.insn !== undefined && analysis.instructionAt(entry.insn)?.afterGap !== true) pushTo(byPlace, `${entry.table} ${placeKey(entry.insn)}`, entry);
    return [...byPlace.values()].flatMap(([first, ...more]) => more.map((entry) => ({
      code: 'duplicate-entry',
      message: `${entry.insnName} already has an exception-table entry; which of the two the kernel's search finds is not defined`,
      range: entry.range,
      related: [{ message: 'the first entry', range: first!.range }],
    })));
  },
};
