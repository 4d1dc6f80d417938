/**
 * A landing pad of a machine check that reads the same bytes again: the same poison, a second machine check, and on some CPUs the last.
 */
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import type { CodeSite, Entry } from '../analysis/flow/code.ts';
import { landingState } from '../analysis/flow/faults.ts';
import { isStack } from '../analysis/flow/routine-flow.ts';
import type { RoutineFlow } from '../analysis/flow/routine-flow.ts';
import { entryState } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { addressOf } from '../analysis/flow/transfer.ts';
import { distance, symbol } from '../analysis/flow/value.ts';
import type { Value } from '../analysis/flow/value.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, lineOf, ofEntry, say, siteName } from './marks.ts';

export const poisonRetried: RoutineCheck = {
  codes: ['poison-retried'],
  severity: 'warning',
  inRoutine: (routine) => routine.code.ownSites().flatMap((site) => site.entries.flatMap((entry) => check(site, entry, routine))),
};

/** Only of the type that does not tell the landing pad which vector it was: with the others it can take another way. */
function check(site: CodeSite, entry: Entry, routine: RoutineFlow): readonly RoutineFinding[] {
  if (entry.type !== EX_TYPE.DEFAULT_MCE_SAFE || !canMachineCheck(site.instruction)) return [];
  const { code } = routine;
  const start = entryState();
  const landing = landingState(start, site.instruction, entry, nodeKey(site.node));
  const address = faultAddress(site, start);
  if (address === undefined) return [];
  for (const node of entry.landings) {
    for (const known of routine.from(node, landing)?.places ?? []) {
      const instruction = code.step(known.node)?.instruction;
      const again = instruction?.accesses.some((access) => access.kind !== 'write' && !isStack(access, known.state) && distance(addressOf(known.state, access), address) === 0n);
      if (again !== true || code.site(known.node) === undefined) continue;
      return [{
        code: 'poison-retried', at: ofEntry(entry),
        message: say`after a machine check at ${siteName(entry)} the landing pad leads to line ${lineOf(known.node)}, which reads the same address: it meets the same poison again`,
        related: [{ message: 'reads it first', at: at(site.node) }, { message: 'reads it again', at: at(known.node) }],
      }];
    }
  }
  return [];
}

/** The address that is read when the fault happens; for repeated strings, of the element it stopped at. */
function faultAddress({ instruction, node }: CodeSite, state: State): Value | undefined {
  const access = instruction.accesses.find(({ kind, implicit }) => kind !== 'write' && !implicit);
  if (access === undefined || access.base === 'rip' || access.base === 'rsp') return undefined;
  return instruction.repeat === 'none' ? addressOf(state, access) : symbol(`${access.base ?? ''}@fault ${nodeKey(node)}`);
}
