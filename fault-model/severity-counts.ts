/**
 * Which rows of the severity table a run has come to, and how often: what the kernel shows in debugfs as mce/severities-coverage, for one run.
 */
import type { KernelGeneration } from './kernel-generation.ts';
import { AMD_SEVERITY_RULES, INTEL_SEVERITY_ROWS } from './severity.ts';
import type { SeverityGrade, SeverityName } from './severity.ts';

export interface SeverityRowCount {
  /** Number in Intel's table; 0 for AMD's rules. */
  readonly row: number;
  readonly severity: SeverityName;
  readonly message: string;
  /** Machine checks that this row graded … */
  readonly hits: number;
  /** … and those that it was tried for, but did not fit. */
  readonly passedOver: number;
}

/** A count for every row that the kernel of `generation` has for CPUs of `vendor`, in its order; then for what was decided outside of it. */
export function severityCounts(grades: readonly SeverityGrade[], vendor: 'intel' | 'amd', generation: KernelGeneration): readonly SeverityRowCount[] {
  const rows = vendor === 'amd'
    ? AMD_SEVERITY_RULES.map(({ severity, message }) => ({ row: 0, severity, message }))
    : INTEL_SEVERITY_ROWS.filter(({ when }) => when?.(generation) !== false).map(({ row, severity, message }) => ({ row, severity, message }));
  const is = (a: { readonly row: number; readonly message: string }, b: { readonly row: number; readonly message: string }): boolean => a.row === b.row && a.message === b.message;
  const others = grades.filter((grade, index) => !rows.some((row) => is(row, grade)) && grades.findIndex((one) => is(one, grade)) === index)
    .map(({ row, severity, message }) => ({ row, severity, message }));
  return [...rows, ...others].map((row) => ({
    ...row,
    hits: grades.filter((grade) => is(row, grade)).length,
    passedOver: grades.filter(({ passedOver }) => passedOver.some((one) => is(row, one))).length,
  }));
}
