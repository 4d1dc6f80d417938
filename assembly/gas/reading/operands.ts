/**
 * Operands of an AT&T instruction.
 */
import { skipBlanks } from '../characters.ts';
import { skipQuoted } from '../escapes.ts';
import { parseWholeExpression } from '../expression.ts';
import type { ExpressionContext } from '../expression.ts';
import type { MemoryOperand, Operand, OperandDecoration } from '../statement.ts';
import { GasSyntaxError } from '../syntax-error.ts';

/** Splits `text` from `start` on at commas outside parentheses, braces and strings: offsets of the trimmed pieces. */
export function splitAtCommas(text: string, start: number): readonly { readonly start: number; readonly end: number }[] {
  const pieces: { start: number; end: number }[] = [];
  let depth = 0;
  let from = start;
  let at = start;
  const push = (end: number): void => {
    const begin = Math.min(skipBlanks(text, from), end);
    pieces.push({ start: begin, end: begin + text.slice(begin, end).trimEnd().length });
  };
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"' || char === "'") {
      at = skipQuoted(text, at);
      continue;
    }
    if (char === '(' || char === '{' || char === '[') depth++;
    else if (char === ')' || char === '}' || char === ']') depth--;
    else if (char === ',' && depth <= 0) {
      push(at);
      from = at + 1;
    }
    at++;
  }
  if (pieces.length > 0 || skipBlanks(text, from) < text.length) push(text.length);
  return pieces;
}

/** Reads the operand in `text` from `start` to `end`. @throws GasSyntaxError */
export function parseOperand(text: string, start: number, end: number, context: ExpressionContext): Operand {
  const range = context.places.range(start, end);
  if (start >= end) throw new GasSyntaxError('an operand is missing here', start, Math.max(end, start));
  const piece = text.slice(start, end);
  const rounding = /^\{(rn-sae|rd-sae|ru-sae|rz-sae|sae)\}$/.exec(piece);
  if (rounding !== null) return { kind: 'rounding', mode: rounding[1] as 'sae', range };
  if (piece.startsWith('*')) {
    const inner = skipBlanks(text, start + 1);
    return { kind: 'indirect', target: parseOperand(text, inner, end, context), range };
  }
  if (piece.startsWith('$')) return { kind: 'immediate', value: parseWholeExpression(text, start + 1, end, context), range };
  const { end: bare, decoration } = readDecorations(text, start, end);
  const decorated = decoration === undefined ? {} : { decoration };
  const register = /^%\s*([A-Za-z]\w*)(?:\s*\(\s*([0-7])\s*\))?$/.exec(text.slice(start, bare));
  if (register !== null) {
    const name = register[1]!.toLowerCase();
    return { kind: 'register', name: register[2] === undefined ? name : `${name}(${register[2]})`, range, ...decorated };
  }
  return { ...parseMemory(text, start, bare, context), range, ...decorated };
}

/** `{%k1}{z}` and `{1to16}` at the end; `end` is then where they begin. */
function readDecorations(text: string, start: number, end: number): { readonly end: number; readonly decoration?: OperandDecoration } {
  const decoration: { mask?: string; zeroing?: boolean; broadcast?: number } = {};
  let any = false;
  for (;;) {
    const match = /\s*\{\s*(%k[0-7]|z|1to\d+)\s*\}$/.exec(text.slice(start, end));
    if (match === null) return any ? { end, decoration } : { end };
    any = true;
    end = start + match.index;
    const word = match[1]!;
    if (word === 'z') decoration.zeroing = true;
    else if (word.startsWith('%')) decoration.mask = word.slice(1);
    else decoration.broadcast = Number(word.slice(3));
  }
}

/** `segment:displacement(base,index,scale)`, without its range. */
function parseMemory(text: string, start: number, end: number, context: ExpressionContext): Omit<MemoryOperand, 'range'> {
  let from = start;
  const segment = /^%\s*([c-gs]s)\s*:\s*/.exec(text.slice(start, end));
  if (segment !== null) from += segment[0].length;
  const open = addressStart(text, from, end);
  const base = { kind: 'memory' as const, ...(segment === null ? {} : { segment: segment[1]! }) };
  const displacementEnd = open ?? end;
  const displacement = text.slice(from, displacementEnd).trim() === '' ? undefined : parseWholeExpression(text, from, displacementEnd, context);
  if (open === undefined) {
    if (displacement === undefined) throw new GasSyntaxError('an address is missing here', from, end);
    return { ...base, displacement, parenthesised: false };
  }
  const parts = text.slice(open + 1, text.slice(0, end).lastIndexOf(')')).split(',').map((part) => part.trim());
  const [baseText = '', indexText = '', scaleText = ''] = parts;
  if (parts.length > 3) throw new GasSyntaxError('an address has at most base, index and scale', open, end);
  const scale = scaleText === '' ? undefined : readScale(scaleText, text, open, end);
  return {
    ...base, parenthesised: true,
    ...(displacement === undefined ? {} : { displacement }),
    ...(baseText === '' ? {} : { base: readRegister(baseText, open, end) }),
    ...(indexText === '' ? {} : { index: readRegister(indexText, open, end) }),
    ...(scale === undefined ? {} : { scale }),
  };
}

/** Where the last parenthesis opens, if what is in it are registers and not an expression. */
function addressStart(text: string, start: number, end: number): number | undefined {
  if (!text.slice(start, end).endsWith(')')) return undefined;
  let depth = 0;
  for (let at = end - 1; at >= start; at--) {
    if (text[at] === ')') depth++;
    else if (text[at] === '(' && --depth === 0) {
      const inside = text.slice(at + 1, end - 1).trim();
      return inside.startsWith('%') || inside.startsWith(',') ? at : undefined;
    }
  }
  return undefined;
}

function readRegister(text: string, start: number, end: number): string {
  const match = /^%\s*([A-Za-z]\w*)$/.exec(text);
  if (match === null) throw new GasSyntaxError(`"${text}" is not a register`, start, end);
  return match[1]!.toLowerCase();
}

function readScale(scale: string, text: string, start: number, end: number): number {
  if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(scale)) throw new GasSyntaxError(`"${scale}" is not a scale; ${text.slice(start, end)}`, start, end);
  return Number(scale);
}
