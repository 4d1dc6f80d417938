/**
 * `#if` expressions (C11 6.10.1): 64-bit integers, names that are no macros count as 0.
 */
import type { Token } from './tokens.ts';

export class ConditionError extends Error {}

const RANK: Readonly<Record<string, number>> = {
  '||': 1, '&&': 2, '|': 3, '^': 4, '&': 5, '==': 6, '!=': 6, '<': 7, '>': 7, '<=': 7, '>=': 7, '<<': 8, '>>': 8, '+': 9, '-': 9, '*': 10, '/': 10, '%': 10,
};
const DEPTH_LIMIT = 200;

/** The value of an expression whose macros (and `defined`) are already replaced. */
export function conditionValue(tokens: readonly Token[]): bigint {
  const words = tokens.filter(({ kind }) => kind !== 'space').map(({ text }) => text);
  const operators: string[] = [];
  for (const word of words) {
    const last = operators.at(-1);
    if (last !== undefined && /^(\|\||&&|==|!=|<=|>=|<<|>>)$/.test(last + word)) operators[operators.length - 1] = last + word;
    else operators.push(word);
  }
  const reader = new ConditionReader(operators);
  const value = reader.conditional(0);
  reader.end();
  return value;
}

class ConditionReader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  end(): void {
    const rest = this.#words[this.#at];
    if (rest !== undefined) throw new ConditionError(`"${rest}" does not continue the condition`);
  }

  conditional(depth: number): bigint {
    const condition = this.#binary(0, depth);
    if (this.#words[this.#at] !== '?') return condition;
    this.#at++;
    const then = this.conditional(depth + 1);
    if (this.#words[this.#at++] !== ':') throw new ConditionError('":" is missing');
    const otherwise = this.conditional(depth + 1);
    return condition !== 0n ? then : otherwise;
  }

  #binary(floor: number, depth: number): bigint {
    let left = this.#unary(depth);
    for (;;) {
      const operator = this.#words[this.#at] ?? '';
      const rank = RANK[operator];
      if (rank === undefined || rank <= floor) return left;
      this.#at++;
      left = BigInt.asIntN(64, apply(operator, left, this.#binary(rank, depth + 1)));
    }
  }

  #unary(depth: number): bigint {
    if (depth > DEPTH_LIMIT) throw new ConditionError('the condition is nested too deep');
    const word = this.#words[this.#at++];
    if (word === undefined) throw new ConditionError('the condition breaks off');
    switch (word) {
      case '!': return this.#unary(depth + 1) === 0n ? 1n : 0n;
      case '-': return BigInt.asIntN(64, -this.#unary(depth + 1));
      case '+': return this.#unary(depth + 1);
      case '~': return ~this.#unary(depth + 1);
      case '(': {
        const value = this.conditional(depth + 1);
        if (this.#words[this.#at++] !== ')') throw new ConditionError('")" is missing');
        return value;
      }
      default: return primary(word);
    }
  }
}

function primary(word: string): bigint {
  const number = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)[uUlL]*$/.exec(word);
  if (number !== null) {
    const digits = number[1]!;
    return BigInt.asIntN(64, BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits));
  }
  const character = /^'(?:\\(.)|([^\\]))'$/s.exec(word);
  if (character !== null) return BigInt((character[1] ?? character[2])!.codePointAt(0)!);
  if (/^[A-Za-z_]\w*$/.test(word)) return 0n;
  throw new ConditionError(`"${word}" cannot stand in a condition`);
}

function apply(operator: string, left: bigint, right: bigint): bigint {
  const truth = (value: boolean): bigint => (value ? 1n : 0n);
  switch (operator) {
    case '||': return truth(left !== 0n || right !== 0n);
    case '&&': return truth(left !== 0n && right !== 0n);
    case '|': return left | right;
    case '^': return left ^ right;
    case '&': return left & right;
    case '==': return truth(left === right);
    case '!=': return truth(left !== right);
    case '<': return truth(left < right);
    case '>': return truth(left > right);
    case '<=': return truth(left <= right);
    case '>=': return truth(left >= right);
    case '<<': return left << (right & 63n);
    case '>>': return left >> (right & 63n);
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    default:
      // A part that is not taken may divide by zero: `defined X && 1 / X`.
      if (right === 0n) return 0n;
      return operator === '/' ? left / right : left % right;
  }
}
