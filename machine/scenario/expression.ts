/**
 * The expressions that custom promises are made of: over arguments, registers after the call, and memory before and after.
 *
 *     rax <= n
 *     vector == 0 => rax == 0
 *     copied(dst, src, n - rax) && unchanged(dst + n - rax, rax)
 *
 * Numbers are whole and of any size; comparisons and logic give 0 or 1, and anything but 0 counts as true. A register is its value after
 * the call, `old.` before it the value at the call; the same for `load` and `sum`. A role (`dst`, `n`) is what was passed in it.
 */
import { GENERAL_REGISTERS } from '../cpu/cpu.ts';

export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'name'; readonly name: string; readonly old: boolean }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly old: boolean; readonly operands: readonly Expression[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'choice'; readonly condition: Expression; readonly yes: Expression; readonly no: Expression };

/** Functions by name: their operands, and what they give. */
export const FUNCTIONS = {
  load: { operands: ['address', 'size'], text: 'the number in `size` bytes of memory, little-endian' },
  copied: { operands: ['to', 'from', 'size'], text: 'whether memory at `to` now holds what was at `from` before the call' },
  unchanged: { operands: ['address', 'size'], text: 'whether memory is as it was before the call' },
  filled: { operands: ['address', 'size', 'byte'], text: 'whether each byte of memory is `byte`' },
  sum: { operands: ['address', 'size'], text: 'the Internet checksum of memory, folded to 16 bits' },
  signed: { operands: ['value', 'bits'], text: 'the lowest `bits` of a number, taken as signed' },
  low: { operands: ['value', 'bits'], text: 'the lowest `bits` of a number' },
} as const;
export type FunctionName = keyof typeof FUNCTIONS;

/** What can be named beside registers and roles. */
export const VALUES = {
  returned: 'what the contract\'s `returns` register holds',
  exceptions: 'how many exceptions the call took',
  vector: 'number of the last exception, 0 if there was none',
  position: 'the first byte of a buffer at which the case can fault, -1 if it names none',
} as const;

/** Lower halves of the general registers, as they are written. */
export const HALF_REGISTERS: readonly string[] = GENERAL_REGISTERS.map((name) => (/^r\d/.test(name) ? `${name}d` : `e${name.slice(1)}`));

export type ParseResult = { readonly ok: true; readonly expression: Expression } | { readonly ok: false; readonly message: string; /** In the text, from 0. */ readonly offset: number };

/** Levels of binary operators, loosest first. */
const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!=', '<=', '>=', '<', '>'], ['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];
const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+)|(old\.)?([A-Za-z_]\w*)|(=>|\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>?:(),]))/y;
/** Longer texts, and deeper nesting, are nobody's promise. */
const MAX_TEXT = 2000, MAX_DEPTH = 64;

/** Reads an expression in which the roles of a contract may be named. */
export function parseExpression(text: string, roles: readonly string[]): ParseResult {
  try {
    return { ok: true, expression: new Parser(text, roles).whole() };
  } catch (error) {
    if (error instanceof ExpressionError) return { ok: false, message: error.message, offset: error.offset };
    throw error;
  }
}

class ExpressionError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'ExpressionError';
    this.offset = offset;
  }
}

interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly old: boolean;
  readonly offset: number;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names: ReadonlySet<string>;
  readonly #roles: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(text: string, roles: readonly string[]) {
    if (text.length > MAX_TEXT) throw new ExpressionError(`longer than ${String(MAX_TEXT)} characters`, MAX_TEXT);
    this.#tokens = tokens(text);
    this.#roles = roles;
    this.#names = new Set([...GENERAL_REGISTERS, ...HALF_REGISTERS, ...Object.keys(VALUES), ...roles]);
  }

  whole(): Expression {
    const expression = this.#implication();
    const rest = this.#peek;
    if (rest.kind !== 'end') throw new ExpressionError(`"${rest.text}" is too much`, rest.offset);
    return expression;
  }

  get #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #accept(sign: string): boolean {
    const found = this.#peek.kind === 'sign' && this.#peek.text === sign;
    if (found) this.#at++;
    return found;
  }

  #expect(sign: string): void {
    if (!this.#accept(sign)) throw new ExpressionError(`"${sign}" is missing${this.#peek.kind === 'end' ? '' : ` before "${this.#peek.text}"`}`, this.#peek.offset);
  }

  #implication(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new ExpressionError('too deeply nested', this.#peek.offset);
    let result = this.#binary(0);
    if (this.#accept('?')) {
      const yes = this.#implication();
      this.#expect(':');
      result = { kind: 'choice', condition: result, yes, no: this.#implication() };
    } else if (this.#accept('=>')) result = { kind: 'binary', operator: '=>', left: result, right: this.#implication() };
    this.#depth--;
    return result;
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (let operator = operators.find((sign) => this.#accept(sign)); operator !== undefined; operator = operators.find((sign) => this.#accept(sign))) {
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) };
    }
    return left;
  }

  #unary(): Expression {
    const operator = ['!', '-', '~'].find((sign) => this.#accept(sign));
    if (operator === undefined) return this.#primary();
    if (++this.#depth > MAX_DEPTH) throw new ExpressionError('too deeply nested', this.#peek.offset);
    const operand = this.#unary();
    this.#depth--;
    return { kind: 'unary', operator, operand };
  }

  #primary(): Expression {
    const token = this.#peek;
    if (this.#accept('(')) {
      const inner = this.#implication();
      this.#expect(')');
      return inner;
    }
    this.#at++;
    if (token.kind === 'number') return { kind: 'number', value: BigInt(token.text) };
    if (token.kind !== 'name') throw new ExpressionError(token.kind === 'end' ? 'ends where a value is expected' : `"${token.text}" where a value is expected`, token.offset);
    if (this.#accept('(')) return this.#call(token);
    if (!this.#names.has(token.text)) throw new ExpressionError(`nothing is called "${token.text}"; there are ${[...this.#roles, ...Object.keys(VALUES)].join(', ')}, the general registers, and ${functionNames()}`, token.offset);
    return { kind: 'name', name: token.text, old: token.old };
  }

  #call({ text: name, old, offset }: Token): Expression {
    if (!isFunction(name)) throw new ExpressionError(`there is no function "${name}"; there are ${functionNames()}`, offset);
    const operands: Expression[] = [];
    if (!this.#accept(')')) {
      do operands.push(this.#implication()); while (this.#accept(','));
      this.#expect(')');
    }
    const wanted = FUNCTIONS[name].operands;
    if (operands.length !== wanted.length) throw new ExpressionError(`${name} takes ${wanted.join(', ')}`, offset);
    if (old && name !== 'load' && name !== 'sum') throw new ExpressionError(`"old." means nothing before ${name}`, offset);
    return { kind: 'call', name, old, operands };
  }
}

function tokens(text: string): readonly Token[] {
  const result: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new ExpressionError(`"${text.slice(at).trimStart()[0]!}" means nothing here`, at + text.slice(at).search(/\S/));
    const [whole, number, old, name, sign] = match;
    const offset = at + whole.search(/\S/);
    result.push({ kind: number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign', text: number ?? name ?? sign ?? '', old: old !== undefined, offset });
  }
  return [...result, { kind: 'end', text: '', old: false, offset: text.length }];
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

function functionNames(): string {
  return Object.entries(FUNCTIONS).map(([name, { operands }]) => `${name}(${operands.join(', ')})`).join(', ');
}
