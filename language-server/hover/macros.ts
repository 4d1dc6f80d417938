/**
 * Hover of macros and directives: definition, and what the use at the cursor became.
 */
import type { MacroDefinition, MacroUse, Statement } from '../../assembly/gas/statement.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { macroText } from '../editing/documentation.ts';
import { describeEntry } from './instruction.ts';

const MOST_STATEMENTS = 24;

/** A use: the entries it makes, the definition, and its expansion here. */
export function describeUse(use: MacroUse, analysis: Analysis): readonly string[] {
  const { line } = use.range.start;
  const made = analysis.entries.filter(({ range }) => range.start.file === analysis.file && range.start.line === line);
  return [...made.flatMap((entry) => describeEntry(entry, analysis)), ...macroText(use.definition), ...expansion(use, analysis)];
}

export function describeMacro(definition: MacroDefinition): readonly string[] {
  return macroText(definition);
}

/** The statements that the line became. */
function expansion({ range, definition }: MacroUse, analysis: Analysis): readonly string[] {
  const { line, column } = range.start;
  const here = analysis.unit.statements.filter(({ range: { start } }) => {
    const written = writtenPosition(start);
    if (written.file !== analysis.file || written.line !== line) return false;
    // Of a use that begins a statement only what it made itself, of one inside another the statement it is in.
    return start.expansion === undefined || start.expansion.some((frame) => frame.name === definition.name) || written.column <= column;
  });
  if (here.length === 0) return [];
  const shown = here.slice(0, MOST_STATEMENTS).map(statementText);
  if (here.length > MOST_STATEMENTS) shown.push(`# and ${String(here.length - MOST_STATEMENTS)} more`);
  return [`Here:\n\`\`\`gas\n${shown.join('\n')}\n\`\`\``];
}

function statementText(statement: Statement): string {
  return statement.kind === 'label' ? `${statement.written}:` : `\t${statement.text.trim()}`;
}
