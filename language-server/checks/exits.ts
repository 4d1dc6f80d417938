/**
 * What a routine must have put right when it returns: access to user memory closed, strings upwards, registers and stack as they were,
 * non-temporal stores ordered. Of what is not certain nothing is said.
 */
import type { Exit } from '../analysis/flow/flow.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import type { AllPaths, CertainExit, RoutineFlow } from '../analysis/flow/routine-flow.ts';
import { CALLEE_SAVED } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { stackSlot } from '../analysis/flow/transfer.ts';
import { exactName } from '../analysis/flow/value.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, ofEntry, routineName, say, siteName } from './marks.ts';
import type { Words } from './marks.ts';

export const exits: RoutineCheck = {
  codes: ['ac-set-at-return', 'df-set-at-return', 'missing-sfence', 'register-not-restored', 'stack-not-restored'],
  severity: 'error',
  inRoutine(routine) {
    const { paths } = routine;
    if (paths === undefined) return [];
    return [...accessOpen(routine, paths), ...stringsDown(routine, paths), ...unordered(routine, paths), ...registers(routine, paths), ...stack(routine, paths)];
  },
};

const isReturn = (exit: Exit): boolean => exit.ending === 'return';

function accessOpen(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  return routine.exitsWhere(paths, (exit) => isReturn(exit) && exit.state.ac === 'set', ({ ac }) => ac !== 'unknown')
    .map((certain) => finding('ac-set-at-return', say`${routineName} returns here with access to user memory open (AC set): a clac is missing`, certain, routine, paths));
}

function stringsDown(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  return routine.exitsWhere(paths, ({ state }) => state.df === 'set', ({ df }) => df !== 'unknown')
    .map((certain) => finding('df-set-at-return', say`${routineName} ends here with the direction flag set: a cld is missing`, certain, routine, paths));
}

function unordered(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  return routine.exitsWhere(paths, (exit) => isReturn(exit) && exit.state.pending === 'set', ({ pending }) => pending !== 'unknown')
    .map((certain) => finding('missing-sfence', say`${routineName} returns here with non-temporal stores that nothing has ordered: an sfence is missing`, certain, routine, paths));
}

/** A register counts as lost only where another exit of the routine shows that it is meant to be kept. */
function registers(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  const calm = paths.calm.exits();
  return CALLEE_SAVED.flatMap((register) => {
    const value = (state: State): ReturnType<State['registers']['get']> => state.registers.get(register);
    const isKept = ({ state }: Exit): boolean => exactName(value(state)!) === register;
    if (!calm.some(isKept)) return [];
    return routine.exitsWhere(paths, (exit) => !isKept(exit) && value(exit.state)!.kind !== 'opaque', (state) => value(state)!.kind !== 'opaque')
      .map((certain) => ({ ...finding('register-not-restored', say`${routineName} ends here with %${register} changed, which its caller expects to find as it was`, certain, routine, paths), about: register }));
  });
}

function stack(routine: RoutineFlow, paths: AllPaths): readonly RoutineFinding[] {
  const depth = (state: State): bigint | undefined => stackSlot(state.registers.get('rsp')!);
  if (!paths.calm.exits().some(({ state }) => depth(state) === 0n)) return [];
  return routine.exitsWhere(paths, ({ state }) => depth(state) !== undefined && depth(state) !== 0n, (state) => depth(state) !== undefined)
    .map((certain) => {
      const off = -depth(certain.exit.state)!;
      const how = off > 0n ? `${String(off)} bytes that it pushed still on the stack` : `the stack pointer ${String(-off)} bytes above its return address`;
      return finding('stack-not-restored', say`${routineName} ends here with ${how}: it would return to no return address`, certain, routine, paths);
    });
}

function finding(code: string, message: Words, { exit, via }: CertainExit, routine: RoutineFlow, { flow, calm }: AllPaths): RoutineFinding {
  const onlyByFault = calm.at(exit.node) === undefined;
  const entry = via?.entry ?? (onlyByFault ? flow.edges().find((edge) => edge.entry !== undefined && routine.walk(edge.to, exit.state).places.some(({ node }) => nodeKey(node) === nodeKey(exit.node)))?.entry : undefined);
  const from = via === undefined || via.entry !== undefined ? undefined : via.from;
  return {
    code, at: at(exit.node), message: entry === undefined ? message : say`${message} (after a fault at ${siteName(entry)})`,
    related: [
      ...(entry === undefined ? [] : [{ message: 'the entry that leads here', at: ofEntry(entry) }]),
      ...(from === undefined ? [] : [{ message: 'on the way from here', at: at(from) }]),
    ],
  };
}
