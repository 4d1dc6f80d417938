/**
 * Operands of instructions in AT&T syntax.
 */
import { endOfName, isBlank, skipBlanks } from './characters.ts';
import { skipQuoted } from './escapes.ts';
import { evaluateAbsolute } from './evaluate.ts';
import type { SymbolLookup } from './evaluate.ts';
import { parseWholeExpression } from './expression.ts';
import type { ExpressionContext } from './expression.ts';
import type { MemoryOperand, Operand, OperandDecoration } from './statement.ts';
import { GasSyntaxError } from './syntax-error.ts';

export interface OperandContext extends ExpressionContext {
  /** What is known of symbols: for a scale that is an expression. */
  readonly lookup: SymbolLookup;
  /** The register that a symbol was made to stand for (`.set A, %rax`), without `%`. */
  readonly registerOf: (name: string) => string | undefined;
}

const ROUNDING = /^\{\s*(rn-sae|rd-sae|ru-sae|rz-sae|sae)\s*\}$/i;

/** A stretch of the text. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Splits `text` from `start` to `end` at the commas outside of brackets and quotes. */
export function splitAtCommas(text: string, start: number, end: number): Stretch[] {
  const parts: Stretch[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; at < end; at++) {
    switch (text.charCodeAt(at)) {
      case 0x28: case 0x5b: case 0x7b: depth++; break;
      case 0x29: case 0x5d: case 0x7d: depth--; break;
      case 0x22: case 0x27: at = Math.min(skipQuoted(text, at), end) - 1; break;
      case 0x2c:
        if (depth <= 0) {
          parts.push({ start: from, end: at });
          from = at + 1;
        }
        break;
      default: break;
    }
  }
  parts.push({ start: from, end });
  return parts;
}

/** `stretch` without the blanks at its ends, but for one that is a character: `$' `. */
export function trim(text: string, { start, end }: Stretch): Stretch {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  const last = end;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return { start, end: end < last && text[end - 1] === "'" && opensAt(text, start, end - 1) ? end + 1 : end };
}

/** Whether the quote at `quote` begins a character, and does not end one. */
function opensAt(text: string, start: number, quote: number): boolean {
  let at = start;
  while (at < quote) at = text[at] === "'" || text[at] === '"' ? skipQuoted(text, at) : at + 1;
  return at === quote;
}

/** Reads the operands that stand in `text` from `start` to `end`. @throws GasSyntaxError */
export function parseOperands(text: string, start: number, end: number, context: OperandContext): Operand[] {
  if (skipBlanks(text, start) >= end) return [];
  return splitAtCommas(text, start, end).map((part) => {
    const { start: from, end: to } = trim(text, part);
    if (from === to) throw new GasSyntaxError('an operand is missing here', part.start, Math.max(part.end, part.start + 1));
    return parseOperand(text, from, to, context);
  });
}

/** Reads one operand, which has no blanks around it. */
function parseOperand(text: string, start: number, end: number, context: OperandContext): Operand {
  const first = text.charCodeAt(start);
  if (first === 0x24) {
    return { kind: 'immediate', value: parseWholeExpression(text, start + 1, end, context), range: context.places.range(start, end) };
  }
  if (first === 0x2a) {
    const from = skipBlanks(text, start + 1);
    if (from >= end) throw new GasSyntaxError('an operand is missing behind "*"', start, end);
    if (text[from] === '*') throw new GasSyntaxError('"*" stands twice', from, from + 1);
    return { kind: 'indirect', target: parseOperand(text, from, end, context), range: context.places.range(start, end) };
  }
  if (first === 0x7b) {
    const rounding = ROUNDING.exec(text.slice(start, end));
    if (rounding !== null) return { kind: 'rounding', mode: rounding[1]!.toLowerCase() as 'sae', range: context.places.range(start, end) };
    throw new GasSyntaxError(`"${text.slice(start, end)}" is no operand`, start, end);
  }
  let stop = end;
  let decoration: OperandDecoration | undefined;
  if (text[end - 1] === '}') ({ decoration, stop } = parseDecorations(text, start, end));
  const register = first === 0x25 ? parseRegister(text, start) : undefined;
  if (register !== undefined) {
    const behind = skipBlanks(text, register.end);
    if (behind >= stop) {
      const range = context.places.range(start, end);
      return decoration === undefined ? { kind: 'register', name: register.name, range } : { kind: 'register', name: register.name, decoration, range };
    }
    if (text[behind] !== ':') throw new GasSyntaxError(`"${text.slice(behind, stop)}" cannot follow a register`, behind, stop);
    return parseMemory(text, { start, end: stop, from: skipBlanks(text, behind + 1), wholeEnd: end }, register.name, decoration, context);
  }
  const stack = /^st\s*\(\s*([0-7])\s*\)$/i.exec(text.slice(start, stop));
  const named = stack !== null && context.registerOf('st') !== undefined ? `st(${stack[1]!})` : namedRegister(text, start, stop, context);
  if (named !== undefined) {
    const range = context.places.range(start, end);
    return decoration === undefined ? { kind: 'register', name: named, range } : { kind: 'register', name: named, decoration, range };
  }
  const colon = text.indexOf(':', start);
  const segment = colon < 0 || colon >= stop ? undefined : context.registerOf(text.slice(start, colon).trimEnd());
  if (segment !== undefined) return parseMemory(text, { start, end: stop, from: skipBlanks(text, colon + 1), wholeEnd: end }, segment, decoration, context);
  return parseMemory(text, { start, end: stop, from: start, wholeEnd: end }, undefined, decoration, context);
}

