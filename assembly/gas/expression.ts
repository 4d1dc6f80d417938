/**
 * Expressions of the assembler, read with the precedence of GNU as (gas/expr.c, `op_rank`, binutils 2.40).
 */
import { endOfName, isDigit, isNamePart, isNameStart, skipBlanks } from './characters.ts';
import type { SourceRange } from '../source.ts';
import { readEscape, readString } from './escapes.ts';
import type { TextPlaces } from './places.ts';
import type { BinaryOperator, Expression } from './statement.ts';
import { GasSyntaxError } from './syntax-error.ts';

/** What an expression needs to know about the place it stands in. */
export interface ExpressionContext {
  readonly places: TextPlaces;
  /**
   * The unique name that `1b` or `1f` refers to here; undefined: there is no such label. Without the function it is kept as written.
   * @param number the digits; @param direction `b` or `f`; @param range of the reference.
   */
  readonly localLabel?: (number: string, direction: 'b' | 'f', range: SourceRange) => string | undefined;
  /** Intel syntax knows words for operators (`shl`, `and`, `not` …) and numbers with an `h` behind them. */
  readonly intel?: boolean;
}

/** An expression and the offset behind it. */
export interface ParsedExpression {
  readonly expression: Expression;
  readonly end: number;
}

/** `4u`, `4l`, `4ull`: one u, then any number of l. */
const C_SUFFIX = /^[uU]?[lL]*(?![\w.$])/;

/** Deeper nesting than this is refused, so that no input can exhaust the stack. */
export const MAX_EXPRESSION_DEPTH = 200;

/** Binding strength, from gas's `op_rank`: the multiplicative operators bind strongest, then the bitwise ones, then `+` and `-`. */
const RANK: Readonly<Record<BinaryOperator, number>> = {
  '*': 8, '/': 8, '%': 8, '<<': 8, '>>': 8,
  '|': 7, '&': 7, '^': 7, '!': 7,
  '+': 5, '-': 5,
  '==': 4, '<>': 4, '<': 4, '>': 4, '>=': 4, '<=': 4,
  '&&': 3,
  '||': 2,
};

const SINGLE = new Set<string>(['*', '/', '%', '|', '&', '^', '!', '+', '-', '<', '>']);
const DOUBLE: Readonly<Record<string, BinaryOperator>> = {
  '<<': '<<', '>>': '>>', '<=': '<=', '>=': '>=', '<>': '<>', '==': '==', '!=': '<>', '&&': '&&', '||': '||', '!!': '^',
};
const INTEL_WORDS: Readonly<Record<string, BinaryOperator>> = {
  mod: '%', shl: '<<', shr: '>>', and: '&', or: '|', xor: '^', eq: '==', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=',
};

/**
 * Reads the longest expression that begins at `offset` of `text`; the caller looks at what follows.
 * @throws GasSyntaxError where no expression begins, or one breaks off.
 */
export function parseExpression(text: string, offset: number, context: ExpressionContext): ParsedExpression {
  const reader = new ExpressionReader(text, offset, context);
  const expression = reader.binary(0, 0);
  return { expression, end: reader.at };
}

/**
 * Reads all of `text` from `offset` to `end` as one expression.
 * @throws GasSyntaxError if it is none, or if something stands behind it.
 */
export function parseWholeExpression(text: string, offset: number, end: number, context: ExpressionContext): Expression {
  const slice = end === text.length ? text : text.slice(0, end);
  const parsed = parseExpression(slice, offset, context);
  const rest = skipBlanks(slice, parsed.end);
  if (rest < slice.length) throw new GasSyntaxError(`"${slice.slice(rest)}" does not continue the expression before it`, rest, slice.length);
  return parsed.expression;
}

class ExpressionReader {
  readonly text: string;
  readonly context: ExpressionContext;
  at: number;

  constructor(text: string, at: number, context: ExpressionContext) {
    this.text = text;
    this.at = at;
    this.context = context;
  }

  /** Operands joined by operators that bind stronger than `floor`. All operators are left-associative. */
  binary(floor: number, depth: number): Expression {
    let left = this.operand(depth);
    for (;;) {
      const operator = this.operator();
      if (operator === undefined || RANK[operator.operator] <= floor) return left;
      this.at = operator.end;
      const right = this.binary(RANK[operator.operator], depth + 1);
      left = { kind: 'binary', operator: operator.operator, left, right };
    }
  }

