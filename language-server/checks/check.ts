/**
 * What a check is: it looks at a file or at one routine, reports what it can prove, says nothing otherwise.
 */
import type { Problem, Severity } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import type { RoutineFlow } from '../analysis/flow/routine-flow.ts';
import type { Mark, Words } from './marks.ts';

interface Codes {
  /** Codes it reports; each has a page under `docs/diagnostics/`. */
  readonly codes: readonly string[];
  /** Severity unless the settings say otherwise. */
  readonly severity: Severity;
}

/** A check of a file as a whole, run for each version. */
export interface FileCheck extends Codes {
  /** True for a check that has nothing to do with exception tables: it runs in every file. */
  readonly always?: true;
  run(analysis: Analysis): readonly Finding[];
}

/**
 * A check of one routine, or of code that no name covers. What it finds is kept for later versions of the file, as long as what it asked of
 * the code has the same answers: so it sees the file by way of the routine alone, and says what it finds without lines and names.
 */
export interface RoutineCheck extends Codes {
  inRoutine(routine: RoutineFlow): readonly RoutineFinding[];
}

export type Check = FileCheck | RoutineCheck;

/** A problem; its severity is the check's unless it has one of its own. */
export type Finding = Omit<Problem, 'severity'> & { readonly severity?: Severity };

/** A finding in words that hold wherever the routine lies. Of those with the same code at the same place about the same thing the first counts. */
export interface RoutineFinding {
  readonly code: string;
  readonly message: Words;
  readonly at: Mark;
  /** What it is about, where a place may have several findings of a code. */
  readonly about?: string;
  readonly related?: readonly { readonly message: string; readonly at: Mark }[];
}
