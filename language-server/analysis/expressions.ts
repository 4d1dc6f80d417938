/**
 * The expressions of a statement, and the symbols in them.
 */
import type { Expression, Operand, Statement } from '../../assembly/gas/statement.ts';

/** A symbol where it is mentioned. */
export type SymbolMention = Extract<Expression, { readonly kind: 'symbol' }>;

/** Every expression of a statement, operands' displacements and immediates included. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case 'instruction': return statement.operands.flatMap(operandExpressions);
    case 'directive': return statement.arguments.flatMap((argument) => argument.expression ?? []);
    case 'assignment': return [statement.value];
    case 'label': return [];
  }
}

/** The symbols a statement mentions, in written order. */
export function mentionsOf(statement: Statement): readonly SymbolMention[] {
  return expressionsOf(statement).flatMap(symbolsIn);
}

function operandExpressions(operand: Operand): readonly Expression[] {
  switch (operand.kind) {
    case 'immediate': return [operand.value];
    case 'memory': return operand.displacement === undefined ? [] : [operand.displacement];
    case 'indirect': return operandExpressions(operand.target);
    case 'register': case 'rounding': return [];
  }
}

function symbolsIn(expression: Expression): readonly SymbolMention[] {
  switch (expression.kind) {
    case 'number': return [];
    case 'symbol': return [expression];
    case 'unary': return symbolsIn(expression.operand);
    case 'binary': return [...symbolsIn(expression.left), ...symbolsIn(expression.right)];
  }
}
