/**
 * At the delivery of an exception the user wants to see what the kernel will make of it, before anything is changed.
 */
import type { Machine } from '../../machine/machine.ts';

/**
 * Takes a pending delivery through the phases that only look: grading and searching. Registers and memory stay as they were at the fault;
 * the handler has not run.
 */
export function showPhases(machine: Machine): void {
  const last = () => machine.delivery?.phases.at(-1);
  if (last()?.phase !== 'raised') return;
  machine.advance();
  const graded = last();
  if (graded?.phase === 'graded' && graded.grade.severity === 'AR') machine.advance();
}
