/**
 * Folding of expressions, as far as symbols allow it.
 */
import type { Expression } from './statement.ts';

/** What a symbol is known to be. */
export type SymbolValue =
  /** An absolute symbol. */
  | bigint
  /** Defined by an assignment: evaluated in turn. */
  | Expression
  /**
   * A label. Two of the same `space` (a section, or a piece of one in which distances are settled) have a known distance;
   * `space` is compared by identity.
   */
  | { readonly kind: 'label'; readonly space: unknown; readonly offset: bigint };

/** Gives what is known of a symbol, `.` included; undefined for one that is external or not placed yet. */
export type SymbolLookup = (name: string) => SymbolValue | undefined;

/** A symbol in a folded expression. */
export interface SymbolTerm {
  readonly name: string;
  readonly modifier?: string;
}

/** What an expression comes to. Numbers are signed 64-bit. */
export type Folded =
  | { readonly kind: 'absolute'; readonly value: bigint }
  | { readonly kind: 'symbol'; readonly symbol: SymbolTerm; readonly addend: bigint }
  /** `plus - minus + addend`, where the distance is not known (yet). */
  | { readonly kind: 'difference'; readonly plus: SymbolTerm; readonly minus: SymbolTerm; readonly addend: bigint }
  | { readonly kind: 'error'; readonly message: string };

interface Term extends SymbolTerm {
  readonly space?: unknown;
  readonly offset?: bigint;
}

/** A sum of symbols, symbols taken away, and a number. */
interface Sum {
  readonly plus: readonly Term[];
  readonly minus: readonly Term[];
  readonly value: bigint;
}

class FoldError extends Error {}

/** Assignments that refer to one another further than this are taken to go round in circles. */
const MAX_DEPTH = 250;

/** More symbols in one sum than a source means: assignments that add up others double with each. */
const MAX_TERMS = 1000;

/** One folding: a symbol that is named many times is folded once. */
interface Folding {
  readonly lookup: SymbolLookup;
  /** What symbols of assignments came to. */
  sums?: Map<string, Sum>;
}

/**
 * Folds `expression` to a number, a symbol with an addend, or the difference of two symbols with an addend.
 * Arithmetic is that of gas: it wraps at 64 bits, `/` and `%` round towards zero, `>>` shifts in zeros, comparisons are
 * signed and give -1, `&&`, `||` and a unary `!` give 1.
 * A symbol of an assignment whose value cannot be folded counts as that value, not as itself.
 */
export function evaluate(expression: Expression, lookup: SymbolLookup): Folded {
  try {
    const number = foldNumber(expression, lookup, 0);
    if (number !== undefined) return { kind: 'absolute', value: number };
    return classify(fold(expression, { lookup }, 0));
  } catch (error) {
    if (error instanceof FoldError) return { kind: 'error', message: error.message };
    throw error;
  }
}

/** The value of `expression` if it is a number by now, else undefined. */
export function evaluateAbsolute(expression: Expression, lookup: SymbolLookup): bigint | undefined {
  if (expression.kind === 'number') return BigInt.asIntN(64, expression.value);
  const folded = evaluate(expression, lookup);
  return folded.kind === 'absolute' ? folded.value : undefined;
}

/** The value of an expression of numbers alone; undefined for any other. Most expressions of conditionals are of this sort. */
function foldNumber(expression: Expression, lookup: SymbolLookup, depth: number): bigint | undefined {
  if (depth > MAX_DEPTH) return undefined;
  switch (expression.kind) {
    case 'number':
      return BigInt.asIntN(64, expression.value);
    case 'symbol': {
      const known = expression.modifier === undefined ? lookup(expression.name) : undefined;
      return typeof known === 'bigint' ? BigInt.asIntN(64, known) : undefined;
    }
    case 'unary': {
      const value = foldNumber(expression.operand, lookup, depth + 1);
      if (value === undefined) return undefined;
      return expression.operator === '-' ? BigInt.asIntN(64, -value) : expression.operator === '~' ? ~value : value === 0n ? 1n : 0n;
    }
    case 'binary': {
      const left = foldNumber(expression.left, lookup, depth + 1);
      const right = left === undefined ? undefined : foldNumber(expression.right, lookup, depth + 1);
      return left === undefined || right === undefined ? undefined : BigInt.asIntN(64, calculate(expression.operator, left, right));
    }
  }
}

function classify({ plus, minus, value }: Sum): Folded {
  const [first, ...more] = plus;
  const [taken, ...moreTaken] = minus;
  if (more.length > 0 || moreTaken.length > 0 || (first === undefined && taken !== undefined)) {
    return { kind: 'error', message: 'the expression is too complex: at most one symbol can be added and one subtracted' };
  }
  if (first === undefined) return { kind: 'absolute', value };
  if (taken === undefined) return { kind: 'symbol', symbol: plain(first), addend: value };
  return { kind: 'difference', plus: plain(first), minus: plain(taken), addend: value };
}

