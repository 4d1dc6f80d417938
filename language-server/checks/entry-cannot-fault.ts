/**
 * An entry on an instruction that cannot fault, or only on the kernel's own stack. Usually its label stands one instruction too early or
 * too late: the instruction that does fault then has no entry, and the fault is an oops.
 */
import type { Instruction } from '../../assembly/x86/instruction.ts';
import type { CodeSite } from '../analysis/flow/code.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, lineOf, ofEntry, say, siteName, textOf } from './marks.ts';

export const entryCannotFault: RoutineCheck = {
  codes: ['entry-cannot-fault', 'entry-off-by-one'],
  severity: 'warning',
  inRoutine({ code }) {
    const sites = code.ownSites();
    return sites.flatMap((site, index): readonly RoutineFinding[] => {
      if (site.entries.length === 0 || site.afterGap || code.isPatched(site.node)) return [];
      const { instruction, node } = site;
      const cannot = instruction.faults.length === 0;
      if (!cannot && !touchesOnlyStack(site)) return [];
      // A prefetch is written where loads are, and its entry does no harm.
      if (instruction.mnemonic.startsWith('prefetch')) return [];
      const meant = nearestUncovered(sites, index);
      if (!cannot && meant === undefined) return [];
      const hint = meant === undefined ? '' : say`; \`${textOf(meant.node)}\` in line ${lineOf(meant.node)} can, and has no entry`;
      return site.entries.map((entry): RoutineFinding => ({
        code: cannot ? 'entry-cannot-fault' : 'entry-off-by-one',
        message: say`${siteName(entry)} is \`${textOf(node)}\`, which ${cannot ? 'cannot fault' : 'touches the stack alone and does not fault'}${hint}`,
        at: ofEntry(entry),
        related: [{ message: 'the instruction', at: at(node) }, ...(meant === undefined ? [] : [{ message: 'meant is probably this one', at: at(meant.node) }])],
      }));
    });
  },
};

/** `ret`, `push`, `call` and the like, none of which takes another fault than those of their stack access. */
function touchesOnlyStack({ instruction }: CodeSite): boolean {
  return /^(ret|push|pushfq?|call|leave)$/.test(instruction.mnemonic) && instruction.accesses.length > 0 && instruction.accesses.every((access) => access.implicit);
}

/** How far from its label the instruction that was meant is looked for. */
const NEAR = 4;

/** The nearest instruction of a routine behind number `index`, or else in front, that accesses memory and has no entry. */
export function nearestUncovered<T extends { readonly instruction: Instruction; readonly entries: readonly unknown[] }>(sites: readonly T[], index: number): T | undefined {
  const around = [...sites.slice(index + 1, index + 1 + NEAR), ...sites.slice(Math.max(0, index - 2), index).reverse()];
  return around.find(({ entries, instruction }) => entries.length === 0 && isData(instruction));
}

function isData({ accesses }: Instruction): boolean {
  return accesses.some((access) => !access.implicit && access.base !== 'rsp' && access.base !== 'rip');
}
