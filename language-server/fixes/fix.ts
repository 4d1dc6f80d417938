/**
 * One way to put a finding right: edits of the file it is in. Each is tested to make its finding disappear and to leave the rest of the object as it was.
 */
import type { Problem } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';

/** A change of one stretch of text: 1-based, the end exclusive, of one line or up to the start of a later one. */
export interface Edit {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly text: string;
}

export interface Fix {
  /** What it does: `Add the missing sfence`. */
  readonly title: string;
  readonly edits: readonly Edit[];
  /** Right whatever the author meant: part of "fix all". */
  readonly safe?: true;
  /** The one to take if there are several. */
  readonly preferred?: true;
}

export interface Fixer {
  readonly codes: readonly string[];
  /** Ways to put `problem` right; none where it is not certain how. */
  fixes(problem: Problem, analysis: Analysis): readonly Fix[];
}
