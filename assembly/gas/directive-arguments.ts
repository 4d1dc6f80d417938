/**
 * Arguments of the directives that are left to the assembler.
 */
import { skipBlanks } from './characters.ts';
import { readString } from './escapes.ts';
import { parseWholeExpression } from './expression.ts';
import type { ExpressionContext } from './expression.ts';
import { splitAtCommas, trim } from './operands.ts';
import type { DirectiveArgument, Expression } from './statement.ts';
import { GasSyntaxError } from './syntax-error.ts';

/** Directives whose arguments are words, not values: none of them is tried as an expression. */
const WORDS = new Set(['.section', '.pushsection', '.file', '.loc', '.ident', '.string', '.asciz', '.ascii', '.print', '.error', '.warning', '.incbin', '.arch', '.symver', '.version']);

const TWO_WORDS = /^[\w.$]+\s+[\w.$"]/;

/** Splits and reads the arguments that stand in `text` from `start` to `end`. Never throws: what is no expression has none. */
export function parseArguments(name: string, text: string, start: number, end: number, context: ExpressionContext): DirectiveArgument[] {
  if (skipBlanks(text, start) >= end) return [];
  return splitAtCommas(text, start, end).map((part) => {
    const { start: from, end: to } = trim(text, part);
    const range = context.places.range(from, to);
    const argument = { text: text.slice(from, to), range };
    const first = text[from];
    if (from === to) return argument;
    if (first === '"') {
      const string = joinedString(text, from, to);
      if (string !== undefined) return WORDS.has(name) ? { ...argument, string } : withExpression({ ...argument, string }, text, from, to, context);
    }
    // A subsection number can follow the name of a section.
    if (first === '@' || (WORDS.has(name) && !(first! >= '0' && first! <= '9'))) return argument;
    // Two words, as in `name STT_FUNC`, are no expression either.
    return TWO_WORDS.test(argument.text) && context.intel !== true ? argument : withExpression(argument, text, from, to, context);
  });
}

function withExpression(argument: DirectiveArgument, text: string, from: number, to: number, context: ExpressionContext): DirectiveArgument {
  const expression = tryExpression(text, from, to, context);
  return expression === undefined ? argument : { ...argument, expression };
}

function tryExpression(text: string, from: number, to: number, context: ExpressionContext): Expression | undefined {
  try {
    return parseWholeExpression(text, from, to, context);
  } catch (error) {
    if (error instanceof GasSyntaxError) return undefined;
    throw error;
  }
}

/** The bytes of adjacent string literals that fill the stretch. */
export function joinedString(text: string, from: number, to: number): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let at = from;
  while (at < to) {
    if (text[at] !== '"') return undefined;
    try {
      const { bytes, end } = readString(text, at);
      if (end > to) return undefined;
      parts.push(bytes);
      at = skipBlanks(text, end);
    } catch (error) {
      if (error instanceof GasSyntaxError) return undefined;
      throw error;
    }
  }
  if (parts.length === 1) return parts[0];
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