  /** The operator that stands next, if one does; does not consume it. */
  private operator(): { readonly operator: BinaryOperator; readonly end: number } | undefined {
    const { text } = this;
    const at = skipBlanks(text, this.at);
    const first = text[at];
    if (first === undefined) return undefined;
    const double = DOUBLE[text.slice(at, at + 2)];
    if (double !== undefined) return { operator: double, end: at + 2 };
    if (SINGLE.has(first)) return { operator: first as BinaryOperator, end: at + 1 };
    if (this.context.intel === true) {
      const end = endOfName(text, at);
      const word = INTEL_WORDS[text.slice(at, end).toLowerCase()];
      if (word !== undefined) return { operator: word, end };
    }
    return undefined;
  }

  private operand(depth: number): Expression {
    const { text } = this;
    const at = (this.at = skipBlanks(text, this.at));
    if (depth > MAX_EXPRESSION_DEPTH) {
      throw new GasSyntaxError(`the expression is nested more than ${String(MAX_EXPRESSION_DEPTH)} deep`, at, text.length);
    }
    const char = text[at];
    if (char === undefined) throw new GasSyntaxError('an expression is missing here', at, at);
    const code = text.charCodeAt(at);
    if (isDigit(code)) return this.number();
    if (isNameStart(code)) return this.symbol(depth);
    switch (char) {
      case '-': case '~': case '!':
        this.at++;
        return { kind: 'unary', operator: char, operand: this.operand(depth + 1) };
      case '+':
        this.at++;
        return this.operand(depth + 1);
      case '(': case '[': {
        if (char === '[' && this.context.intel === true) break;
        this.at++;
        const inner = this.binary(0, depth + 1);
        const close = skipBlanks(text, this.at);
        const expected = char === '(' ? ')' : ']';
        if (text[close] !== expected) throw new GasSyntaxError(`"${expected}" is missing for the "${char}" here`, at, at + 1);
        this.at = close + 1;
        return inner;
      }
      case "'":
        return this.character();
      case '"':
        return this.quotedSymbol();
      case '%':
        return this.register();
      default:
        break;
    }
    throw new GasSyntaxError(`an expression cannot begin with "${char}"`, at, at + 1);
  }

  /** Binary, octal, decimal, hexadecimal, or a reference to a numeric label (`1b`, `1f`). */
  private number(): Expression {
    const { text, at: start } = this;
    let end = start;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    const digits = text.slice(start, end);
    const next = (text[end] ?? '').toLowerCase();
    if (digits === '0' && next === 'x') return this.radix(/[0-9a-fA-F]*/y, end + 1, '0x', 'hexadecimal');
    // A suffix of C means nothing, but is taken.
    if ((next === 'u' || next === 'l') && this.context.intel !== true) {
      const suffix = C_SUFFIX.exec(text.slice(end, end + 5))?.[0].length ?? 0;
      if (suffix > 0 && !(digits.length > 1 && digits.startsWith('0') && /[89]/.test(digits))) return this.literal(BigInt(digits.length > 1 && digits.startsWith('0') ? `0o${digits.slice(1)}` : digits), end + suffix);
    }
    if (digits === '0' && next === 'b' && /[01]/.test(text[end + 1] ?? '')) return this.radix(/[01]+/y, end + 1, '0b', 'binary');
    if ((text[end] === 'b' || text[end] === 'f') && !(end + 1 < text.length && isNamePart(text.charCodeAt(end + 1)))) {
      const direction = text[end] as 'b' | 'f';
      this.at = end + 1;
      const written = text.slice(start, end + 1);
      const range = this.context.places.range(start, end + 1);
      const name = this.context.localLabel === undefined ? written : this.context.localLabel(digits.replace(/^0+(?=\d)/, ''), direction, range);
      if (name === undefined) throw new GasSyntaxError(`there is no label ${digits} in front of this`, start, end + 1, 'undefined-symbol');
      return { kind: 'symbol', name, range };
    }
    if (end < text.length && isNamePart(text.charCodeAt(end))) {
      const junk = endOfWord(text, end);
      throw new GasSyntaxError(`"${text.slice(start, junk)}" is not a number`, start, junk);
    }
    if (digits.length > 1 && digits.startsWith('0')) {
      if (/[89]/.test(digits)) throw new GasSyntaxError(`"${digits}" is octal, for it begins with 0, but has a digit above 7`, start, end);
      return this.literal(BigInt(`0o${digits.slice(1)}`), end);
    }
    return this.literal(BigInt(digits), end);
  }

