/**
 * Reading the arguments of directives: each function says what is wrong with an argument that does not fit.
 */
import type { DirectiveArgument, DirectiveStatement, Expression } from '../gas/statement.ts';
import { decodeUtf8 } from '../elf/utf8.ts';
import { AssemblyError } from './assembly-error.ts';
import type { AssemblyState } from './state.ts';

/** The argument at `index`. Throws if it is missing or empty. */
export function required(statement: DirectiveStatement, index: number, what: string): DirectiveArgument {
  const argument = statement.arguments[index];
  if (argument === undefined || (argument.text === '' && argument.string === undefined)) throw new AssemblyError('bad-directive', `${statement.name} needs ${what}`);
  return argument;
}

/** The argument at `index`, or undefined if it is missing or empty. */
export function optional(statement: DirectiveStatement, index: number): DirectiveArgument | undefined {
  const argument = statement.arguments[index];
  return argument === undefined || (argument.text === '' && argument.string === undefined) ? undefined : argument;
}

/** The expression of `argument`. */
export function expressionOf(argument: DirectiveArgument): Expression {
  if (argument.expression === undefined) throw new AssemblyError('bad-expression', `\`${argument.text}\` is no expression`, argument.range);
  return argument.expression;
}

/** The number that `argument` comes to by now. */
export function numberOf(state: AssemblyState, argument: DirectiveArgument): bigint {
  const value = state.known(expressionOf(argument));
  if (value === undefined) throw new AssemblyError('bad-expression', `\`${argument.text}\` must be a number that is known here`, argument.range);
  return value;
}

/** As {@link numberOf}, within `low` .. `high`. */
export function boundedNumber(state: AssemblyState, argument: DirectiveArgument, low: number, high: number): number {
  const value = numberOf(state, argument);
  if (value < BigInt(low) || value > BigInt(high)) throw new AssemblyError('value-out-of-range', `${value.toString()} is not between ${String(low)} and ${String(high)}`, argument.range);
  return Number(value);
}

/** A name: bare, or in quotes. */
export function nameOf(argument: DirectiveArgument): string {
  const name = argument.string === undefined ? argument.text : decodeUtf8(argument.string);
  if (name === '') throw new AssemblyError('bad-symbol', 'a name is missing', argument.range);
  return name;
}

/** A symbol's name. */
export function symbolName(argument: DirectiveArgument): string {
  if (argument.string !== undefined) return nameOf(argument);
  const { expression } = argument;
  if (expression?.kind === 'symbol' && expression.modifier === undefined && !expression.name.startsWith('%')) return expression.name;
  if (/^[\p{L}_.$][\p{L}\p{N}_.$]*$/u.test(argument.text)) return argument.text;
  throw new AssemblyError('bad-symbol', `\`${argument.text}\` is no symbol name`, argument.range);
}

/** The bytes of a string argument. */
export function stringOf(argument: DirectiveArgument): Uint8Array {
  if (argument.string === undefined) throw new AssemblyError('bad-directive', `\`${argument.text}\` is no string: it needs quotes`, argument.range);
  return argument.string;
}
