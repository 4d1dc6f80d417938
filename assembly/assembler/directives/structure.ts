/**
 * `.struct offset` (also `.offset`): labels become numbers, and data only counts, until a section is named (as manual 7.99).
 */
import type { DirectiveStatement } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, numberOf, optional, required } from '../directive-arguments.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

const begin: Handler = (state, statement) => {
  const first = optional(statement, 0);
  state.absolute = first === undefined ? 0n : numberOf(state, first);
};

export const structureDirectives: Readonly<Record<string, Handler>> = { '.struct': begin, '.offset': begin };

/** Bytes of each item that a directive lists. */
const ITEM_SIZES: Readonly<Record<string, number>> = {
  '.byte': 1, '.2byte': 2, '.short': 2, '.word': 2, '.hword': 2, '.value': 2, '.4byte': 4, '.long': 4, '.int': 4, '.8byte': 8, '.quad': 8,
  '.octa': 16, '.16byte': 16, '.float': 4, '.single': 4, '.double': 8, '.dc.b': 1, '.dc.w': 2, '.dc.l': 4, '.dc.a': 8,
};
/** Bytes of each of as many items as the argument says. */
const COUNTED_SIZES: Readonly<Record<string, number>> = {
  '.skip': 1, '.space': 1, '.zero': 1, '.ds': 2, '.ds.b': 1, '.ds.w': 2, '.ds.l': 4, '.ds.s': 4, '.ds.d': 8, '.ds.x': 12, '.ds.p': 12,
};
const ALIGNMENTS: Readonly<Record<string, 'bytes' | 'power'>> = { '.align': 'bytes', '.balign': 'bytes', '.p2align': 'power' };
/** Directives that write bytes in other ways: a structure has no room for them. */
const CONTENTS = /^\.(ascii|asciz|string\d*|incbin|fill|nops?|[us]leb128|dcb.*|cfi_.*|tfloat|ldouble)$/;

/** Does what `statement` says where only offsets are counted; false if that is nothing special there. */
export function inStructure(state: AssemblyState, at: bigint, statement: DirectiveStatement): boolean {
  const { name } = statement;
  const size = Object.hasOwn(ITEM_SIZES, name) ? ITEM_SIZES[name] : undefined;
  const counted = Object.hasOwn(COUNTED_SIZES, name) ? COUNTED_SIZES[name] : undefined;
  const alignment = Object.hasOwn(ALIGNMENTS, name) ? ALIGNMENTS[name] : undefined;
  if (size !== undefined) state.absolute = at + BigInt(size * statement.arguments.length);
  else if (counted !== undefined) state.absolute = at + numberOf(state, required(statement, 0, 'a size')) * BigInt(counted);
  else if (alignment !== undefined) {
    const given = boundedNumber(state, required(statement, 0, 'an alignment'), 0, 1 << 28);
    const unit = BigInt(alignment === 'power' ? 2 ** Math.min(given, 28) : Math.max(given, 1));
    state.absolute = at + (unit - at % unit) % unit;
  } else if (name === '.org') state.absolute = numberOf(state, required(statement, 0, 'an offset'));
  else if (CONTENTS.test(name)) throw new AssemblyError('bad-section', `${name} needs a section: behind .struct, offsets are only counted`);
  else return false;
  return true;
}
