/**
 * Landing pads whose answer is wrong: the handler wrote over it, or it says that all was done.
 */
import { nodeKey } from '../analysis/flow/code.ts';
import type { CodeSite, Entry } from '../analysis/flow/code.ts';
import { landingState, VECTOR_NAME } from '../analysis/flow/faults.ts';
import { storesOf } from '../analysis/flow/routine-flow.ts';
import type { AllPaths, RoutineFlow } from '../analysis/flow/routine-flow.ts';
import type { State } from '../analysis/flow/state.ts';
import { exactConstant, exactName } from '../analysis/flow/value.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, ofEntry, padName, say, siteName } from './marks.ts';

/** Contracts whose result is the number of bytes not done. */
const COUNTS_BYTES_LEFT: readonly string[] = ['copy', 'clear'];

export const landingResult: RoutineCheck = {
  codes: ['result-overwritten', 'claims-success'],
  severity: 'error',
  inRoutine: (routine) => (routine.paths === undefined ? [] : routineFindings(routine, routine.paths)),
};

function routineFindings(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  const { code } = routine;
  const contract = code.contractAt({ piece: 0, offset: 0 });
  const counted = contract !== undefined && COUNTS_BYTES_LEFT.includes(contract.kind) ? contract.registers.get('returns') : undefined;
  const found: RoutineFinding[] = [];
  for (const { node, state } of paths.flow.places) {
    const site = node.replacement === undefined && code.isOwn(node) ? code.site(node) : undefined;
    if (site === undefined || site.instruction.faults.length === 0) continue;
    for (const entry of site.entries) {
      const [pad, ...more] = entry.landings;
      if (pad === undefined || more.length > 0) continue;
      const landing = landingState(state, site.instruction, entry, nodeKey(node));
      const overwritten = counted === 'rax' || (counted === undefined && countsInRax(site, state, paths));
      const walk = routine.walk(pad, landing);
      if (overwritten && walk.exit?.ending === 'return' && exactName(walk.exit.state.registers.get('rax')!) === VECTOR_NAME) {
        found.push({
          code: 'result-overwritten', at: ofEntry(entry),
          message: say`the handler of ${siteName(entry)} puts the vector into ax, where the routine keeps what it returns, and ${padName(entry)} returns that: use a type that leaves ax alone, or set ax at the landing pad`,
          related: [{ message: 'the instruction', at: at(node) }],
        });
      }
      if (counted !== undefined) found.push(...claims(entry, counted, { landing, node: pad }, routine));
    }
  }
  return found;
}

/** rax holds something computed at the fault, and every way out without a fault returns something computed in it. */
function countsInRax(site: CodeSite, state: State, { calm }: AllPaths): boolean {
  const isComputed = (where: State): boolean => {
    const value = where.registers.get('rax')!;
    return value.kind !== 'opaque' && exactConstant(value) === undefined && exactName(value) !== 'rax';
  };
  const exits = calm.exits().filter(({ ending }) => ending === 'return');
  return !site.instruction.registersWritten.includes('rax') && isComputed(state) && exits.length > 0 && exits.every((exit) => isComputed(exit.state));
}

/** Ways from the landing pad that return 0 bytes left without having stored anything. */
function claims(entry: Entry, counted: string, pad: { readonly landing: State; readonly node: Parameters<RoutineFlow['from']>[0] }, routine: RoutineFlow): readonly RoutineFinding[] {
  const flow = routine.from(pad.node, pad.landing);
  if (flow === undefined) return [];
  for (const { node, state } of flow.places) {
    const instruction = routine.code.step(node)?.instruction;
    if (instruction === undefined || instruction.flow.includes('call') || storesOf(instruction.accesses, state) > 0) return [];
  }
  return flow.exits().filter(({ ending, state }) => ending === 'return' && exactConstant(state.registers.get(counted)!) === 0n).map((exit) => ({
    code: 'claims-success', at: routine.code.site(exit.node) === undefined ? ofEntry(entry) : at(exit.node),
    message: say`after a fault this returns 0 in %${counted}, that is "nothing left", though at least the bytes of the faulting access were not done`,
    related: [{ message: 'the entry that leads here', at: ofEntry(entry) }],
  }));
}
