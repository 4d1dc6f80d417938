/**
 * Directives that leave or fill room: `.skip`, `.zero`, `.fill`, `.nops`, `.ds.*`, `.dcb.*`.
 */
import type { DirectiveArgument } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, expressionOf, numberOf, optional, required } from '../directive-arguments.ts';
import { floatBytes } from '../floating-point.ts';
import { littleEndian } from '../little-endian.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

/** Shorter fillings become settled bytes at once. */
const INLINE = 256;

/** `count` times `pattern`; a count that is not known yet is left to layout. */
function fill(state: AssemblyState, count: DirectiveArgument, pattern: Uint8Array): void {
  const expression = state.bind(expressionOf(count));
  const settled = state.symbols.settled(expression);
  if (!state.section.hasContents && pattern.some((byte) => byte !== 0)) {
    throw new AssemblyError('bad-section', `section ${state.section.name} has no contents in the file: it takes zeros only`);
  }
  if (settled === undefined) {
    state.close({ kind: 'space', count: expression, pattern, range: count.range });
    return;
  }
  if (settled < 0n) {
    state.report('warning', 'value-out-of-range', `the count ${settled.toString()} is negative: nothing is written`, count.range);
    return;
  }
  if (settled * BigInt(pattern.length) > BigInt(state.section.limit)) throw new AssemblyError('size-limit', `${settled.toString()} times ${String(pattern.length)} bytes is more than the assembler takes`, count.range);
  repeat(state, Number(settled), pattern);
}

function repeat(state: AssemblyState, count: number, pattern: Uint8Array): void {
  const size = count * pattern.length;
  if (size === 0) return;
  if (size > INLINE || !state.section.hasContents) {
    state.close({ kind: 'fill', pattern, count });
    return;
  }
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += pattern.length) bytes.set(pattern, at);
  state.append(bytes);
}

/** `.skip size[, fill]`, `.zero size`. */
const skip: Handler = (state, statement) => {
  const count = required(statement, 0, 'a size');
  const value = optional(statement, 1);
  fill(state, count, littleEndian(value === undefined ? 0n : numberOf(state, value), 1));
};

/** `.fill repeat[, size[, value]]`: the value's low 4 bytes, the rest zero (as manual 7.45). */
const repeatedFill: Handler = (state, statement) => {
  const count = required(statement, 0, 'a repeat count');
  const sizeArgument = optional(statement, 1);
  const written = sizeArgument === undefined ? 1 : boundedNumber(state, sizeArgument, 0, 2 ** 31 - 1);
  const size = Math.min(written, 8);
  if (size !== written) state.report('warning', 'value-out-of-range', `.fill has a size of 8 at most, not ${String(written)}`, sizeArgument?.range);
  const valueArgument = optional(statement, 2);
  const value = valueArgument === undefined ? 0n : numberOf(state, valueArgument);
  const pattern = new Uint8Array(size);
  pattern.set(littleEndian(value, Math.min(size, 4)));
  if (size > 0) fill(state, count, pattern);
};

/** `.nops size[, longest]`. */
const noOperations: Handler = (state, statement) => {
  const count = required(statement, 0, 'a size');
  const longest = optional(statement, 1);
  const limit = longest === undefined ? 0 : boundedNumber(state, longest, 0, 11);
  const expression = state.bind(expressionOf(count));
  const settled = state.symbols.settled(expression);
  if (settled !== undefined && settled < 0n) throw new AssemblyError('value-out-of-range', `.nops needs a size of 0 or more, not ${settled.toString()}`, count.range);
  state.close({ kind: 'space', count: expression, pattern: Uint8Array.of(0x90), nops: { limit, bits: state.bits }, range: count.range });
};

/** `.ds.x count`: room for that many items. */
function room(size: number): Handler {
  return (state, statement) => {
    const value = optional(statement, 1);
    fill(state, required(statement, 0, 'a count'), littleEndian(value === undefined ? 0n : numberOf(state, value), size));
  };
}

/** `.dcb.x count, value`. */
function block(size: number): Handler {
  return (state, statement) => {
    const value = optional(statement, 1);
    fill(state, required(statement, 0, 'a count'), littleEndian(value === undefined ? 0n : numberOf(state, value), size));
  };
}

function floatBlock(format: 'single' | 'double' | 'extended'): Handler {
  return (state, statement) => {
    const argument = required(statement, 1, 'a value');
    const bytes = floatBytes(argument.text, format);
    if (bytes === undefined) throw new AssemblyError('bad-directive', `\`${argument.text}\` is no floating-point number`, argument.range);
    fill(state, required(statement, 0, 'a count'), bytes);
  };
}

export const spaceDirectives: Readonly<Record<string, Handler>> = {
  '.skip': skip, '.space': skip, '.zero': skip, '.fill': repeatedFill, '.nops': noOperations,
  '.ds': room(2), '.ds.b': room(1), '.ds.w': room(2), '.ds.l': room(4), '.ds.s': room(4), '.ds.d': room(8), '.ds.x': room(12), '.ds.p': room(12),
  '.dcb': block(2), '.dcb.b': block(1), '.dcb.w': block(2), '.dcb.l': block(4),
  '.dcb.s': floatBlock('single'), '.dcb.d': floatBlock('double'), '.dcb.x': floatBlock('extended'),
};
