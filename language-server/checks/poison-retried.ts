/**
 * A landing pad of a machine check that reads the same bytes again: the same poison, a second machine check, and on some CPUs the last.
 */
import type { Analysis, EntrySite, InstructionSite } from '../analysis/analysis.ts';
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { canMachineCheck } from '../analysis/describe.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import { landingState } from '../analysis/flow/faults.ts';
import { fileFlow, isStack } from '../analysis/flow/routine-flow.ts';
import type { FileFlow } from '../analysis/flow/routine-flow.ts';
import { entryState } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { addressOf } from '../analysis/flow/transfer.ts';
import { distance, symbol } from '../analysis/flow/value.ts';
import type { Value } from '../analysis/flow/value.ts';
import type { Check, Finding } from './check.ts';

export const poisonRetried: Check = {
  codes: ['poison-retried'],
  severity: 'warning',
  run(analysis) {
    const file = fileFlow(analysis);
    return analysis.instructions.flatMap((site) => site.entries.flatMap((entry) => check(site, entry, file, analysis)));
  },
};

/** Only of the type that does not tell the landing pad which vector it was: with the others it can take another way. */
function check(site: InstructionSite, entry: EntrySite, file: FileFlow, analysis: Analysis): readonly Finding[] {
  if (entry.type !== EX_TYPE.DEFAULT_MCE_SAFE || entry.fixup === undefined || entry.isDescriptor || !canMachineCheck(site.instruction) || !file.code.isCode(entry.fixup.section)) return [];
  const start = entryState();
  const landing = landingState(start, site.instruction, entry, nodeKey(site));
  const address = faultAddress(site, start);
  if (address === undefined) return [];
  for (const node of file.code.enter(entry.fixup)) {
    for (const known of file.from(node, landing).places) {
      const instruction = file.code.step(known.node)?.instruction;
      const again = instruction?.accesses.some((access) => access.kind !== 'write' && !isStack(access, known.state) && distance(addressOf(known.state, access), address) === 0n);
      const range = again === true ? analysis.instructionAt(known.node)?.statement.range : undefined;
      if (range === undefined) continue;
      return [{
        code: 'poison-retried', range: entry.range,
        message: `after a machine check at ${entry.insnName} the landing pad leads to line ${String(writtenPosition(range.start).line)}, which reads the same address: it meets the same poison again`,
        related: [{ message: 'reads it first', range: site.statement.range }, { message: 'reads it again', range }],
      }];
    }
  }
  return [];
}

/** The address that is read when the fault happens; for repeated strings, of the element it stopped at. */
function faultAddress({ instruction, ...site }: InstructionSite, state: State): Value | undefined {
  const access = instruction.accesses.find(({ kind, implicit }) => kind !== 'write' && !implicit);
  if (access === undefined || access.base === 'rip' || access.base === 'rsp') return undefined;
  return instruction.repeat === 'none' ? addressOf(state, access) : symbol(`${access.base ?? ''}@fault ${nodeKey(site)}`);
}
