/**
 * Remembers encodings by everything that decides them: programs repeat themselves, and the encoder is slow.
 */
import type { Expression, InstructionStatement, Operand } from '../../gas/statement.ts';
import type { Resolve } from './arguments.ts';
import type { EncodedInstruction } from './emit.ts';
import { EncodeError } from './encode-error.ts';

/** Bounds the memo: a long-lived language server sees many texts. */
const LIMIT = 50_000;

interface Remembered {
  readonly encoded: EncodedInstruction;
  /** For each field, the operand its expression comes from. */
  readonly sources: readonly number[];
}

const memo = new Map<string, Remembered>();
/** What became of statements that mention no symbol, by what they say: a file is assembled again after each change, mostly from the same ones. */
const settled = new WeakMap<InstructionStatement, EncodedInstruction | EncodeError>();
/** The same of those that mention symbols, where none of the symbols' values was known. */
const open = new WeakMap<InstructionStatement, EncodedInstruction>();

/**
 * The encoding of `statement`, if it is the same wherever the statement stands and has been worked out before. Throws {@link EncodeError} if it has none.
 * Nothing is known of one that names the empty index, which the source must have allowed.
 */
export function settledEncoding(statement: InstructionStatement): EncodedInstruction | undefined {
  const known = settled.get(statement);
  if (known instanceof EncodeError) throw known;
  return known;
}

/** The encoding of `statement`, from an earlier one that differs only in symbolic expressions, or from `encode`. */
export function remember(
  statement: InstructionStatement, resolve: Resolve, encode: (statement: InstructionStatement, resolve: Resolve) => EncodedInstruction,
): EncodedInstruction {
  const known = settledEncoding(statement);
  if (known !== undefined) return known;
  const isSettled = statement.operands.every(isSettledOperand);
  try {
    if (!isSettled && statement.operands.every((operand) => isOpen(operand, resolve))) return rememberOpen(statement, encode);
    const encoded = rememberText(statement, resolve, encode);
    if (isSettled) settled.set(statement, encoded);
    return encoded;
  } catch (error) {
    // What cannot be encoded costs more than what can: others are sought that can.
    if (isSettled && error instanceof EncodeError) settled.set(statement, error);
    throw error;
  }
}

/** True for an operand whose expression, if it has one, is a number as it stands, and which does not name the empty index. */
function isSettledOperand(operand: Operand): boolean {
  const inner = operand.kind === 'indirect' ? operand.target : operand;
  if (inner.kind === 'memory' && isEmptyIndex(inner.index)) return false;
  const expression = expressionOf(operand);
  return expression === undefined || expression.kind === 'number';
}

/** Whether `register` names the absence of an index. */
export function isEmptyIndex(register: string | undefined): boolean {
  return register === 'riz' || register === 'eiz';
}

/** True for an operand whose expression, if it has one, is a number as it stands or not known. */
function isOpen(operand: Operand, resolve: Resolve): boolean {
  const expression = expressionOf(operand);
  return expression === undefined || expression.kind === 'number' || resolve(expression) === undefined;
}

const UNKNOWN: Resolve = (expression) => (expression.kind === 'number' ? BigInt.asIntN(64, expression.value) : undefined);

/** The encoding of `statement` with every symbol in it unknown. */
function rememberOpen(statement: InstructionStatement, encode: (statement: InstructionStatement, resolve: Resolve) => EncodedInstruction): EncodedInstruction {
  let encoded = open.get(statement);
  if (encoded === undefined) open.set(statement, encoded = rememberText(statement, UNKNOWN, encode));
  return encoded;
}

function rememberText(statement: InstructionStatement, resolve: Resolve, encode: (statement: InstructionStatement, resolve: Resolve) => EncodedInstruction): EncodedInstruction {
  const key = keyOf(statement, resolve);
  const known = memo.get(key);
  if (known !== undefined) return renew(known, statement);
  const encoded = encode(statement, resolve);
  const sources = encoded.fields.map((field) => statement.operands.findIndex((operand) => expressionOf(operand) === field.expression));
  if (sources.includes(-1)) return encoded;
  if (memo.size >= LIMIT) memo.clear();
  memo.set(key, { encoded, sources });
  return encoded;
}

function renew({ encoded, sources }: Remembered, statement: InstructionStatement): EncodedInstruction {
  if (sources.length === 0) return encoded;
  const fields = encoded.fields.map((field, index) => ({ ...field, expression: expressionOf(statement.operands[sources[index]!]!)! }));
  return { ...encoded, fields };
}

/** The expression in an operand, if it has one. */
function expressionOf(operand: Operand): Expression | undefined {
  switch (operand.kind) {
    case 'immediate': return operand.value;
    case 'memory': return operand.displacement;
    case 'indirect': return expressionOf(operand.target);
    default: return undefined;
  }
}

function keyOf({ bits, prefixes, mnemonic, operands }: InstructionStatement, resolve: Resolve): string {
  let key = `${String(bits)} ${prefixes.join(' ')} ${mnemonic}`;
  for (const operand of operands) key += ` ${operandKey(operand, resolve)}`;
  return key;
}

function operandKey(operand: Operand, resolve: Resolve): string {
  switch (operand.kind) {
    case 'register':
      return operand.decoration === undefined ? `%${operand.name}` : `%${operand.name}${JSON.stringify(operand.decoration)}`;
    case 'immediate':
      return `$${valueKey(operand.value, resolve)}`;
    case 'indirect':
      return `*${operandKey(operand.target, resolve)}`;
    case 'rounding':
      return operand.mode;
    case 'memory': {
      const { segment = '', displacement, base = '', index = '', scale = '', parenthesised, decoration } = operand;
      const inner = `${segment}:${displacement === undefined ? '' : valueKey(displacement, resolve)}${parenthesised ? '(' : '['}${base},${index},${String(scale)}`;
      return decoration === undefined ? inner : inner + JSON.stringify(decoration);
    }
  }
}

/** A number, or `?` for what only layout knows. */
function valueKey(expression: Expression, resolve: Resolve): string {
  return (expression.kind === 'number' ? expression.value : resolve(expression))?.toString() ?? '?';
}
