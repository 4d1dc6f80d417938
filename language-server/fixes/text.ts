/**
 * Edits of a source's lines, in places where they cannot break anything: not inside a macro's continued lines.
 */
import type { SourceRange } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { lineOf, shownRange } from '../ranges.ts';
import type { Edit } from './fix.ts';

type Source = Pick<Analysis, 'file' | 'text'>;

/** `text` at a place, nothing taken away. */
export function insert(line: number, column: number, text: string): Edit {
  return { line, column, endLine: line, endColumn: column, text };
}

export function replace(line: number, column: number, endColumn: number, text: string): Edit {
  return { line, column, endLine: line, endColumn, text };
}

/** Takes the whole line away. */
export function removeLine(line: number): Edit {
  return { line, column: 1, endLine: line + 1, endColumn: 1, text: '' };
}

/** Blanks and tabs at the start of a line; a tab where it begins with a label. */
export function indentOf(text: string, line: number): string {
  const indent = /^[ \t]*/.exec(lineOf(text, line))![0];
  return indent === '' ? '\t' : indent;
}

/** True if the line is one of several that a backslash joins: nothing can be put between them. */
export function isJoined(text: string, line: number): boolean {
  return lineOf(text, line).endsWith('\\') || (line > 1 && lineOf(text, line - 1).endsWith('\\'));
}

/** True for a place that is written in the file itself, outside of macros, where lines can be added. */
export function isPlain({ file, text }: Source, { start }: SourceRange): boolean {
  return start.file === file && start.expansion === undefined && !isJoined(text, start.line);
}

/** `statement` in front of what stands at `range`: on a line of its own, behind a label that stands in front. */
export function insertBefore(source: Source, range: SourceRange, statement: string): Edit | undefined {
  // Of what a macro made, in front of its use.
  const shown = shownRange(range, source.file);
  if (shown === undefined || !isPlain(source, shown)) return undefined;
  const { line, column } = shown.start;
  const indent = indentOf(source.text, line);
  const before = lineOf(source.text, line).slice(0, column - 1);
  return before.trim() === '' ? insert(line, 1, `${indent}${statement}\n`) : insert(line, column, `${statement}\n${indent}`);
}

/** A line of its own behind `line`; undefined where none can be put. */
export function insertAfter(source: Source, line: number, statement: string): Edit | undefined {
  if (lineOf(source.text, line).endsWith('\\')) return undefined;
  const missing = source.text.split('\n').length <= line ? '\n' : '';
  return missing === '' ? insert(line + 1, 1, `${statement}\n`) : insert(line, lineOf(source.text, line).length + 1, `\n${statement}`);
}

/** A macro's use, or a directive, with its arguments. */
export interface Use {
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  readonly text: string;
  /** Nothing else stands on the line. */
  readonly alone: boolean;
}

/** What begins at `range`: up to the parenthesis that closes the arguments, else to the end of the statement. */
export function useAt(source: Source, range: SourceRange): Use | undefined {
  if (!isPlain(source, range)) return undefined;
  const { line, column } = range.start;
  const whole = lineOf(source.text, line);
  const rest = whole.slice(column - 1);
  const name = /^[\w.$]+/.exec(rest)?.[0] ?? '';
  const length = rest[name.length] === '(' ? closing(rest, name.length) : /^(?:"(?:[^"\\]|\\.)*"|[^;#"/]|\/(?![/*]))*/.exec(rest)![0].trimEnd().length;
  if (length === undefined) return undefined;
  const text = rest.slice(0, length);
  return { line, column, endColumn: column + length, text, alone: whole.trim() === text };
}

/** Length up to and with the parenthesis that closes the one at `open`. */
function closing(text: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return undefined;
}
