/**
 * One check of a file: looks at the analysis, reports what it can prove, says nothing otherwise.
 */
import type { Problem, Severity } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';

export interface Check {
  /** Codes it reports; each has a page under `docs/diagnostics/`. */
  readonly codes: readonly string[];
  /** Severity unless the settings say otherwise. */
  readonly severity: Severity;
  /** True for a check that has nothing to do with exception tables: it runs in every file. */
  readonly always?: true;
  run(analysis: Analysis): readonly Finding[];
}

/** A problem; its severity is the check's unless it has one of its own. */
export type Finding = Omit<Problem, 'severity'> & { readonly severity?: Severity };
