/**
 * Moments of a run, in the order they happen.
 */
import type { Machine } from '../machine.ts';

/**
 * One moment: so many instructions retired since the start, so many exceptions delivered, the last of them still on its way or not.
 * An exception takes no counted time: before it, its delivery, and the landing pad have the same count.
 */
export interface Moment {
  readonly instructions: bigint;
  readonly exceptions: number;
  /** The last exception is delivered and nothing of it is handled yet. */
  readonly pending: boolean;
}

export const START: Moment = { instructions: 0n, exceptions: 0, pending: false };

/** Where `machine` stands. */
export function momentOf(machine: Machine): Moment {
  return { instructions: machine.counted, exceptions: machine.deliveries.length, pending: machine.delivery !== undefined };
}

/** Negative if `a` comes before `b`, 0 if they are the same moment. */
export function compareMoments(a: Moment, b: Moment): number {
  if (a.instructions !== b.instructions) return a.instructions < b.instructions ? -1 : 1;
  if (a.exceptions !== b.exceptions) return a.exceptions - b.exceptions;
  return Number(b.pending) - Number(a.pending);
}
