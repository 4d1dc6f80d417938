/** Where in the run of a case its promise broke, as a debugger finds the place again. */
import { symbolText } from './coverage.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import type { Reference } from './reference.ts';
import type { SweepCase } from './space.ts';

/** Past so many executions they are not told apart: a loop without end is stopped in at its first round. */
const MOST_EXECUTIONS = 10_000;
/** Instructions of one call of the machine. */
const SLICE = 1 << 16;

/**
 * The last exception that the instruction at `at` raised, if it raised one, else its last execution; undefined if the case never gets there.
 * Runs the case.
 */
export function stopAt(reference: Reference, one: SweepCase, at: bigint, why: string): LaunchConfig['stopAt'] {
  const machine = reference.machine(one);
  let executions = at === machine.scenario.entry.address ? 1 : 0;
  machine.setBreakpoints([at]);
  while (machine.ended === undefined && executions <= MOST_EXECUTIONS) {
    const stop = machine.run({ limit: SLICE, stopOnFixup: true });
    // A run that starts on a breakpoint does not stop there, so a slice that ends on it counts.
    if (stop.reason === 'breakpoint' || (stop.reason === 'limit' && machine.registers.rip === at) || (stop.reason === 'fixup' && stop.fixup.to === at)) executions++;
  }
  machine.setBreakpoints([]);
  const exception = machine.deliveries.findLast(({ exception: { ip } }) => ip === at)?.sequence;
  if (exception !== undefined) return { exception, why };
  if (executions === 0) return undefined;
  return { at: symbolText(reference.target.image, at), execution: executions > MOST_EXECUTIONS ? 1 : executions, why };
}
