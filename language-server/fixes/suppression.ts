/**
 * Comments that silence a finding, and those that silence none.
 */
import { CODES, suppressionsOf } from '../checks/report.ts';
import { shownRange, lineOf } from '../ranges.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import type { Edit, Fix, Fixer } from './fix.ts';
import { indentOf, insert, isJoined, removeLine, replace } from './text.ts';

/** A comment on the line before; a code more in the comment that stands there. Works for every finding. */
export function suppression(problem: Problem, analysis: Analysis): Fix | undefined {
  if (problem.code === 'unused-suppression') return undefined;
  const shown = shownRange(problem.range, analysis.file);
  if (shown === undefined) return undefined;
  const { line } = shown.start;
  const { code } = problem;
  const title = `Silence ${code} here with a comment`;
  const directive = analysis.directives.find(({ text, range }) => /^ignore\b/.test(text) && range.start.file === analysis.file && (range.start.line === line || range.start.line === line - 1));
  if (directive !== undefined) {
    const last = suppressionsOf(analysis).filter((one) => one.directive === directive).at(-1);
    const { line: at } = directive.range.start;
    return { title, edits: [insert(at, last?.range.endColumn ?? directive.range.endColumn, ` ${code}`)] };
  }
  if (isJoined(analysis.text, line) && lineOf(analysis.text, Math.max(line - 1, 1)).endsWith('\\')) return undefined;
  return { title, edits: [insert(line, 1, `${lineOf(analysis.text, line).startsWith('#') ? '' : indentOf(analysis.text, line)}/* mcsafe: ignore ${code} */\n`)] };
}

export const unusedFixes: Fixer = {
  codes: ['unused-suppression'],
  fixes({ range }, analysis): readonly Fix[] {
    const all = suppressionsOf(analysis);
    const own = all.find((one) => one.range.start.line === range.start.line && one.range.start.column === range.start.column);
    if (own === undefined) return [];
    const { line } = range.start;
    const edit = all.some((one) => one !== own && one.directive === own.directive) ? removeCode(own.range.start.column, own.range.endColumn, line, analysis) : removeComment(line, analysis);
    return edit === undefined ? [] : [{ title: 'Remove what silences nothing', edits: [edit], preferred: true, ...(CODES.has(own.code) ? { safe: true as const } : {}) }];
  },
};

/** A code and what separates it from the one before. */
function removeCode(column: number, endColumn: number, line: number, { text }: Analysis): Edit {
  const before = lineOf(text, line).slice(0, column - 1);
  return replace(line, column - /[\s,]*$/.exec(before)![0].length, endColumn, '');
}

/** The whole comment, with the blanks in front; with its line, if nothing else is there. */
function removeComment(line: number, { text }: Analysis): Edit | undefined {
  const whole = lineOf(text, line);
  // What closes a block goes with what opens it.
  const match = /\s*(?:\/\*[ \t*]*mcsafe:[ \t]*ignore\b(?:(?!\*\/).)*(?:\*\/)?|(?:#|\/\/|;)[ \t*]*mcsafe:[ \t]*ignore\b(?:(?!\*\/).)*)/.exec(whole);
  if (match === null || (match[0].trimStart().startsWith('/*') && !match[0].endsWith('*/'))) return undefined;
  const rest = whole.slice(0, match.index) + whole.slice(match.index + match[0].length);
  return rest.trim() === '' ? removeLine(line) : replace(line, match.index + 1, match.index + match[0].length + 1, '');
}
