/**
 * The calls that a routine makes.
 */
import { isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { Analysis, InstructionSite, Routine } from '../analysis/analysis.ts';
import { RETURN_THUNK } from '../analysis/flow/code.ts';
import { visitOccurrences } from '../analysis/occurrences.ts';

export interface Call {
  readonly site: InstructionSite;
  /** Name of the routine that is called. */
  readonly callee: string;
  /** A jump: the callee returns to the routine's own caller. */
  readonly tail: boolean;
}

/** Calls, and jumps out of the routine, in order. A jump into the middle of another routine counts as one to it. */
export function callsOf(analysis: Analysis, routine: Routine): readonly Call[] {
  const found: Call[] = [];
  for (const site of analysis.instructions) {
    if (site.routine !== routine) continue;
    visitOccurrences({ statements: [site.statement] }, (name, _range, role) => {
      if (role !== 'call' && role !== 'jump' || isNumericLabel(name) || RETURN_THUNK.test(name)) return;
      const callee = calleeOf(analysis, name);
      if (callee === undefined || role === 'jump' && callee === routine.name) return;
      found.push({ site, callee, tail: role === 'jump' });
    });
  }
  return found;
}

/** The routine in which a label lies; the name itself if the file does not define it; undefined for a label that is no code of a routine. */
function calleeOf(analysis: Analysis, name: string): string | undefined {
  const label = analysis.labels.byName(name);
  if (label === undefined) return name.startsWith('.L') ? undefined : name;
  return analysis.routines.find((routine) => routine.name === name)?.name
    ?? analysis.routines.findLast((one) => one.section === label.section && one.start <= label.offset && label.offset < one.end)?.name;
}
