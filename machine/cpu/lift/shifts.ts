/**
 * Shifts, rotates, double shifts. Counts are masked by the decoder where they are immediates. The variant `n` says that the count is
 * known not to be zero; otherwise flags change only if it is not. Where the manual leaves OF undefined (counts above one) it is what the
 * formula for a count of one gives, and AF is set, as AMD's processors do.
 */
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { overflowFlag, resultFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';

/** Count of operand `k`, masked to the processor's 5 or 6 bits. */
function shiftCount(a: Access, k: number): Local {
  if (a.shape.operands[k]!.kind === 'immediate') return a.read(k);
  a.c.get(a.register(REG.RCX, 1, 'zero')).i64(a.size(0) === 8 ? 63 : 31).op('i64_and');
  return a.take();
}

/** Writes `setFlags` so that it happens only if the count is not zero. */
function unlessZero(a: Access, count: Local, setFlags: () => void): void {
  if (a.shape.variant === 'n') {
    setFlags();
    return;
  }
  a.c.get(count).i64(0).op('i64_ne').if();
  setFlags();
  a.c.end();
  a.forgetKind();
}

/** Bit `width - 1` of x ^ y for `width` bits, as i32 on the stack. */
function topBitOfXor(a: Access, x: Local, y: Local): void {
  a.c.get(x).get(y).op('i64_xor').i64(8 * a.size(0) - 1).op('i64_shr_u').i64(1).op('i64_and').op('i32_wrap_i64');
}

function shl(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const x = a.modify(0, 'zero');
  const count = shiftCount(a, 1);
  c.get(x).get(count).op('i64_shl');
  const wide = a.take();
  c.get(wide);
  a.signExtend(size);
  const r = a.take();
  a.write(0, r);
  unlessZero(a, count, () => {
    if (size === 8) c.get(x).i64(64).get(count).op('i64_sub').op('i64_shr_u');
    else c.get(wide).i64(8 * size).op('i64_shr_u');
    c.op('i32_wrap_i64').i32(1).op('i32_and');
    const carry = a.take32();
    c.get(r).i64(63).op('i64_shr_u').op('i32_wrap_i64').get(carry).op('i32_xor');
    resultFlags(a, r, carry, a.take32(), 1);
  });
}

function shr(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const x = a.modify(0, 'zero');
  const count = shiftCount(a, 1);
  c.get(x).get(count).op('i64_shr_u');
  a.signExtend(size);
  const r = a.take();
  a.write(0, r);
  unlessZero(a, count, () => {
    c.get(x).get(count).i64(1).op('i64_sub').op('i64_shr_u');
    const last = a.take();
    c.get(last).op('i32_wrap_i64').i32(1).op('i32_and');
    const carry = a.take32();
    topBitOfXor(a, last, r);
    resultFlags(a, r, carry, a.take32(), 1);
  });
}

function sar(a: Access): void {
  const { c } = a;
  const x = a.modify(0);
  const count = shiftCount(a, 1);
  c.get(x).get(count).op('i64_shr_s');
  const r = a.take();
  a.write(0, r);
  unlessZero(a, count, () => {
    c.get(x).get(count).i64(1).op('i64_sub').op('i64_shr_s').op('i32_wrap_i64').i32(1).op('i32_and');
    const carry = a.take32();
    c.i32(0);
    resultFlags(a, r, carry, a.take32(), 1);
  });
}

function rotateFlags(a: Access, carry: Local, overflow: Local): void {
  a.setFlag('carry', carry);
  overflowFlag(a, overflow);
}

function rotate(left: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const width = 8 * size;
    const x = a.modify(0, 'zero');
    const count = shiftCount(a, 1);
    if (size === 8) c.get(x).get(count).op(left ? 'i64_rotl' : 'i64_rotr');
    else if (size === 4) {
      c.get(x).op('i32_wrap_i64').get(count).op('i32_wrap_i64').op(left ? 'i32_rotl' : 'i32_rotr').op('i64_extend_i32_u');
    } else {
      // Two or four copies side by side turn the narrow rotate into a wide one.
      c.get(x).i64(size === 2 ? 0x10001 : 0x01010101).op('i64_mul').op('i32_wrap_i64').get(count).op('i32_wrap_i64');
      c.op(left ? 'i32_rotl' : 'i32_rotr').op('i64_extend_i32_u');
      a.zeroExtend(size);
    }
    const r = a.take();
    a.write(0, r);
    unlessZero(a, count, () => {
      const top = (shift: number): void => { c.get(r).i64(width - shift).op('i64_shr_u').op('i32_wrap_i64').i32(1).op('i32_and'); };
      if (left) c.get(r).op('i32_wrap_i64').i32(1).op('i32_and');
      else top(1);
      const carry = a.take32();
      top(1);
      if (left) c.get(carry);
      else top(2);
      c.op('i32_xor');
      rotateFlags(a, carry, a.take32());
    });
  };
}

