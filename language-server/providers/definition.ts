/**
 * Go to definition: labels (numeric ones too), macros, symbols that were set, include files.
 */
import type { Location } from 'vscode-languageserver-types';
import type { Expression, Operand, Statement } from '../../assembly/gas/statement.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, holds, toLocation, wordAt } from '../ranges.ts';
import { uriOf } from '../uri.ts';

export const definition: Provider = {
  capabilities: { definitionProvider: true },
  register(connection, workspace) {
    connection.onDefinition(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      return definitionAt(analysis, line, column) ?? null;
    });
  },
};

/** Where what stands at a 1-based place is defined. */
export function definitionAt(analysis: Analysis, line: number, column: number): Location | undefined {
  const include = analysis.unit.includes.find((one) => one.range.start.file === analysis.file && holds(one.range, line, column));
  if (include?.resolved !== undefined) return { uri: uriOf(include.resolved), range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } } };
  const reference = symbolAt(analysis.unit.statements, analysis.file, line, column);
  const word = wordAt(analysis.text, analysis.file, line, column)?.word.replace(/^\$/, '');
  const use = analysis.macroUseAt(line, column);
  if (use !== undefined && use.definition.name === word) return toLocation(use.definition.range);
  for (const name of [reference, word]) {
    const range = name === undefined ? undefined : definitionOf(analysis, name);
    if (range !== undefined) return toLocation(range);
  }
  return undefined;
}

/** The unique name of the symbol an expression mentions at this place: tells one `1b` from the other. */
function symbolAt(statements: readonly Statement[], file: string, line: number, column: number): string | undefined {
  for (const statement of statements) {
    for (const expression of expressionsOf(statement)) {
      const found = symbolIn(expression, file, line, column);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function definitionOf(analysis: Analysis, name: string): SourceRange | undefined {
  const label = analysis.labels.byName(name);
  if (label !== undefined) return label.range;
  const assigned = analysis.unit.statements.find((statement) => statement.kind === 'assignment' && statement.name === name);
  return assigned?.range ?? analysis.unit.macros.find((macro) => macro.name === name)?.range;
}

/** Every expression of a statement, operands' displacements and immediates included. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case 'instruction': return statement.operands.flatMap(operandExpressions);
    case 'directive': return statement.arguments.flatMap((argument) => argument.expression ?? []);
    case 'assignment': return [statement.value];
    case 'label': return [];
  }
}

function operandExpressions(operand: Operand): readonly Expression[] {
  switch (operand.kind) {
    case 'immediate': return [operand.value];
    case 'memory': return operand.displacement === undefined ? [] : [operand.displacement];
    case 'indirect': return operandExpressions(operand.target);
    case 'register': case 'rounding': return [];
  }
}

function symbolIn(expression: Expression, file: string, line: number, column: number): string | undefined {
  switch (expression.kind) {
    case 'number': return undefined;
    case 'symbol': return expression.range.start.file === file && holds(expression.range, line, column) ? expression.name : undefined;
    case 'unary': return symbolIn(expression.operand, file, line, column);
    case 'binary': return symbolIn(expression.left, file, line, column) ?? symbolIn(expression.right, file, line, column);
  }
}
