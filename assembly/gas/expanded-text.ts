/**
 * The text of a unit after all expansion, for GNU as: one statement a line.
 */
import type { GasUnit, Statement } from './statement.ts';
import type { SourceRange } from '../source.ts';

export interface ExpandedText {
  readonly text: string;
  /** The range in the source of each line: that of line `n` (1-based, as `as` counts) is at `n - 1`. */
  readonly ranges: readonly SourceRange[];
}

/** What `as` is fed. Sections, symbols and bytes come out as they would of the original. */
export function expandedText(unit: GasUnit): ExpandedText {
  const lines: string[] = [];
  const ranges: SourceRange[] = [];
  for (const statement of unit.statements) {
    lines.push(textOf(statement));
    ranges.push(statement.range);
  }
  lines.push('');
  return { text: lines.join('\n'), ranges };
}

function textOf(statement: Statement): string {
  if (statement.kind !== 'label') return statement.text;
  return /^(?:\d+|[A-Za-z_.$\u0080-\uffff][\w.$\u0080-\uffff]*)$/.test(statement.written) ? `${statement.written}:` : `"${statement.written.replace(/["\\]/g, '\\$&')}":`;
}
