/**
 * The clauses of contracts: what each promises, and what is said of a run that did not keep one.
 */
import type { Contract } from '../../machine/scenario/scenario.ts';

/** Every clause by its name, in the order in which a violation is told. */
export const CLAUSES = {
  handled: 'no exception is left unhandled',
  ends: 'the call returns, within its budget',
  range: 'the bytes said to be left are at most n',
  'over-claim': 'bytes said to be done are done',
  'under-claim': 'bytes that are done are said to be done',
  length: 'a length of 4 GiB or more is not cut to 32 bits',
  complete: 'without a fault nothing is left',
  overrun: 'nothing beyond the destination is written',
  source: 'the source is not written',
  progress: 'at most the stated number of bytes before the fault is given up',
  result: 'the value, error or checksum returned is the right one',
  registers: 'rbx, rbp and r12 to r15 are as before',
  stack: 'rsp is where a return leaves it',
  'direction-flag': 'DF is as before',
  'ac-flag': 'AC is as before: access to user memory is closed again',
  exceptions: 'a call takes no more exceptions than stated',
  'poison-reread': 'the same poison is not read twice',
  'non-temporal': 'non-temporal stores are drained when the call returns',
  resume: 'execution resumes in the function or a declared helper',
  promise: 'what the contract promises in its own words',
} as const;
export type ClauseName = keyof typeof CLAUSES;

/** What is promised beside the contract. */
export interface Promises {
  readonly contract: Contract;
  /** Bytes before the fault that may be given up; unlimited if absent. */
  readonly progress?: number;
  /** Exceptions a call may take. */
  readonly maxExceptions: number;
  /** Functions beside the routine that fixups may resume in. */
  readonly helpers: readonly string[];
  /** Bytes that `get` and `put` move; unknown if absent. */
  readonly width?: number;
  /** Where the routine first uses half of the register with its length, if it does. */
  readonly cutsLength?: bigint;
}

export interface Violation {
  readonly clause: ClauseName;
  /** Which of the contract's own promises. */
  readonly promise?: string;
  /** What was seen, for this one run. */
  readonly message: string;
  /** The instruction it is put down to. */
  readonly at: bigint;
}
