/**
 * Routines with entries that are too long to be followed over all paths: what they leave behind is not checked, and that is said.
 */
import { fileFlow } from '../analysis/flow/routine-flow.ts';
import type { Check } from './check.ts';

export const notFollowed: Check = {
  codes: ['not-followed'],
  severity: 'hint',
  run: (analysis) => fileFlow(analysis).tooLong.map(({ name, range }) => ({
    code: 'not-followed', range,
    message: `${name} has too many paths or instructions to be followed: its flags, registers, stack and landing pads are not checked`,
  })),
};
