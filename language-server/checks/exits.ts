/**
 * What a routine must have put right when it returns: access to user memory closed, strings upwards, registers and stack as they were,
 * non-temporal stores ordered. Of what is not certain nothing is said.
 */
import type { Analysis } from '../analysis/analysis.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Exit } from '../analysis/flow/flow.ts';
import { fileFlow } from '../analysis/flow/routine-flow.ts';
import type { CertainExit, FileFlow, RoutineFlow } from '../analysis/flow/routine-flow.ts';
import { CALLEE_SAVED } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { stackSlot } from '../analysis/flow/transfer.ts';
import { exactName } from '../analysis/flow/value.ts';
import type { Check, Finding } from './check.ts';

export const exits: Check = {
  codes: ['ac-set-at-return', 'df-set-at-return', 'missing-sfence', 'register-not-restored', 'stack-not-restored'],
  severity: 'error',
  run(analysis) {
    const file = fileFlow(analysis);
    const found = file.routines.flatMap((routine) => [
      ...accessOpen(analysis, file, routine), ...stringsDown(analysis, file, routine), ...unordered(analysis, file, routine),
      ...registers(analysis, file, routine), ...stack(analysis, file, routine),
    ]);
    // Several routines may share an exit.
    const seen = new Set<string>();
    return found.filter(({ code, range, message }) => {
      const key = JSON.stringify([code, range, /%\w+/.exec(message)?.[0]]);
      return !seen.has(key) && seen.add(key);
    });
  },
};

const isReturn = (exit: Exit): boolean => exit.ending === 'return';

function accessOpen(analysis: Analysis, file: FileFlow, routine: RoutineFlow): readonly Finding[] {
  return file.exitsWhere(routine, (exit) => isReturn(exit) && exit.state.ac === 'set', ({ ac }) => ac !== 'unknown')
    .map((certain) => finding('ac-set-at-return', `${routine.routine.name} returns here with access to user memory open (AC set): a clac is missing`, certain, routine, analysis));
}

function stringsDown(analysis: Analysis, file: FileFlow, routine: RoutineFlow): readonly Finding[] {
  return file.exitsWhere(routine, ({ state }) => state.df === 'set', ({ df }) => df !== 'unknown')
    .map((certain) => finding('df-set-at-return', `${routine.routine.name} ends here with the direction flag set: a cld is missing`, certain, routine, analysis));
}

function unordered(analysis: Analysis, file: FileFlow, routine: RoutineFlow): readonly Finding[] {
  return file.exitsWhere(routine, (exit) => isReturn(exit) && exit.state.pending === 'set', ({ pending }) => pending !== 'unknown')
    .map((certain) => finding('missing-sfence', `${routine.routine.name} returns here with non-temporal stores that nothing has ordered: an sfence is missing`, certain, routine, analysis));
}

/** A register counts as lost only where another exit of the routine shows that it is meant to be kept. */
function registers(analysis: Analysis, file: FileFlow, routine: RoutineFlow): readonly Finding[] {
  return CALLEE_SAVED.flatMap((register) => {
    const value = (state: State): ReturnType<State['registers']['get']> => state.registers.get(register);
    const isKept = ({ state }: Exit): boolean => exactName(value(state)!) === register;
    if (!routine.calm.exits().some(isKept)) return [];
    return file.exitsWhere(routine, (exit) => !isKept(exit) && value(exit.state)!.kind !== 'opaque', (state) => value(state)!.kind !== 'opaque')
      .map((certain) => finding('register-not-restored', `${routine.routine.name} ends here with %${register} changed, which its caller expects to find as it was`, certain, routine, analysis));
  });
}

function stack(analysis: Analysis, file: FileFlow, routine: RoutineFlow): readonly Finding[] {
  const depth = (state: State): bigint | undefined => stackSlot(state.registers.get('rsp')!);
  if (!routine.calm.exits().some(({ state }) => depth(state) === 0n)) return [];
  return file.exitsWhere(routine, ({ state }) => depth(state) !== undefined && depth(state) !== 0n, (state) => depth(state) !== undefined)
    .map((certain) => {
      const off = -depth(certain.exit.state)!;
      const how = off > 0n ? `${String(off)} bytes that it pushed still on the stack` : `the stack pointer ${String(-off)} bytes above its return address`;
      return finding('stack-not-restored', `${routine.routine.name} ends here with ${how}: it would return to no return address`, certain, routine, analysis);
    });
}

function finding(code: string, message: string, certain: CertainExit, { routine, flow, calm }: RoutineFlow, analysis: Analysis): Finding {
  const { exit, via } = certain;
  const range = rangeOfNode(exit.node, analysis) ?? routine.range;
  const onlyByFault = calm.at(exit.node) === undefined;
  const entry = via?.entry ?? (onlyByFault ? flow.edges().find((edge) => edge.entry !== undefined && leadsTo(edge.entry.fixup!, exit, analysis))?.entry : undefined);
  const from = via === undefined || via.entry !== undefined ? undefined : rangeOfNode(via.from, analysis);
  return {
    code, message: entry === undefined ? message : `${message} (after a fault at ${entry.insnName})`, range,
    related: [
      ...(entry === undefined ? [] : [{ message: 'the entry that leads here', range: entry.range }]),
      ...(from === undefined ? [] : [{ message: 'on the way from here', range: from }]),
    ],
  };
}

function leadsTo(pad: { readonly section: number; readonly offset: number }, exit: Exit, analysis: Analysis): boolean {
  const file = fileFlow(analysis);
  return file.walk({ section: pad.section, offset: pad.offset }, exit.state).places.some(({ node }) => node.section === exit.node.section && node.offset === exit.node.offset);
}

export function rangeOfNode(node: { readonly section: number; readonly offset: number; readonly replacement?: { readonly site: { readonly section: number; readonly offset: number } } }, analysis: Analysis): SourceRange | undefined {
  return analysis.instructionAt(node)?.statement.range;
}
