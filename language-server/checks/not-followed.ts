/**
 * Routines with entries that are too long to be followed over all paths: what they leave behind is not checked, and that is said.
 */
import type { RoutineCheck } from './check.ts';
import { routineName, say, theRoutine } from './marks.ts';

/** To be run behind all others: they follow further ways of the routine, and may give up too. */
export const notFollowed: RoutineCheck = {
  codes: ['not-followed'],
  severity: 'hint',
  inRoutine: ({ isTooLong, code }) => (!isTooLong || code.subject.routine === undefined ? [] : [{
    code: 'not-followed', at: theRoutine,
    message: say`${routineName} has too many paths or instructions to be followed: its flags, registers, stack and landing pads are not checked`,
  }]),
};
