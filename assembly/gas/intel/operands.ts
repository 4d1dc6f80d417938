/**
 * Operands in Intel syntax (gas/config/tc-i386-intel.c).
 */
import { isBlank, skipBlanks } from '../characters.ts';
import { evaluateAbsolute } from '../evaluate.ts';
import { parseWholeExpression } from '../expression.ts';
import { parseDecorations, trim } from '../operands.ts';
import type { OperandContext } from '../operands.ts';
import { bareRegister } from '../register-names.ts';
import type { Expression, MemoryOperand, Operand, OperandDecoration } from '../statement.ts';
import { GasSyntaxError } from '../syntax-error.ts';

export interface IntelContext extends OperandContext {
  /** Registers are written with `%`. */
  readonly registerPrefix: boolean;
  /** The instruction jumps: a symbol alone is the place to go to. */
  readonly branch: boolean;
}

/** Sizes that stand in front of `ptr`. */
export type PointerSize = 'byte' | 'word' | 'dword' | 'fword' | 'qword' | 'tbyte' | 'oword' | 'xmmword' | 'ymmword' | 'zmmword' | 'mmword' | 'far' | 'near' | 'short';

export interface IntelOperand {
  readonly operand: Operand;
  /** A rounding mode written at the register: `zmm2{rn-sae}`. */
  readonly rounding?: Operand;
  readonly size: PointerSize | undefined;
}

const SIZE = /(byte|word|dword|fword|qword|tbyte|oword|xmmword|ymmword|zmmword|mmword|far|near|short)\b(?:\s+ptr\b)?\s*/iy;
const BROADCAST = /(word|dword|qword)\s+bcst\b\s*/iy;
const ELEMENTS: Readonly<Record<string, 2 | 4 | 8>> = { word: 2, dword: 4, qword: 8 };
const FLAT = /flat\s*:\s*/iy;
const OFFSET = /offset\b\s*(?:flat\s*:\s*)?/iy;
const ROUNDING = /^\{\s*(rn-sae|rd-sae|ru-sae|rz-sae|sae)\s*\}$/i;

/** The register `name` stands for, lower case without `%`; undefined if it is none here. */
function registerNamed(name: string, context: IntelContext): string | undefined {
  if (name.startsWith('%')) return name.slice(1).toLowerCase();
  return (context.registerPrefix ? undefined : bareRegister(name)) ?? context.registerOf(name);
}

/** Reads the operand that fills `start` to `end`. @throws GasSyntaxError */
export function parseIntelOperand(text: string, start: number, end: number, context: IntelContext): IntelOperand {
  const range = context.places.range(start, end);
  const whole = text.slice(start, end);
  const rounding = text[start] === '{' ? ROUNDING.exec(whole) : null;
  if (rounding !== null) return { operand: { kind: 'rounding', mode: rounding[1]!.toLowerCase() as 'sae', range }, size: undefined };
  let stop = end;
  let decoration: OperandDecoration | undefined;
  let attached: Operand | undefined;
  if (text[end - 1] === '}') {
    const open = text.lastIndexOf('{', end - 1);
    const mode = open > start ? ROUNDING.exec(text.slice(open, end)) : null;
    if (mode !== null) {
      attached = { kind: 'rounding', mode: mode[1]!.toLowerCase() as 'sae', range: context.places.range(open, end) };
      stop = trim(text, { start, end: open }).end;
    } else ({ decoration, stop } = parseDecorations(text, start, end));
  }
  let at = start;
  let size: PointerSize | undefined;
  BROADCAST.lastIndex = at;
  const repeated = BROADCAST.exec(text);
  if (repeated !== null && BROADCAST.lastIndex < stop) {
    const broadcastElement = ELEMENTS[repeated[1]!.toLowerCase()];
    decoration = { ...decoration, ...(broadcastElement === undefined ? {} : { broadcastElement }) };
    at = BROADCAST.lastIndex;
  }
  SIZE.lastIndex = at;
  const sized = SIZE.exec(text);
  if (sized !== null && SIZE.lastIndex < stop) {
    size = sized[1]!.toLowerCase() as PointerSize;
    at = SIZE.lastIndex;
  }
  OFFSET.lastIndex = at;
  if (OFFSET.exec(text) !== null && OFFSET.lastIndex < stop) {
    return { operand: { kind: 'immediate', value: parseWholeExpression(text, OFFSET.lastIndex, stop, context), range }, size };
  }
  const stack = /^%?st\s*\(\s*([0-7])\s*\)$/i.exec(text.slice(at, stop));
  if (stack !== null) return { operand: { kind: 'register', name: `st(${stack[1]!})`, range }, size };
  const register = /^%?\s*[\w.$]+$/.test(text.slice(at, stop)) ? registerNamed(text.slice(at, stop).replace(/\s+/g, ''), context) : undefined;
  if (register !== undefined) {
    return { operand: { kind: 'register', name: register, ...(decoration === undefined ? {} : { decoration }), range }, size, ...(attached === undefined ? {} : { rounding: attached }) };
  }
  const segment = /^%?\s*([cdefgs]s)\s*:\s*/i.exec(text.slice(at, stop));
  if (segment !== null) at += segment[0].length;
  // MASM's segment of everything.
  FLAT.lastIndex = at;
  if (FLAT.exec(text) !== null && FLAT.lastIndex < stop) at = FLAT.lastIndex;
  const bracketed = text.slice(at, stop).includes('[');
  const address = readAddress(text, at, stop, context);
  const plain = !bracketed && address.base === undefined && address.index === undefined;
  if (plain && segment === null) {
    const value = address.displacement;
    const constant = value !== undefined && evaluateAbsolute(value, context.lookup) !== undefined;
    if (value !== undefined && constant && !context.branch && (size === undefined || size === 'short' || size === 'near')) {
      return { operand: { kind: 'immediate', value, range }, size };
    }
  }
  const memory: MemoryOperand = {
    kind: 'memory', ...(segment === null ? {} : { segment: segment[1]!.toLowerCase() }), ...address, parenthesised: !plain && (bracketed || address.base !== undefined || address.index !== undefined) && !(address.base === undefined && address.index === undefined),
    ...(decoration === undefined ? {} : { decoration }), range,
  };
  return { operand: memory, size: size ?? (bracketed && context.branch ? 'near' : undefined) };
}

