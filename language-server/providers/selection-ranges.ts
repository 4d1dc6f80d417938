/**
 * Selection that grows: word, operand, operands, statement, line, block, routine, file.
 */
import type { Position, Range, SelectionRange } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, lineOf, toRange, wordAt } from '../ranges.ts';
import { foldedBlocks } from './folding.ts';

export const selectionRanges: Provider = {
  capabilities: { selectionRangeProvider: true },
  register(connection, workspace) {
    connection.onSelectionRanges(({ textDocument, positions }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis === undefined ? null : positions.map((position) => selectionAt(analysis, position));
    });
  },
};

/** The innermost range at a position, with those around it as parents. */
export function selectionAt(analysis: Analysis, position: Position): SelectionRange {
  const ranges = [...lineRanges(analysis, position), ...blockRanges(analysis, position.line)];
  let selection: SelectionRange | undefined;
  for (const range of ranges.reverse()) {
    if (selection !== undefined && !(contains(selection.range, range) && !isEqual(selection.range, range))) continue;
    selection = selection === undefined ? { range } : { range, parent: selection };
  }
  return selection ?? { range: { start: position, end: position } };
}

/** Inside of the line, the smallest first. */
function lineRanges(analysis: Analysis, position: Position): readonly Range[] {
  const { line, column } = fromPosition(analysis.file, position);
  const text = lineOf(analysis.text, line);
  const word = wordAt(analysis.text, analysis.file, line, column);
  const at = Math.min(position.character, text.length);
  const range = (start: number, end: number): Range => ({ start: { line: position.line, character: start }, end: { line: position.line, character: end } });
  const found: Range[] = word === undefined ? [] : [toRange(word.range)];
  const statement = stretch(text, at, ';', 0, text.length);
  const head = /^\s*(?:[\w.$]+:\s*)*(?:(?:rep\w*|lock)\s+)?[\w.]+\s*/.exec(text.slice(statement.start, statement.end));
  const operands = statement.start + (head?.[0].length ?? 0);
  if (at >= operands && operands < statement.end) {
    const operand = stretch(text, at, ',', operands, statement.end);
    found.push(range(operand.start, operand.end), range(operands, statement.end));
  }
  found.push(range(statement.start, statement.end), range(text.length - text.trimStart().length, text.trimEnd().length), range(0, text.length));
  return found.filter(({ start, end }) => start.character <= position.character && position.character <= end.character);
}

/** The part of `text` around `at` between separators outside of parentheses, without blanks around it. */
function stretch(text: string, at: number, separator: string, from: number, to: number): { readonly start: number; readonly end: number } {
  let start = from;
  let depth = 0;
  let end = to;
  for (let index = from; index < to; index++) {
    if (text[index] === '(') depth++;
    else if (text[index] === ')') depth--;
    else if (text[index] === separator && depth <= 0) {
      if (index >= at) {
        end = index;
        break;
      }
      start = index + 1;
    }
  }
  while (start < end && /\s/.test(text[start]!)) start++;
  while (end > start && /\s/.test(text[end - 1]!)) end--;
  return { start, end };
}

function blockRanges(analysis: Analysis, line: number): readonly Range[] {
  const blocks = foldedBlocks(analysis)
    .filter(({ first, last }) => first - 1 <= line && line <= last - 1)
    .sort((a, b) => (a.last - a.first) - (b.last - b.first));
  const lines = analysis.text.split('\n');
  const all: Range = { start: { line: 0, character: 0 }, end: { line: lines.length - 1, character: lines.at(-1)!.length } };
  return [...blocks.map(({ first, last }): Range => ({ start: { line: first - 1, character: 0 }, end: { line: last - 1, character: lines[last - 1]?.replace(/\r$/, '').length ?? 0 } })), all];
}

function contains(outer: Range, inner: Range): boolean {
  return !isBefore(inner.start, outer.start) && !isBefore(outer.end, inner.end);
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character);
}

function isEqual(a: Range, b: Range): boolean {
  return a.start.line === b.start.line && a.start.character === b.start.character && a.end.line === b.end.line && a.end.character === b.end.character;
}
