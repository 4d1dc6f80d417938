/**
 * A Pratt parser for the debugger's expressions. C's operators and precedences, `[address]` and `byte [address]` for memory,
 * AT&T's `8(%rsi,%rcx,2)` as people copy it from the source, and `=` to assign.
 */
import { ExpressionError } from './expression.ts';
import type { Expression, MemorySize } from './expression.ts';
import { tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';

/** Nesting beyond this is refused, so that no input can exhaust the stack. */
const DEPTH_LIMIT = 100;
const LENGTH_LIMIT = 10_000;

const BINARY: Readonly<Record<string, number>> = {
  '||': 3, '&&': 4, '|': 5, '^': 6, '&': 7, '==': 8, '!=': 8, '<': 9, '>': 9, '<=': 9, '>=': 9,
  '<<': 10, '>>': 10, '+': 11, '-': 11, '*': 12, '/': 12, '%': 12,
};
const ASSIGNMENT = 1, CONDITIONAL = 2, UNARY = 13;
const SIZES: Readonly<Record<string, MemorySize>> = { byte: 1, word: 2, dword: 4, qword: 8, long: 4, quad: 8 };

/** Parses the whole of `text`; throws ExpressionError. */
export function parseExpression(text: string): Expression {
  if (text.length > LENGTH_LIMIT) throw new ExpressionError(`an expression has at most ${String(LENGTH_LIMIT)} characters`, 0);
  const parser = new Parser(tokenize(text));
  return parser.whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    if (this.#tokens.length === 1) throw new ExpressionError('an expression is missing', 0);
    const expression = this.#expression(0);
    if (this.#peek.kind !== 'end') throw unexpected(this.#peek);
    return expression;
  }

  get #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#peek;
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #isOperator(text: string): boolean {
    return this.#peek.kind === 'operator' && this.#peek.text === text;
  }

  #accept(text: string): boolean {
    const found = this.#isOperator(text);
    if (found) this.#next++;
    return found;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw new ExpressionError(`"${text}" expected${describe(this.#peek)}`, this.#peek.at);
  }

  #expression(minimum: number): Expression {
    if (++this.#depth > DEPTH_LIMIT) throw new ExpressionError(`nested deeper than ${String(DEPTH_LIMIT)}`, this.#peek.at);
    let left = this.#operand();
    for (;;) {
      const token = this.#peek;
      if (token.kind !== 'operator') break;
      const power = BINARY[token.text];
      if (power !== undefined && power > minimum) {
        this.#take();
        left = { kind: 'binary', operator: token.text, left, right: this.#expression(power), at: token.at };
      } else if (token.text === '?' && minimum < CONDITIONAL) {
        this.#take();
        const then = this.#expression(0);
        this.#expect(':');
        left = { kind: 'conditional', condition: left, then, otherwise: this.#expression(CONDITIONAL - 1) };
      } else if (token.text === '=' && minimum < ASSIGNMENT) {
        this.#take();
        if (left.kind !== 'name' && left.kind !== 'memory') throw new ExpressionError('only registers, flags and memory can be assigned to', token.at);
        left = { kind: 'assignment', target: left, value: this.#expression(ASSIGNMENT - 1), at: token.at };
      } else break;
    }
    this.#depth--;
    return left;
  }

  #operand(): Expression {
    const token = this.#take();
    switch (token.kind) {
      case 'number':
        return this.#attMemory({ kind: 'number', value: BigInt.asUintN(64, token.value) }, token.at);
      case 'name': {
        const size = SIZES[token.text.toLowerCase()];
        if (size !== undefined && this.#isOperator('[')) return this.#memory(size, this.#take().at);
        return this.#attMemory({ kind: 'name', name: token.text, at: token.at }, token.at);
      }
      case 'operator':
        return this.#prefixed(token.text, token.at);
      case 'end':
        throw unexpected(token);
    }
  }

  #prefixed(operator: string, at: number): Expression {
    if (operator === '[') return this.#memory(8, at);
    if (operator === '(') {
      if (this.#startsAttAddress()) return this.#attAddress(undefined, at);
      const inside = this.#expression(0);
      this.#expect(')');
      return inside;
    }
    if (operator === '-' || operator === '~' || operator === '!' || operator === '+') {
      const number = this.#peek;
      // `-8(%rbp)`: the sign belongs to the displacement.
      if (operator === '-' && number.kind === 'number') {
        this.#take();
        return this.#attMemory({ kind: 'number', value: BigInt.asUintN(64, -number.value) }, at);
      }
      return { kind: 'unary', operator, operand: this.#expression(UNARY) };
    }
    // `*dst` and `&dst` as C people write them.
    if (operator === '*') return { kind: 'memory', address: this.#expression(UNARY), size: 8, at };
    throw new ExpressionError(`unexpected "${operator}"`, at);
  }

  #memory(size: MemorySize, at: number): Expression {
    const address = this.#expression(0);
    this.#expect(']');
    return { kind: 'memory', address, size, at };
  }

  /** `(%` or `(,` opens an AT&T address. */
  #startsAttAddress(): boolean {
    const token = this.#peek;
    return (token.kind === 'name' && token.text.startsWith('%')) || this.#isOperator(',');
  }

  /** `displacement(%base,%index,scale)`, if the parenthesis opens an address. */
  #attMemory(displacement: Expression, at: number): Expression {
    const next = this.#tokens[this.#next + 1];
    const opens = this.#isOperator('(') && next !== undefined
      && ((next.kind === 'name' && next.text.startsWith('%')) || (next.kind === 'operator' && next.text === ','));
    if (!opens) return displacement;
    this.#take();
    return this.#attAddress(displacement, at);
  }

  #attAddress(displacement: Expression | undefined, at: number): Expression {
    const sum = (left: Expression | undefined, right: Expression): Expression => (left === undefined ? right : { kind: 'binary', operator: '+', left, right, at });
    let address = displacement;
    if (!this.#isOperator(',')) address = sum(address, this.#attRegister());
    if (this.#accept(',')) {
      const index = this.#attRegister();
      const scale = this.#accept(',') ? this.#take() : undefined;
      if (scale !== undefined && scale.kind !== 'number') throw unexpected(scale);
      address = sum(address, scale === undefined ? index : { kind: 'binary', operator: '*', left: index, right: { kind: 'number', value: scale.value }, at });
    }
    this.#expect(')');
    return { kind: 'memory', address: address!, size: 8, at };
  }

  #attRegister(): Expression {
    const token = this.#take();
    if (token.kind !== 'name' || !token.text.startsWith('%')) throw new ExpressionError(`a register such as %rsi expected${describe(token)}`, token.at);
    return { kind: 'name', name: token.text, at: token.at };
  }
}

function describe(token: Token): string {
  if (token.kind === 'end') return ' at the end';
  return `, not "${token.kind === 'number' ? String(token.value) : token.text}"`;
}

function unexpected(token: Token): ExpressionError {
  return new ExpressionError(token.kind === 'end' ? 'the expression ends too early' : `unexpected "${token.kind === 'number' ? String(token.value) : token.text}"`, token.at);
}