  private radix(pattern: RegExp, from: number, prefix: '0x' | '0b', name: string): Expression {
    pattern.lastIndex = from;
    const digits = pattern.exec(this.text)?.[0] ?? '';
    const end = from + digits.length + (this.context.intel === true ? 0 : C_SUFFIX.exec(this.text.slice(from + digits.length, from + digits.length + 5))?.[0].length ?? 0);
    if (digits === '' || (end < this.text.length && isNamePart(this.text.charCodeAt(end)))) {
      const junk = endOfWord(this.text, end);
      throw new GasSyntaxError(`"${this.text.slice(this.at, junk)}" is not a ${name} number`, this.at, junk);
    }
    return this.literal(BigInt(prefix + digits), end);
  }

  private literal(value: bigint, end: number): Expression {
    this.at = end;
    return { kind: 'number', value };
  }

  private symbol(depth: number): Expression {
    const { text, at: start } = this;
    const end = endOfName(text, start);
    const written = text.slice(start, end);
    // Intel syntax has `$` for the place where it stands.
    const name = written === '$' && this.context.intel === true ? '.' : written;
    if (this.context.intel === true && name.toLowerCase() === 'not') {
      this.at = end;
      return { kind: 'unary', operator: '~', operand: this.operand(depth + 1) };
    }
    if ((name === '.startof.' || name === '.sizeof.') && text[skipBlanks(text, end)] === '(') return this.ofSection(name, start, end);
    return this.finishSymbol(name, start, end);
  }

  /** `.startof.(section)` and `.sizeof.(section)` are symbols that the linker defines. */
  private ofSection(word: string, start: number, end: number): Expression {
    const { text } = this;
    const from = skipBlanks(text, skipBlanks(text, end) + 1);
    const stop = endOfName(text, from);
    const close = skipBlanks(text, stop);
    if (stop === from || text[close] !== ')') throw new GasSyntaxError(`${word} needs the name of a section in parentheses`, start, end);
    this.at = close + 1;
    return { kind: 'symbol', name: word + text.slice(from, stop), range: this.context.places.range(start, this.at) };
  }

  /** Takes the `@PLT` behind a symbol along. */
  private finishSymbol(name: string, start: number, end: number): Expression {
    const modifier = /@([A-Za-z_][A-Za-z0-9_]*)/y;
    modifier.lastIndex = end;
    const match = modifier.exec(this.text);
    const range = this.context.places.range(start, end);
    this.at = match === null ? end : modifier.lastIndex;
    return match === null ? { kind: 'symbol', name, range } : { kind: 'symbol', name, modifier: match[1]!.toUpperCase(), range };
  }

  private quotedSymbol(): Expression {
    const start = this.at;
    const { end } = readString(this.text, start);
    return this.finishSymbol(this.text.slice(start + 1, end - 1).replace(/\\(["\\])/g, '$1'), start, end);
  }

  /** `'a`, `'\n`, each with or without a closing quote. */
  private character(): Expression {
    const { text, at: start } = this;
    const char = text[start + 1];
    if (char === undefined) throw new GasSyntaxError('a character is missing behind the quote', start, start + 1);
    let value = text.codePointAt(start + 1)!;
    let end = start + (value > 0xffff ? 3 : 2);
    if (char === '\\') ({ value, end } = readEscape(text, start + 1));
    if (text[end] === "'") end++;
    this.at = end;
    return { kind: 'number', value: BigInt(value) };
  }

  /** A register may be given a name: `.set A, %eax`. Its symbol's name keeps the `%`. */
  private register(): Expression {
    const { text, at: start } = this;
    const from = skipBlanks(text, start + 1);
    let end = endOfName(text, from);
    if (end === from) throw new GasSyntaxError('a register name is missing behind "%"', start, start + 1);
    let name = text.slice(from, end).toLowerCase();
    const stack = /\s*\(\s*([0-7])\s*\)/y;
    stack.lastIndex = end;
    const match = name === 'st' ? stack.exec(text) : null;
    if (match !== null) {
      name = `st(${match[1]!})`;
      end = stack.lastIndex;
    }
    this.at = end;
    return { kind: 'symbol', name: `%${name}`, range: this.context.places.range(start, end) };
  }
}

function endOfWord(text: string, offset: number): number {
  while (offset < text.length && isNamePart(text.charCodeAt(offset))) offset++;
  return offset;
}
