/**
 * Routines as stretches of the source.
 */
import type { Range } from 'vscode-languageserver';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis, Routine } from '../analysis/analysis.ts';
import { lineOf, shownRange, toRange } from '../ranges.ts';

/** All of a routine, and its name, in the analysed file; undefined if it does not stand there. */
export function routineRange(routine: Routine, analysis: Analysis): { readonly range: Range; readonly selectionRange: Range } | undefined {
  const shown = shownRange(routine.range, analysis.file);
  if (shown === undefined) return undefined;
  const selectionRange = toRange(shown);
  const end = Math.max(routine.lastLine, shown.start.line);
  return { selectionRange, range: { start: { line: selectionRange.start.line, character: 0 }, end: { line: end - 1, character: lineOf(analysis.text, end).length } } };
}

/** The routine around a line (1-based) of the analysed file. */
export function routineAt(analysis: Analysis, line: number): Routine | undefined {
  return analysis.routines.findLast((routine) => {
    const { file, line: first } = writtenPosition(routine.range.start);
    return file === analysis.file && first <= line && line <= routine.lastLine;
  });
}
