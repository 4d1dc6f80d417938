/** Helper functions that every generated module carries in front of its own, so that none has to be imported. */
import { EXIT, EXTRA, JUMP_CACHE, LOOKUP_OP, OP_FIELD, STATUS, USER_WINDOWS } from '../../memory/layout.ts';
import type { Helper } from '../lift/access.ts';
import { Code } from '../wasm/code.ts';
import type { ModuleFunction, Signature } from '../wasm/module.ts';

/** Signatures by index; helpers use the first six. */
export const SIGNATURES: readonly Signature[] = [
  { parameters: ['i64', 'i32'], results: ['i32'] },
  { parameters: ['i64'], results: ['i32'] },
  { parameters: ['i64', 'i64'], results: ['i64'] },
  { parameters: ['i64', 'i64', 'i64'], results: ['i64'] },
  { parameters: [], results: [] },
  /** A cold handler: micro-op to next micro-op, 0 after a fault. */
  { parameters: ['i32'], results: ['i32'] },
];
export const COLD_TYPE = 5;
/** `run(limit)`. */
export const RUN_SIGNATURE: Signature = { parameters: ['i32'], results: [] };

export const HELPER_INDEX: Record<Helper, number> = { slow: 0, lookup: 1, mulhu: 2, mulhs: 3, divu: 4, closeUserWindows: 5 };

export function helperFunctions(): ModuleFunction[] {
  return [
    { type: 0, code: slow() }, { type: 1, code: lookup() }, { type: 2, code: mulhu() }, { type: 2, code: mulhs() },
    { type: 3, code: divu() }, { type: 4, code: closeUserWindows() },
  ];
}

/**
 * (address, size | wanted << 8 | reported << 16) -> host address: what the windows do not know may be among the exact ones. 0: the exit
 * area says what is missing.
 */
function slow(): Code {
  const c = new Code(2);
  const count = c.local('i32'), entry = c.local('i32'), offset = c.local('i64');
  c.i32(0).load('i32', EXTRA.COUNT).set(count).i32(EXTRA.ENTRIES).set(entry);
  const done = c.block();
  const again = c.loop();
  c.get(count).op('i32_eqz').brIf(done);
  c.get(0).get(entry).load('i64').op('i64_sub').set(offset);
  const other = c.block();
  c.get(entry).load('i32', 20).get(1).i32(8).op('i32_shr_u').op('i32_and').i32(3).op('i32_and').op('i32_eqz').brIf(other);
  c.get(offset).get(entry).load('i64', 8).get(entry).load('i64').op('i64_sub').op('i64_ge_u').brIf(other);
  c.get(offset).get(1).i32(0xff).op('i32_and').op('i64_extend_i32_u').op('i64_add');
  c.get(entry).load('i64', 8).get(entry).load('i64').op('i64_sub').op('i64_gt_u').brIf(other);
  c.get(offset).op('i32_wrap_i64').get(entry).load('i32', 16).op('i32_add').return();
  c.end();
  c.get(entry).i32(EXTRA.ENTRY).op('i32_add').set(entry).get(count).i32(1).op('i32_sub').set(count).br(again);
  c.end().end();
  c.i32(0).i32(STATUS.MISS).store('i32', EXIT.STATUS);
  c.i32(0).get(0).store('i64', EXIT.ADDRESS);
  c.i32(0).get(1).i32(0xff).op('i32_and').store('i32', EXIT.SIZE);
  c.i32(0).get(1).i32(16).op('i32_shr_u').store('i32', EXIT.KIND);
  return c.i32(0);
}

/** Guest address -> its micro-op, or the one that asks TypeScript to find it. */
function lookup(): Code {
  const c = new Code(1);
  const entry = c.local('i32');
  c.get(0).get(0).i64(12).op('i64_shr_u').op('i64_xor').op('i32_wrap_i64').i32(JUMP_CACHE.COUNT - 1).op('i32_and').i32(4).op('i32_shl').set(entry);
  c.get(entry).load('i64', JUMP_CACHE.BASE).get(0).op('i64_eq').get(entry).load('i32', JUMP_CACHE.BASE + 8).i32(0).op('i32_ne').op('i32_and').if();
  c.get(entry).load('i32', JUMP_CACHE.BASE + 8).return();
  c.end();
  c.i32(LOOKUP_OP).get(0).store('i64', OP_FIELD.IP);
  return c.i32(LOOKUP_OP);
}

