/**
 * Landing pads whose answer is wrong: the handler wrote over it, or it says that all was done.
 */
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { contractOf } from '../analysis/contracts.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import { landingState, VECTOR_NAME } from '../analysis/flow/faults.ts';
import { fileFlow, storesOf } from '../analysis/flow/routine-flow.ts';
import type { FileFlow, RoutineFlow } from '../analysis/flow/routine-flow.ts';
import type { State } from '../analysis/flow/state.ts';
import { exactConstant, exactName } from '../analysis/flow/value.ts';
import type { Check, Finding } from './check.ts';
import { rangeOfNode } from './exits.ts';

/** Contracts whose result is the number of bytes not done. */
const COUNTS_BYTES_LEFT: readonly string[] = ['copy', 'clear'];

export const landingResult: Check = {
  codes: ['result-overwritten', 'claims-success'],
  severity: 'error',
  run(analysis) {
    const file = fileFlow(analysis);
    return file.routines.flatMap((routine) => routineFindings(routine, file, analysis));
  },
};

function routineFindings(routine: RoutineFlow, file: FileFlow, analysis: Analysis): readonly Finding[] {
  const contract = contractOf(analysis, routine.routine);
  const counted = contract !== undefined && COUNTS_BYTES_LEFT.includes(contract.kind) ? contract.registers.get('returns') : undefined;
  const found: Finding[] = [];
  for (const { node, state } of routine.flow.places) {
    const site = node.replacement === undefined ? analysis.instructionAt(node) : undefined;
    if (site?.routine !== routine.routine || site.instruction.faults.length === 0) continue;
    for (const entry of site.entries) {
      if (entry.fixup === undefined || entry.isDescriptor || !file.code.isCode(entry.fixup.section)) continue;
      const nodes = file.code.enter(entry.fixup);
      if (nodes.length !== 1) continue;
      const landing = landingState(state, site.instruction, entry, nodeKey(node));
      const overwritten = counted === 'rax' || (counted === undefined && countsInRax(site, state, routine));
      const walk = file.walk(nodes[0]!, landing);
      if (overwritten && walk.exit?.ending === 'return' && exactName(walk.exit.state.registers.get('rax')!) === VECTOR_NAME) {
        found.push({
          code: 'result-overwritten', range: entry.range,
          message: `the handler of ${entry.insnName} puts the vector into ax, where the routine keeps what it returns, and ${entry.fixupName} returns that: use a type that leaves ax alone, or set ax at the landing pad`,
          related: [{ message: 'the instruction', range: site.statement.range }],
        });
      }
      if (counted !== undefined) found.push(...claims(entry.range, counted, { landing, node: nodes[0]! }, file, analysis));
    }
  }
  return found;
}

/** rax holds something computed at the fault, and every way out without a fault returns something computed in it. */
function countsInRax(site: InstructionSite, state: State, { calm }: RoutineFlow): boolean {
  const isComputed = (where: State): boolean => {
    const value = where.registers.get('rax')!;
    return value.kind !== 'opaque' && exactConstant(value) === undefined && exactName(value) !== 'rax';
  };
  const exits = calm.exits().filter(({ ending }) => ending === 'return');
  return !site.instruction.registersWritten.includes('rax') && isComputed(state) && exits.length > 0 && exits.every((exit) => isComputed(exit.state));
}

/** Ways from the landing pad that return 0 bytes left without having stored anything. */
function claims(range: Finding['range'], counted: string, pad: { readonly landing: State; readonly node: Parameters<FileFlow['from']>[0] }, file: FileFlow, analysis: Analysis): readonly Finding[] {
  const flow = file.from(pad.node, pad.landing);
  for (const { node, state } of flow.places) {
    const instruction = file.code.step(node)?.instruction;
    if (instruction === undefined || instruction.flow.includes('call') || storesOf(instruction.accesses, state) > 0) return [];
  }
  return flow.exits().filter(({ ending, state }) => ending === 'return' && exactConstant(state.registers.get(counted)!) === 0n).map((exit) => ({
    code: 'claims-success', range: rangeOfNode(exit.node, analysis) ?? range,
    message: `after a fault this returns 0 in %${counted}, that is "nothing left", though at least the bytes of the faulting access were not done`,
    related: [{ message: 'the entry that leads here', range }],
  }));
}
