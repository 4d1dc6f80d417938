/**
 * `.align`, `.balign`, `.p2align` and `.org` (as manual 7).
 */
import type { DirectiveStatement } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, expressionOf, numberOf, optional, required } from '../directive-arguments.ts';
import { littleEndian } from '../little-endian.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

/** gas's limit for ELF. */
const MAX_POWER = 28;

/** The three arguments are the alignment, the filling (default: zeros or instructions that do nothing) and the most to skip. */
function align(fillSize: 1 | 2 | 4, power: boolean): Handler {
  return (state, statement) => {
    const alignment = readAlignment(state, statement, power);
    const given = optional(statement, 1);
    const value = given === undefined ? undefined : numberOf(state, given);
    const most = optional(statement, 2);
    const limit = most === undefined ? 0 : boundedNumber(state, most, 0, 2 ** 31 - 1);
    const { section } = state;
    section.align = Math.max(section.align, alignment);
    if (alignment === 1) return;
    const nop = section.isCode && (value === undefined || (fillSize === 1 && value === 0x90n));
    const fill = nop ? undefined : littleEndian(value ?? 0n, value === undefined ? 1 : fillSize);
    state.close({ kind: 'align', alignment, limit, fill, bits: state.bits, range: statement.range });
  };
}

function readAlignment(state: AssemblyState, statement: DirectiveStatement, power: boolean): number {
  const first = optional(statement, 0);
  if (first === undefined) return power ? 1 : 1;
  if (power) return 2 ** boundedNumber(state, first, 0, MAX_POWER);
  const value = boundedNumber(state, first, 0, 2 ** MAX_POWER);
  if (value === 0) return 1;
  if ((value & (value - 1)) !== 0) throw new AssemblyError('value-out-of-range', `an alignment is a power of two, not ${String(value)}`, first.range);
  return value;
}

const organise: Handler = (state, statement) => {
  const target = state.bind(expressionOf(required(statement, 0, 'the offset to go on at')));
  const given = optional(statement, 1);
  const fill = given === undefined ? 0 : Number(BigInt.asUintN(8, numberOf(state, given)));
  state.close({ kind: 'origin', target, fill, range: statement.range });
};

export const alignmentDirectives: Readonly<Record<string, Handler>> = {
  '.align': align(1, false), '.balign': align(1, false), '.balignw': align(2, false), '.balignl': align(4, false),
  '.p2align': align(1, true), '.p2alignw': align(2, true), '.p2alignl': align(4, true),
  '.org': organise,
};
