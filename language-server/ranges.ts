/**
 * Between the readers' places (1-based) and the protocol's (0-based, UTF-16).
 */
import type { Location, Position, Range } from 'vscode-languageserver';
import type { SourcePosition, SourceRange } from '../assembly/source.ts';
import { uriOf } from './uri.ts';

/** A range as it stands in its own file, inside a macro body if that is where it was written. */
export function toRange({ start, endColumn }: SourceRange): Range {
  const line = start.line - 1;
  return { start: { line, character: start.column - 1 }, end: { line, character: Math.max(endColumn, start.column) - 1 } };
}

export function toLocation(range: SourceRange): Location {
  return { uri: uriOf(range.start.file), range: toRange(range) };
}

/**
 * Where to show something about `range` in `file`: in place if it stands there, else at the outermost macro use that led to it.
 * Undefined if it has no place in that file.
 */
export function shownRange(range: SourceRange, file: string): SourceRange | undefined {
  const { start } = range;
  const frame = start.expansion?.at(-1);
  if (frame === undefined) return start.file === file ? range : undefined;
  return frame.invokedAt.file === file ? { start: frame.invokedAt, endColumn: frame.invokedAt.column + frame.name.length } : undefined;
}

export function fromPosition(file: string, position: Position): SourcePosition {
  return { file, line: position.line + 1, column: position.character + 1 };
}

/** True if the 1-based `column` lies in or right behind `range`. */
export function holds(range: SourceRange, line: number, column: number): boolean {
  return range.start.line === line && range.start.column <= column && column <= range.endColumn;
}

/** The symbol-like word around a 1-based column of a line, with its range. */
export function wordAt(text: string, file: string, line: number, column: number): { readonly word: string; readonly range: SourceRange } | undefined {
  const pattern = /[%$]?[A-Za-z_.$\\@\u0080-\uffff][\w.$\\@\u0080-\uffff]*|\d+[bf]?/g;
  for (const match of lineOf(text, line).matchAll(pattern)) {
    const start = match.index + 1;
    if (start <= column && column <= start + match[0].length) {
      return { word: match[0], range: { start: { file, line, column: start }, endColumn: start + match[0].length } };
    }
  }
  return undefined;
}

/** Where the lines begin of the text that was asked about last: questions come in bunches about one text. */
let lines: { readonly text: string; readonly starts: readonly number[] } = { text: '', starts: [0] };

/** Where line `line` (1-based) of `text` begins; undefined behind the last. */
export function lineStart(text: string, line: number): number | undefined {
  if (lines.text !== text) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    lines = { text, starts };
  }
  return lines.starts[Math.max(line, 1) - 1];
}

/** Line `line` (1-based) of `text`, without its end. */
export function lineOf(text: string, line: number): string {
  const start = lineStart(text, line);
  if (start === undefined) return '';
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
}

/** A place of the index as the protocol has it. */
export function placeRange({ line, column, endColumn }: { readonly line: number; readonly column: number; readonly endColumn: number }): Range {
  return { start: { line: line - 1, character: column - 1 }, end: { line: line - 1, character: Math.max(endColumn, column) - 1 } };
}

/** True for a path that a client can open: a stand-in for a header is no file. */
export function isOpenable(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z][\w+.-]*:/.test(path);
}