function plain(term: Term): SymbolTerm {
  return term.modifier === undefined ? { name: term.name } : { name: term.name, modifier: term.modifier };
}

function number(value: bigint): Sum {
  return { plus: [], minus: [], value: BigInt.asIntN(64, value) };
}

function isNumber(sum: Sum): boolean {
  return sum.plus.length === 0 && sum.minus.length === 0;
}

function fold(expression: Expression, folding: Folding, depth: number): Sum {
  if (depth > MAX_DEPTH) throw new FoldError('the expression refers to itself, or is nested too deep');
  switch (expression.kind) {
    case 'number':
      return number(expression.value);
    case 'symbol':
      return foldSymbol(expression, folding, depth);
    case 'unary': {
      const sum = fold(expression.operand, folding, depth + 1);
      if (expression.operator === '-') return negate(sum);
      if (!isNumber(sum)) throw new FoldError(`"${expression.operator}" needs a number that is known while assembling`);
      return number(expression.operator === '~' ? ~sum.value : sum.value === 0n ? 1n : 0n);
    }
    case 'binary': {
      const left = fold(expression.left, folding, depth + 1);
      const right = fold(expression.right, folding, depth + 1);
      if (expression.operator === '+') return add(left, right);
      if (expression.operator === '-') return add(left, negate(right));
      if (isNumber(left) && isNumber(right)) return number(calculate(expression.operator, left.value, right.value));
      return compareSymbols(expression.operator, left, right);
    }
  }
}

function foldSymbol(expression: Extract<Expression, { kind: 'symbol' }>, folding: Folding, depth: number): Sum {
  const { name, modifier } = expression;
  const known = modifier === undefined ? folding.lookup(name) : undefined;
  if (known === undefined) return { plus: [modifier === undefined ? { name } : { name, modifier }], minus: [], value: 0n };
  if (typeof known === 'bigint') return number(known);
  if (known.kind === 'label') return { plus: [{ name, space: known.space, offset: known.offset }], minus: [], value: 0n };
  const before = folding.sums?.get(name);
  if (before !== undefined) return before;
  const sum = fold(known, folding, depth + 1);
  (folding.sums ??= new Map()).set(name, sum);
  return sum;
}

function negate(sum: Sum): Sum {
  return { plus: sum.minus, minus: sum.plus, value: BigInt.asIntN(64, -sum.value) };
}

/** Adds, and lets a symbol and the same symbol taken away (or two labels of one space) cancel out. */
function add(left: Sum, right: Sum): Sum {
  let value = left.value + right.value;
  if (isNumber(left) && isNumber(right)) return number(value);
  if (left.plus.length + left.minus.length + right.plus.length + right.minus.length > MAX_TERMS) throw new FoldError('the expression is too complex: it adds up too many symbols');
  const minus = [...left.minus, ...right.minus];
  const plus: Term[] = [];
  for (const term of [...left.plus, ...right.plus]) {
    const partner = minus.findIndex((other) => sameBase(term, other));
    if (partner < 0) plus.push(term);
    else value += (term.offset ?? 0n) - (minus.splice(partner, 1)[0]!.offset ?? 0n);
  }
  return { plus, minus, value: BigInt.asIntN(64, value) };
}

function sameBase(a: Term, b: Term): boolean {
  if (a.space !== undefined || b.space !== undefined) return a.space === b.space;
  return a.name === b.name && a.modifier === b.modifier;
}

/** Two addresses can be compared when their distance is known. */
function compareSymbols(operator: Extract<Expression, { kind: 'binary' }>['operator'], left: Sum, right: Sum): Sum {
  const distance = add(left, negate(right));
  if (['==', '<>', '<', '<=', '>', '>='].includes(operator) && isNumber(distance)) {
    return number(calculate(operator, distance.value, 0n));
  }
  throw new FoldError(`"${operator}" needs numbers that are known while assembling`);
}

function calculate(operator: Extract<Expression, { kind: 'binary' }>['operator'], left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    case '/': case '%':
      if (right === 0n) throw new FoldError('the expression divides by zero');
      return operator === '/' ? left / right : left % right;
    case '<<': return right < 0n || right > 63n ? 0n : left << right;
    case '>>': return right < 0n || right > 63n ? 0n : BigInt.asUintN(64, left) >> right;
    case '|': return left | right;
    case '&': return left & right;
    case '^': return left ^ right;
    case '!': return left | ~right;
    case '==': return truth(left === right);
    case '<>': return truth(left !== right);
    case '<': return truth(left < right);
    case '>': return truth(left > right);
    case '<=': return truth(left <= right);
    case '>=': return truth(left >= right);
    case '&&': return left !== 0n && right !== 0n ? 1n : 0n;
    case '||': return left !== 0n || right !== 0n ? 1n : 0n;
  }
}

/** gas's true is all ones. */
function truth(value: boolean): bigint {
  return value ? -1n : 0n;
}
