/**
 * An entry on an instruction that cannot fault, or only on the kernel's own stack. Usually its label stands one instruction too early or
 * too late: the instruction that does fault then has no entry, and the fault is an oops.
 */
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { patchedPlaces } from '../../assembly/extable/alternatives.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Check, Finding } from './check.ts';

export const entryCannotFault: Check = {
  codes: ['entry-cannot-fault', 'entry-off-by-one'],
  severity: 'warning',
  run(analysis) {
    const patched = patchedPlaces(analysis.object);
    return analysis.entries.flatMap((entry): readonly Finding[] => {
      const site = entry.insn === undefined ? undefined : analysis.instructionAt(entry.insn);
      if (site === undefined || site.afterGap || patched(BigInt(site.offset), analysis.object.sections[site.section]?.name)) return [];
      const { instruction } = site;
      const cannot = instruction.faults.length === 0;
      if (!cannot && !touchesOnlyStack(site)) return [];
      // A prefetch is written where loads are, and its entry does no harm.
      if (instruction.mnemonic.startsWith('prefetch')) return [];
      const meant = nearestUncovered(site, analysis);
      if (!cannot && meant === undefined) return [];
      const hint = meant === undefined ? '' : `; \`${meant.instruction.text}\` in line ${String(writtenPosition(meant.statement.range.start).line)} can, and has no entry`;
      return [{
        code: cannot ? 'entry-cannot-fault' : 'entry-off-by-one',
        message: `${entry.insnName} is \`${instruction.text}\`, which ${cannot ? 'cannot fault' : 'touches the stack alone and does not fault'}${hint}`,
        range: entry.range,
        related: [{ message: 'the instruction', range: site.statement.range }, ...(meant === undefined ? [] : [{ message: 'meant is probably this one', range: meant.statement.range }])],
      }];
    });
  },
};

/** `ret`, `push`, `call` and the like, none of which takes another fault than those of their stack access. */
function touchesOnlyStack({ instruction }: InstructionSite): boolean {
  return /^(ret|push|pushfq?|call|leave)$/.test(instruction.mnemonic) && instruction.accesses.length > 0 && instruction.accesses.every((access) => access.implicit);
}

/** How far from its label the instruction that was meant is looked for. */
const NEAR = 4;

/** The nearest instruction behind, or else in front, that accesses memory and has no entry. */
export function nearestUncovered(site: InstructionSite, analysis: Analysis): InstructionSite | undefined {
  const index = analysis.instructions.indexOf(site);
  const around = [...analysis.instructions.slice(index + 1, index + 1 + NEAR), ...analysis.instructions.slice(Math.max(0, index - 2), index).reverse()];
  return around.find((other) => other.section === site.section && other.routine === site.routine && other.entries.length === 0 && isData(other));
}

function isData({ instruction }: InstructionSite): boolean {
  return instruction.accesses.some((access) => !access.implicit && access.base !== 'rsp' && access.base !== 'rip');
}
