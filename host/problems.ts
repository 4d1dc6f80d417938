/**
 * Problems in words, the same for every front.
 */
import { writtenPosition } from '../assembly/source.ts';
import type { Problem } from '../assembly/source.ts';

/** `file:line:column: error: message [code]`, the place being where the person wrote it. */
export function formatProblem(problem: Problem): string {
  const { start } = problem.range;
  const written = writtenPosition(start);
  const inside = written === start ? '' : ` (in ${start.expansion![0]!.name}, ${start.file}:${String(start.line)})`;
  return `${written.file}:${String(written.line)}:${String(written.column)}: ${problem.severity}: ${problem.message}${inside} [${problem.code}]`;
}

/** A problem with a file as a whole. */
export function fileProblem(file: string, code: string, message: string): Problem {
  return { severity: 'error', code, message, range: { start: { file, line: 1, column: 1 }, endColumn: 1 } };
}

export function errorsOf(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ severity }) => severity === 'error');
}
