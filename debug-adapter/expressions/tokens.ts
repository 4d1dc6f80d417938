/**
 * Tokens of the debugger's expressions.
 */
import { ExpressionError } from './expression.ts';

export type Token =
  | { readonly kind: 'number'; readonly value: bigint; readonly at: number }
  | { readonly kind: 'name'; readonly text: string; readonly at: number }
  | { readonly kind: 'operator'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly at: number };

const SPACE = /\s*/y;
const NUMBER = /0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*/y;
/** Symbols may hold dots and dollars; registers may be written `%rax` or `$rax`. */
const NAME = /[%$]?[A-Za-z_.][\w.$@]*/y;
const CHARACTER = /'(\\.|[^'\\])'/y;
const OPERATOR = /<<=?|>>=?|[=!<>]=|&&|\|\||[-+*/%&|^~!<>()[\],?:=]/y;

/** Splits `text`; throws ExpressionError at what is no token. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  for (;;) {
    at += take(SPACE)![0].length;
    if (at >= text.length) return [...tokens, { kind: 'end', at }];
    // `$5` is AT&T for the number 5.
    const immediate = text[at] === '$' && /[0-9]/.test(text[at + 1] ?? '');
    if (immediate) at++;
    const number = take(NUMBER);
    if (number !== null) {
      const digits = number[0].replaceAll('_', '');
      if (/^0[xXbBoO]$/.test(digits) || /[A-Za-z_]/.test(text[at + number[0].length] ?? '')) throw new ExpressionError(`"${text.slice(at, at + number[0].length + 1)}" is not a number`, at);
      tokens.push({ kind: 'number', value: BigInt(digits), at });
      at += number[0].length;
      continue;
    }
    const character = take(CHARACTER);
    if (character !== null) {
      const inside = character[1]!;
      tokens.push({ kind: 'number', value: BigInt((inside.length === 2 ? ESCAPES[inside[1]!] ?? inside[1]! : inside).codePointAt(0)!), at });
      at += character[0].length;
      continue;
    }
    const name = startsOperand(tokens) ? take(NAME) : take(/[A-Za-z_.][\w.$@]*/y);
    if (name !== null) {
      tokens.push({ kind: 'name', text: name[0], at });
      at += name[0].length;
      continue;
    }
    const operator = take(OPERATOR);
    if (operator === null) throw new ExpressionError(`unexpected "${text[at]!}"`, at);
    tokens.push({ kind: 'operator', text: operator[0], at });
    at += operator[0].length;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0' };

/** After an operand, `%` is the remainder; before one, it is AT&T's mark of a register. */
function startsOperand(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  return last === undefined || (last.kind === 'operator' && last.text !== ')' && last.text !== ']');
}