/** Upper half of an unsigned 64 x 64 bit product, from four products of halves. */
function mulhu(): Code {
  const c = new Code(2);
  const xl = c.local('i64'), xh = c.local('i64'), yl = c.local('i64'), yh = c.local('i64'), middle = c.local('i64');
  const low = 0xffff_ffffn;
  c.get(0).i64(low).op('i64_and').set(xl).get(0).i64(32).op('i64_shr_u').set(xh);
  c.get(1).i64(low).op('i64_and').set(yl).get(1).i64(32).op('i64_shr_u').set(yh);
  c.get(xh).get(yl).op('i64_mul').get(xl).get(yl).op('i64_mul').i64(32).op('i64_shr_u').op('i64_add').set(middle);
  c.get(xh).get(yh).op('i64_mul').get(middle).i64(32).op('i64_shr_u').op('i64_add');
  c.get(xl).get(yh).op('i64_mul').get(middle).i64(low).op('i64_and').op('i64_add').i64(32).op('i64_shr_u').op('i64_add');
  return c;
}

function mulhs(): Code {
  const c = new Code(2);
  c.get(0).get(1).call(HELPER_INDEX.mulhu);
  // Each negative factor was 2^64 too large.
  c.get(0).i64(63).op('i64_shr_s').get(1).op('i64_and').op('i64_sub');
  c.get(1).i64(63).op('i64_shr_s').get(0).op('i64_and').op('i64_sub');
  return c;
}

/** (high, low, divisor) -> quotient, with high < divisor; the remainder goes to the exit area. Bit by bit unless high is 0. */
function divu(): Code {
  const c = new Code(3);
  const bits = c.local('i32'), top = c.local('i64');
  c.get(0).op('i64_eqz').if();
  c.i32(0).get(1).get(2).op('i64_rem_u').store('i64', EXIT.HIGH);
  c.get(1).get(2).op('i64_div_u').return();
  c.end();
  c.i32(64).set(bits);
  const again = c.loop();
  c.get(0).set(top);
  c.get(0).i64(1).op('i64_shl').get(1).i64(63).op('i64_shr_u').op('i64_or').set(0);
  c.get(1).i64(1).op('i64_shl').set(1);
  c.get(top).i64(0).op('i64_lt_s').get(0).get(2).op('i64_ge_u').op('i32_or').if();
  c.get(0).get(2).op('i64_sub').set(0).get(1).i64(1).op('i64_or').set(1);
  c.end();
  c.get(bits).i32(1).op('i32_sub').tee(bits).brIf(again).end();
  c.i32(0).get(0).store('i64', EXIT.HIGH);
  return c.get(1);
}

/** Closes the windows that AC held open. */
function closeUserWindows(): Code {
  const c = new Code(0);
  const count = c.local('i32');
  c.i32(0).load('i32', USER_WINDOWS.COUNT).set(count);
  const done = c.block();
  const again = c.loop();
  c.get(count).op('i32_eqz').brIf(done);
  c.get(count).i32(1).op('i32_sub').set(count);
  // Half the table away from every address that selects the entry, as in guest-memory.ts: entry bits 4-11 are the index.
  const entry = c.local('i32');
  c.get(count).i32(2).op('i32_shl').load('i32', USER_WINDOWS.ENTRIES).set(entry);
  c.get(entry).get(entry).i32(0xff0).op('i32_and').i32(0x800).op('i32_xor').op('i64_extend_i32_u').i64(8).op('i64_shl').store('i64');
  c.br(again).end().end();
  c.i32(0).i32(0).store('i32', USER_WINDOWS.COUNT);
  return c;
}
