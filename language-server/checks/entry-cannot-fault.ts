/**
 * An entry on an instruction that cannot fault. Usually its label stands one instruction too early or too late: the instruction
 * that does fault then has no entry, and the fault is an oops.
 */
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Check } from './check.ts';

export const entryCannotFault: Check = {
  codes: ['entry-cannot-fault'],
  severity: 'warning',
  run(analysis) {
    return analysis.entries.flatMap((entry) => {
      const site = entry.insn === undefined ? undefined : analysis.instructionAt(entry.insn);
      if (site === undefined || site.instruction.faults.length > 0) return [];
      const next = nextUncovered(site, analysis);
      const hint = next === undefined ? '' : `; \`${next.instruction.text}\` in line ${String(writtenPosition(next.statement.range.start).line)} can, and has no entry`;
      return [{
        code: 'entry-cannot-fault',
        message: `${entry.insnName} is \`${site.instruction.text}\`, which cannot fault${hint}`,
        range: entry.range,
        related: [{ message: 'the instruction', range: site.statement.range }, ...(next === undefined ? [] : [{ message: 'meant is probably this one', range: next.statement.range }])],
      }];
    });
  },
};

/** How far from its label the instruction that was meant is looked for. */
const NEAR = 4;

/** The nearest instruction behind, or the one before, that accesses memory and has no entry. */
function nextUncovered(site: InstructionSite, analysis: Analysis): InstructionSite | undefined {
  const index = analysis.instructions.indexOf(site);
  return [...analysis.instructions.slice(index + 1, index + 1 + NEAR), ...analysis.instructions.slice(Math.max(0, index - 1), index)].find((other) =>
    other.section === site.section && other.entries.length === 0 && other.instruction.accesses.some((access) => !access.implicit));
}