/** The register a symbol that is all of the stretch stands for. */
function namedRegister(text: string, start: number, end: number, context: OperandContext): string | undefined {
  const stop = endOfName(text, start);
  return stop === end && stop > start ? context.registerOf(text.slice(start, stop)) : undefined;
}

/** A register and the offset behind it; undefined if none stands at `start`. */
export function parseRegister(text: string, start: number): { readonly name: string; readonly end: number } | undefined {
  const from = skipBlanks(text, start + 1);
  let end = from;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end) | 0x20;
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39 && text.charCodeAt(end) >= 0x30))) break;
  }
  if (end === from) throw new GasSyntaxError('a register name is missing behind "%"', start, start + 1);
  const name = text.slice(from, end).toLowerCase();
  if (name === 'st') {
    const stack = /\s*\(\s*([0-7])\s*\)/y;
    stack.lastIndex = end;
    const match = stack.exec(text);
    if (match !== null) return { name: `st(${match[1]!})`, end: stack.lastIndex };
  }
  return { name, end };
}

/** Reads `{%k1}{z}{1to8}` at the end of an operand; `stop` is where they begin. */
export function parseDecorations(text: string, start: number, end: number): { readonly decoration: OperandDecoration | undefined; readonly stop: number } {
  let stop = end;
  let mask: string | undefined;
  let zeroing = false;
  let broadcast: number | undefined;
  while (stop > start && text[stop - 1] === '}') {
    const open = text.lastIndexOf('{', stop - 1);
    if (open < start) throw new GasSyntaxError('"{" is missing', stop - 1, stop);
    const inner = text.slice(open + 1, stop - 1).trim().toLowerCase();
    const ratio = /^1to(\d{1,2})$/.exec(inner);
    if (inner === 'z') zeroing = true;
    else if (ratio !== null) broadcast = Number(ratio[1]);
    else if (/^%?\s*k[0-7]$/.test(inner)) mask = inner.replace(/^%?\s*/, '');
    else throw new GasSyntaxError(`"${text.slice(open, stop)}" is no opmask, {z} or broadcast`, open, stop);
    stop = open;
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop--;
  }
  const decoration: OperandDecoration = {
    ...(mask === undefined ? {} : { mask }), ...(zeroing ? { zeroing } : {}), ...(broadcast === undefined ? {} : { broadcast }),
  };
  return { decoration: stop === end ? undefined : decoration, stop };
}

interface MemoryStretch extends Stretch {
  /** Where the address begins, behind a segment. */
  readonly from: number;
  /** The end of the operand, decorations included. */
  readonly wholeEnd: number;
}

/** What an address is built from; a property is left out of the operand where it is undefined. */
interface Address {
  base: string | undefined;
  index: string | undefined;
  scale: number | undefined;
}