function rotateThroughCarry(left: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const width = 8 * size;
    const x = a.modify(0, 'zero');
    const count = shiftCount(a, 1);
    a.flag('carry');
    c.op('i64_extend_i32_u');
    const carryIn = a.take();
    const amount = a.i64();
    if (size < 4) c.get(count).i64(width + 1).op('i64_rem_u').set(amount);
    else c.get(count).set(amount);
    const r = a.i64();
    const carry = a.i32();
    c.get(amount).op('i64_eqz').if();
    c.get(x).set(r).get(carryIn).op('i32_wrap_i64').set(carry);
    c.else();
    if (size === 8) {
      if (left) {
        c.get(x).get(amount).op('i64_shl').get(carryIn).get(amount).i64(1).op('i64_sub').op('i64_shl').op('i64_or');
        c.get(x).i64(1).op('i64_shr_u').i64(64).get(amount).op('i64_sub').op('i64_shr_u').op('i64_or').set(r);
        c.get(x).i64(64).get(amount).op('i64_sub').op('i64_shr_u');
      } else {
        c.get(x).get(amount).op('i64_shr_u').get(carryIn).i64(64).get(amount).op('i64_sub').op('i64_shl').op('i64_or');
        c.get(x).i64(1).op('i64_shl').i64(64).get(amount).op('i64_sub').op('i64_shl').op('i64_or').set(r);
        c.get(x).get(amount).i64(1).op('i64_sub').op('i64_shr_u');
      }
    } else {
      // The carry as one more bit on top of the value.
      c.get(x).get(carryIn).i64(width).op('i64_shl').op('i64_or');
      const v = a.take();
      const rest = (): void => { c.i64(width + 1).get(amount).op('i64_sub'); };
      c.get(v).get(amount).op(left ? 'i64_shl' : 'i64_shr_u').get(v);
      rest();
      c.op(left ? 'i64_shr_u' : 'i64_shl').op('i64_or').set(v);
      c.get(v);
      a.zeroExtend(size);
      c.set(r).get(v).i64(width).op('i64_shr_u');
    }
    c.op('i32_wrap_i64').i32(1).op('i32_and').set(carry).end();
    a.write(0, r);
    unlessZero(a, count, () => {
      c.get(r).i64(width - 1).op('i64_shr_u').op('i32_wrap_i64').i32(1).op('i32_and');
      if (left) c.get(carry);
      else c.get(r).i64(width - 2).op('i64_shr_u').op('i32_wrap_i64').i32(1).op('i32_and');
      c.op('i32_xor');
      rotateFlags(a, carry, a.take32());
    });
  };
}

function doubleShift(left: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const width = 8 * size;
    const x = a.modify(0, 'zero');
    const y = a.read(1, 'zero');
    const count = shiftCount(a, 2);
    const r = a.i64();
    const carry = a.i32();
    if (size === 2) {
      // Counts of 17 to 31, undefined by the manual, go on with the second operand's bits again and leave CF clear; from 16 on
      // shld's OF is CF: so do AMD's processors.
      c.get(left ? y : x).get(y).i64(16).op('i64_shl').op('i64_or').get(left ? x : y).i64(32).op('i64_shl').op('i64_or');
      const v = a.take();
      if (left) {
        c.get(v).get(count).op('i64_shl').set(v).get(v).i64(32).op('i64_shr_u');
        a.zeroExtend(2);
        c.set(r).get(v).i64(48).op('i64_shr_u');
      } else {
        c.get(v).get(count).op('i64_shr_u');
        a.zeroExtend(2);
        c.set(r).get(v).get(count).i64(1).op('i64_sub').op('i64_shr_u');
      }
    } else if (size === 4) {
      if (left) {
        c.get(x).i64(32).op('i64_shl').get(y).op('i64_or').get(count).op('i64_shl').i64(32).op('i64_shr_u').set(r);
        c.get(x).i64(32).get(count).op('i64_sub').op('i64_shr_u');
      } else {
        c.get(y).i64(32).op('i64_shl').get(x).op('i64_or').get(count).op('i64_shr_u');
        a.zeroExtend(4);
        c.set(r).get(x).get(count).i64(1).op('i64_sub').op('i64_shr_u');
      }
    } else {
      // y >> (64 - count) in two steps, so that a count of zero shifts everything out.
      const [main, other] = left ? (['i64_shl', 'i64_shr_u'] as const) : (['i64_shr_u', 'i64_shl'] as const);
      c.get(x).get(count).op(main).get(y).i64(1).op(other).i64(63).get(count).op('i64_sub').op(other).op('i64_or').set(r);
      if (left) c.get(x).i64(64).get(count).op('i64_sub').op('i64_shr_u');
      else c.get(x).get(count).i64(1).op('i64_sub').op('i64_shr_u');
    }
    c.op('i32_wrap_i64').i32(1).op('i32_and');
    if (size === 2) c.get(count).i64(16).op('i64_le_u').op('i32_and');
    c.set(carry).get(r);
    a.signExtend(size);
    const result = a.take();
    a.write(0, result);
    unlessZero(a, count, () => {
      c.get(r).i64(width - 1).op('i64_shr_u').op('i32_wrap_i64');
      if (left && size === 2) c.get(count).i64(16).op('i64_lt_u').op('i32_and');
      if (left) c.get(carry);
      else c.get(r).i64(width - 2).op('i64_shr_u').op('i32_wrap_i64');
      c.op('i32_xor').i32(1).op('i32_and');
      resultFlags(a, result, carry, a.take32(), 1);
    });
  };
}

export const shifts: Record<string, Lift> = {
  shl, sal: shl, shr, sar, rol: rotate(true), ror: rotate(false), rcl: rotateThroughCarry(true), rcr: rotateThroughCarry(false),
  shld: doubleShift(true), shrd: doubleShift(false),
};