interface Address {
  readonly displacement?: Expression;
  readonly base?: string;
  readonly index?: string;
  readonly scale?: number;
}

/** Registers and the rest of a sum. */
interface Sum {
  readonly registers: { readonly name: string; readonly scale: number | undefined }[];
  rest: Expression | undefined;
}

function readAddress(text: string, start: number, end: number, context: IntelContext): Address {
  // Brackets add up: `foo[rbx][rcx*4]` is `foo + rbx + rcx*4`.
  let depth = 0;
  let sum = text.slice(0, start);
  for (let at = start; at < end; at++) {
    const char = text[at]!;
    if (char === '[') {
      depth++;
      sum += '+';
    } else if (char === ']') {
      if (--depth < 0) throw new GasSyntaxError('"[" is missing for this "]"', at, at + 1);
      // What follows is added too: `[rax]8`.
      const next = skipBlanks(text, at + 1);
      sum += next < end && !/[[\]+\-*)]/.test(text[next]!) && !isBlank(text.charCodeAt(next)) ? '+' : ' ';
    } else sum += char;
  }
  if (depth > 0) throw new GasSyntaxError('"]" is missing', start, end);
  const parts: Sum = { registers: [], rest: undefined };
  collect(parseWholeExpression(sum, start, end, context), false, parts, context, { start, end });
  const { registers, rest } = parts;
  if (registers.length > 2) throw new GasSyntaxError('an address has two registers at most', start, end);
  let [first, second] = registers;
  // The one with a scale is the index; the stack pointer cannot be.
  if (first !== undefined && (first.scale !== undefined || (second !== undefined && /^[re]sp$/.test(second.name) && second.scale === undefined))) [first, second] = [second, first];
  // In 16-bit addresses bx and bp are bases, si and di indices.
  if (first !== undefined && second !== undefined && /^[sd]i$/.test(first.name) && /^b[xp]$/.test(second.name)) [first, second] = [second, first];
  return {
    ...(rest === undefined ? {} : { displacement: rest }),
    ...(first === undefined ? {} : { base: first.name }),
    ...(second === undefined ? {} : { index: second.name }),
    ...(second?.scale === undefined ? {} : { scale: second.scale }),
  };
}

/** Adds `expression` (or takes it away) to `into`. */
function collect(expression: Expression, negative: boolean, into: Sum, context: IntelContext, place: { readonly start: number; readonly end: number }): void {
  if (expression.kind === 'symbol') {
    const name = registerNamed(expression.name, context);
    if (name !== undefined) {
      if (negative) throw new GasSyntaxError('a register cannot be taken away from an address', place.start, place.end);
      into.registers.push({ name, scale: undefined });
      return;
    }
  }
  if (expression.kind === 'binary') {
    const { operator, left, right } = expression;
    if (operator === '+' || operator === '-') {
      collect(left, negative, into, context, place);
      collect(right, operator === '-' ? !negative : negative, into, context, place);
      return;
    }
    if (operator === '*') {
      for (const [one, other] of [[left, right], [right, left]] as const) {
        const name = one.kind === 'symbol' ? registerNamed(one.name, context) : undefined;
        if (name === undefined) continue;
        const scale = evaluateAbsolute(other, context.lookup);
        if (scale === undefined || negative) throw new GasSyntaxError('the scale of an index must be a number', place.start, place.end);
        into.registers.push({ name, scale: Number(scale) });
        return;
      }
    }
  }
  const { rest } = into;
  if (rest === undefined) into.rest = negative ? { kind: 'unary', operator: '-', operand: expression } : expression;
  else into.rest = { kind: 'binary', operator: negative ? '-' : '+', left: rest, right: expression };
}
