/**
 * Where a further `#include` goes.
 */
import type { Position, TextEdit } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';

/** Includes `header` behind the last include of the file, else at its start. */
export function includeEdit(analysis: Pick<Analysis, 'unit' | 'file'>, header: string): TextEdit {
  const last = analysis.unit.includes.filter(({ range }) => range.start.file === analysis.file && range.start.expansion === undefined).at(-1);
  const place: Position = { line: last === undefined ? 0 : last.range.start.line, character: 0 };
  return { range: { start: place, end: place }, newText: `#include <${header}>\n` };
}