function parseMemory(text: string, stretch: MemoryStretch, segment: string | undefined, decoration: OperandDecoration | undefined, context: OperandContext): MemoryOperand {
  const { start, from, end, wholeEnd } = stretch;
  const operand: { -readonly [K in keyof MemoryOperand]: MemoryOperand[K] } = { kind: 'memory', parenthesised: false, range: context.places.range(start, wholeEnd) };
  if (segment !== undefined) operand.segment = segment;
  if (decoration !== undefined) operand.decoration = decoration;
  const open = text[end - 1] === ')' ? addressStart(text, from, end, context) : -1;
  if (open < 0) {
    if (from >= end) throw new GasSyntaxError('an address is missing behind the segment', start, end);
    operand.displacement = parseWholeExpression(text, from, end, context);
    return operand;
  }
  operand.parenthesised = true;
  const displacement = trim(text, { start: from, end: open });
  if (displacement.start < displacement.end) operand.displacement = parseWholeExpression(text, displacement.start, displacement.end, context);
  const { base, index, scale } = parseAddress(text, open + 1, end - 1, context);
  if (base !== undefined) operand.base = base;
  if (index !== undefined) operand.index = index;
  if (scale !== undefined) operand.scale = scale;
  return operand;
}

/** The offset of the parenthesis that holds base and index; -1 if the operand ends in an expression in parentheses. */
function addressStart(text: string, from: number, end: number, context: OperandContext): number {
  let depth = 0;
  let at = end - 1;
  for (; at >= from; at--) {
    if (text[at] === ')') depth++;
    else if (text[at] === '(' && --depth === 0) break;
  }
  if (at < from) throw new GasSyntaxError('"(" is missing for this ")"', end - 1, end);
  // Not `%st(1)`, which is read as a register.
  const inner = skipBlanks(text, at + 1);
  if (text[inner] === '%' || text[inner] === ',') return at;
  const stop = endOfName(text, inner);
  return stop > inner && context.registerOf(text.slice(inner, stop)) !== undefined ? at : -1;
}

/** Reads `base, index, scale`. */
function parseAddress(text: string, start: number, end: number, context: OperandContext): Address {
  const parts = splitAtCommas(text, start, end).map((part) => trim(text, part));
  if (parts.length > 3) throw new GasSyntaxError('an address has a base, an index and a scale at most', parts[3]!.start, end);
  const [basePart, indexPart, scalePart] = parts;
  const registerAt = (part: Stretch | undefined): string | undefined => {
    if (part === undefined || part.start === part.end) return undefined;
    if (text[part.start] === '%') {
      const register = parseRegister(text.slice(0, part.end), part.start)!;
      if (skipBlanks(text, register.end) < part.end) throw new GasSyntaxError(`"${text.slice(register.end, part.end)}" cannot follow a register`, register.end, part.end);
      return register.name;
    }
    return namedRegister(text, part.start, part.end, context);
  };
  const base = registerAt(basePart);
  if (base === undefined && basePart !== undefined && basePart.start < basePart.end) {
    throw new GasSyntaxError(`"${text.slice(basePart.start, basePart.end)}" is no register, as the base of an address must be`, basePart.start, basePart.end);
  }
  let scaleStretch = scalePart;
  const index = registerAt(indexPart);
  if (index === undefined && indexPart !== undefined && indexPart.start < indexPart.end) {
    // `(,1)`: a scale without an index.
    if (scalePart !== undefined) throw new GasSyntaxError(`"${text.slice(indexPart.start, indexPart.end)}" is no register, as the index of an address must be`, indexPart.start, indexPart.end);
    scaleStretch = indexPart;
  }
  // What the first comma announces has to come: `(%rsi,)` and `(%rsi,,4)` are refused, `(%rsi,%rdi,)` is not.
  if (indexPart !== undefined && indexPart.start === indexPart.end) throw new GasSyntaxError('an index is missing behind the comma', start, end);
  const scale = scaleStretch === undefined || scaleStretch.start === scaleStretch.end ? undefined : readScale(text, scaleStretch, context);
  return { base, index, scale };
}

function readScale(text: string, { start, end }: Stretch, context: OperandContext): number {
  if (end === start + 1) {
    const digit = text.charCodeAt(start) - 0x30;
    if (digit >= 0 && digit <= 9) return digit;
  }
  const value = evaluateAbsolute(parseWholeExpression(text, start, end, context), context.lookup);
  if (value === undefined) throw new GasSyntaxError(`the scale "${text.slice(start, end)}" is no number that is known here`, start, end);
  return Number(value);
}
