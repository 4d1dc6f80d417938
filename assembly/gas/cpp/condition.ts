/**
 * Expressions of `#if` (C11 6.10.1), in 64-bit arithmetic.
 */
import { DirectiveError } from './macro.ts';
import type { Token } from './token.ts';

interface Value {
  readonly value: bigint;
  readonly unsigned: boolean;
}

const RANK: Readonly<Record<string, number>> = {
  '*': 10, '/': 10, '%': 10, '+': 9, '-': 9, '<<': 8, '>>': 8, '<': 7, '>': 7, '<=': 7, '>=': 7, '==': 6, '!=': 6, '&': 5, '^': 4, '|': 3, '&&': 2, '||': 1,
};
const MAX_DEPTH = 200;

const signed = (value: bigint): Value => ({ value: BigInt.asIntN(64, value), unsigned: false });
const truth = (value: boolean): Value => signed(value ? 1n : 0n);

/**
 * Whether the expression, macros already expanded, is true.
 * @throws DirectiveError
 */
export function evaluateCondition(tokens: readonly Token[]): boolean {
  if (tokens.length === 0) throw new DirectiveError('an expression is missing behind #if');
  const reader = new ConditionReader(tokens);
  const value = reader.conditional(0, true);
  const rest = reader.peek();
  if (rest !== undefined) throw new DirectiveError(`"${rest.text}" does not continue the expression before it`, rest);
  return value.value !== 0n;
}

class ConditionReader {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  peek(): Token | undefined {
    return this.tokens[this.at];
  }

  /** @param live false where the value does not matter: divisions by zero are then no error. */
  conditional(depth: number, live: boolean): Value {
    const condition = this.binary(0, depth, live);
    if (this.peek()?.text !== '?') return condition;
    this.at++;
    const yes = this.conditional(depth + 1, live && condition.value !== 0n);
    this.expect(':');
    const no = this.conditional(depth + 1, live && condition.value === 0n);
    const chosen = condition.value !== 0n ? yes : no;
    return wrap(chosen.value, yes.unsigned || no.unsigned);
  }

  private binary(floor: number, depth: number, live: boolean): Value {
    let left = this.unary(depth, live);
    for (;;) {
      const token = this.peek();
      const rank = token?.kind === 'punctuator' ? RANK[token.text] : undefined;
      if (token === undefined || rank === undefined || rank <= floor) return left;
      this.at++;
      const needed = live && !(token.text === '&&' && left.value === 0n) && !(token.text === '||' && left.value !== 0n);
      const right = this.binary(rank, depth + 1, needed);
      left = calculate(token, left, right, needed);
    }
  }

  private unary(depth: number, live: boolean): Value {
    const token = this.peek();
    if (token === undefined) throw new DirectiveError('the expression breaks off', this.tokens.at(-1));
    if (depth > MAX_DEPTH) throw new DirectiveError(`the expression is nested more than ${String(MAX_DEPTH)} deep`, token);
    this.at++;
    switch (token.text) {
      case '-': {
        const { value, unsigned } = this.unary(depth + 1, live);
        return wrap(-value, unsigned);
      }
      case '+': return this.unary(depth + 1, live);
      case '~': {
        const { value, unsigned } = this.unary(depth + 1, live);
        return wrap(~value, unsigned);
      }
      case '!': return truth(this.unary(depth + 1, live).value === 0n);
      case '(': {
        const value = this.conditional(depth + 1, live);
        this.expect(')');
        return value;
      }
      default: break;
    }
    if (token.kind === 'number') return readNumber(token);
    if (token.kind === 'character') return signed(readCharacter(token));
    // A name that is no macro is 0.
    if (token.kind === 'name') return signed(0n);
    throw new DirectiveError(`"${token.text}" cannot stand in the expression of #if`, token);
  }

  private expect(text: string): void {
    const token = this.peek();
    if (token?.text !== text) throw new DirectiveError(`"${text}" is missing in the expression`, token ?? this.tokens.at(-1));
    this.at++;
  }
}

function wrap(value: bigint, unsigned: boolean): Value {
  return { value: unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value), unsigned };
}

function readNumber(token: Token): Value {
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlLzZ]*)$/.exec(token.text);
  if (match === null) throw new DirectiveError(`"${token.text}" is no whole number`, token);
  const digits = match[1]!;
  const octal = /^0[0-9]+$/.test(digits);
  if (octal && /[89]/.test(digits)) throw new DirectiveError(`"${token.text}" is octal, for it begins with 0, but has a digit above 7`, token);
  const value = BigInt.asUintN(64, octal ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits.toLowerCase()));
  return wrap(value, /u/i.test(match[2]!) || value >= 1n << 63n);
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12, v: 11, a: 7, e: 27 };

function readCharacter(token: Token): bigint {
  const text = token.text.slice(1, -1);
  if (text === '') throw new DirectiveError('a character is missing between the quotes', token);
  if (text.startsWith('\\')) {
    const letter = text[1] ?? '';
    if (/[0-7]/.test(letter)) return BigInt.asIntN(8, BigInt(Number.parseInt(text.slice(1), 8) || 0));
    if (letter === 'x') return BigInt.asIntN(8, BigInt(Number.parseInt(text.slice(2, 10), 16) || 0));
    return BigInt(ESCAPES[letter] ?? letter.charCodeAt(0));
  }
  return BigInt.asIntN(8, BigInt(text.codePointAt(0)! & 0xff));
}

function calculate(token: Token, left: Value, right: Value, live: boolean): Value {
  const unsigned = left.unsigned || right.unsigned;
  const a = unsigned ? BigInt.asUintN(64, left.value) : left.value;
  const b = unsigned ? BigInt.asUintN(64, right.value) : right.value;
  switch (token.text) {
    case '*': return wrap(a * b, unsigned);
    case '/': case '%':
      if (b === 0n) {
        if (live) throw new DirectiveError('the expression of #if divides by zero', token);
        return wrap(0n, unsigned);
      }
      return wrap(token.text === '/' ? a / b : a % b, unsigned);
    case '+': return wrap(a + b, unsigned);
    case '-': return wrap(a - b, unsigned);
    case '<<': return shift(left, right.value);
    case '>>': return shift(left, -right.value);
    case '<': return truth(a < b);
    case '>': return truth(a > b);
    case '<=': return truth(a <= b);
    case '>=': return truth(a >= b);
    case '==': return truth(a === b);
    case '!=': return truth(a !== b);
    case '&': return wrap(a & b, unsigned);
    case '^': return wrap(a ^ b, unsigned);
    case '|': return wrap(a | b, unsigned);
    case '&&': return truth(left.value !== 0n && right.value !== 0n);
    default: return truth(left.value !== 0n || right.value !== 0n);
  }
}

/** Shifts left by `count` bits, right by a negative one. */
function shift({ value, unsigned }: Value, count: bigint): Value {
  if (count >= 64n) return wrap(0n, unsigned);
  if (count <= -64n) return wrap(value < 0n ? -1n : 0n, unsigned);
  return wrap(count >= 0n ? value << count : value >> -count, unsigned);
}
