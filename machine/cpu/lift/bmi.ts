/**
 * BMI1, BMI2, ADX, MOVBE, CRC32. Flags the manuals leave undefined (AF, PF and for bextr SF) are as AMD's processors leave them: PF by the
 * result, AF clear, for bextr AF set and SF clear.
 */
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { logicFlags, overflowFlag, pushCondition, resultFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';
import type { BinaryOp } from '../wasm/opcodes.ts';

const width = (a: Access): number => 8 * a.size(0);

/** The value extended by sign, as flags want it. */
function extended(a: Access, value: Local): Local {
  a.c.get(value);
  a.signExtend(a.size(0));
  return a.take();
}

/** SF and ZF by result, CF as given, OF clear. */
function carryFlags(a: Access, result: Local, carry: Local): void {
  a.c.i32(0);
  resultFlags(a, result, carry, a.take32());
}

function andn(a: Access): void {
  const x = a.read(1), y = a.read(2);
  a.c.get(x).i64(-1).op('i64_xor').get(y).op('i64_and');
  const r = a.take();
  a.write(0, r);
  logicFlags(a, r);
}

/** blsi, blsmsk, blsr: `combine` leaves the result of x on the stack; `carryIfZero`: CF tells a source of zero. */
function lowestBit(combine: (a: Access, x: Local) => void, carryIfZero: boolean): Lift {
  return (a) => {
    const x = a.read(1);
    combine(a, x);
    const r = a.take();
    a.c.get(x).op('i64_eqz');
    if (!carryIfZero) a.c.op('i32_eqz');
    const carry = a.take32();
    a.write(0, r);
    carryFlags(a, extended(a, r), carry);
  };
}

/** Pushes a mask of `count` (0 to the width) low bits. */
function lowMask(a: Access, count: Local): void {
  const { c } = a;
  // Two shifts, so that a count of 64 gives all ones.
  c.i64(-1);
  c.i64(1).get(count).op('i64_shl').i64(1).op('i64_sub');
  c.get(count).i64(63).op('i64_gt_u').op('select');
}

/** bextr: bits [start, start + length) of the source. */
function bextr(a: Access): void {
  const { c } = a;
  const x = a.read(1, 'zero'), control = a.read(2, 'zero');
  c.get(control).i64(0xff).op('i64_and');
  const start = a.take();
  c.get(control).i64(8).op('i64_shr_u').i64(0xff).op('i64_and');
  const length = a.take();
  c.i64(0).get(x).get(start).op('i64_shr_u').get(start).i64(63).op('i64_gt_u').op('select');
  lowMask(a, length);
  c.op('i64_and');
  const r = a.take();
  a.write(0, r);
  // SF stays clear even if the field is the whole operand: the result as flags see it is never negative.
  const zero = a.i32();
  c.i32(0).set(zero);
  c.get(r).i64(0xff).op('i64_and').get(r).op('i64_eqz').op('i32_eqz').op('i64_extend_i32_u').i64(8).op('i64_shl').op('i64_or');
  resultFlags(a, a.take(), zero, zero, 1);
}

/** bzhi: bits from an index on become zero; CF says that the index was beyond the operand. */
function bzhi(a: Access): void {
  const { c } = a;
  const x = a.read(1, 'zero');
  c.get(a.read(2, 'zero')).i64(0xff).op('i64_and');
  const index = a.take();
  c.get(x);
  lowMask(a, index);
  c.op('i64_and');
  const r = a.take();
  c.get(index).i64(width(a) - 1).op('i64_gt_u');
  const carry = a.take32();
  a.write(0, r);
  carryFlags(a, extended(a, r), carry);
}

/** mulx: high and low half of rdx * source, no flags. If both go to one register it gets the high half. */
function mulx(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const y = a.read(2, 'zero');
  const x = a.register(REG.RDX, size, 'zero');
  c.get(x).get(y).op('i64_mul');
  const product = a.take();
  if (size === 8) {
    c.get(x).get(y);
    a.call('mulhu');
  } else c.get(product).i64(32).op('i64_shr_u');
  const high = a.take();
  a.write(1, product);
  a.write(0, high);
}

/** pdep, pext: one step for each bit of the mask. */
function depositExtract(deposit: boolean): Lift {
  return (a) => {
    const { c } = a;
    const source = a.read(1, 'zero'), mask = a.read(2, 'zero');
    const left = a.i64(), result = a.i64(), bit = a.i64(), lowest = a.i64();
    c.get(mask).set(left).i64(0).set(result).i64(0).set(bit);
    const done = c.block();
    const again = c.loop();
    c.get(left).op('i64_eqz').brIf(done);
    c.i64(0).get(left).op('i64_sub').get(left).op('i64_and').set(lowest);
    if (deposit) {
      // Bit `bit` of the source goes to the lowest place left in the mask.
      c.get(result).get(lowest).i64(0).get(source).get(bit).op('i64_shr_u').i64(1).op('i64_and').op('i64_sub').op('i64_and').op('i64_or').set(result);
    } else {
      c.get(result).get(source).get(lowest).op('i64_and').i64(0).op('i64_ne').op('i64_extend_i32_u').get(bit).op('i64_shl').op('i64_or').set(result);
    }
    c.get(bit).i64(1).op('i64_add').set(bit);
    c.get(left).get(lowest).op('i64_xor').set(left).br(again);
    c.end().end();
    a.write(0, result);
  };
}

function rorx(a: Access): void {
  const { c } = a;
  const x = a.read(1, 'zero'), count = a.read(2);
  if (a.size(0) === 8) c.get(x).get(count).op('i64_rotr');
  else c.get(x).op('i32_wrap_i64').get(count).op('i32_wrap_i64').op('i32_rotr').op('i64_extend_i32_u');
  a.write(0, a.take());
}

/** sarx, shlx, shrx: shifts by a register, without flags. */
function shiftBy(op: BinaryOp, extension: 'sign' | 'zero'): Lift {
  return (a) => {
    const x = a.read(1, extension), count = a.read(2);
    a.c.get(x).get(count).i64(width(a) - 1).op('i64_and').op(op);
    a.write(0, a.take());
  };
}

/** adcx and adox: additions whose carry lives in CF or OF alone. */
function addWith(flag: 'carry' | 'overflow'): Lift {
  return (a) => {
    const { c } = a;
    const x = a.read(0, 'zero'), y = a.read(1, 'zero');
    if (flag === 'carry') a.flag('carry');
    else pushCondition(a, 'o');
    const carryIn = a.take32();
    c.get(x).get(y).op('i64_add').get(carryIn).op('i64_extend_i32_u').op('i64_add');
    const sum = a.take();
    if (a.size(0) === 8) c.get(sum).get(x).op('i64_lt_u').get(sum).get(x).op('i64_eq').get(carryIn).op('i32_and').op('i32_or');
    else c.get(sum).i64(32).op('i64_shr_u').op('i32_wrap_i64');
    const carryOut = a.take32();
    a.write(0, sum);
    if (flag === 'carry') a.setFlag('carry', carryOut);
    else overflowFlag(a, carryOut);
  };
}

/** The low `size` bytes of `x` in opposite order. */
function swapped(a: Access, x: Local, size: number): Local {
  const { c } = a;
  c.get(x).i64(8).op('i64_shr_u').i64(0x00ff00ff00ff00ffn).op('i64_and');
  c.get(x).i64(0x00ff00ff00ff00ffn).op('i64_and').i64(8).op('i64_shl').op('i64_or');
  const pairs = a.take();
  if (size === 2) return pairs;
  c.get(pairs).i64(16).op('i64_shr_u').i64(0x0000ffff0000ffffn).op('i64_and');
  c.get(pairs).i64(0x0000ffff0000ffffn).op('i64_and').i64(16).op('i64_shl').op('i64_or');
  if (size === 8) c.i64(32).op('i64_rotl');
  return a.take();
}

function movbe(a: Access): void {
  a.write(0, swapped(a, a.read(1, 'zero'), a.size(0)));
}

/** The Castagnoli polynomial, bits reversed. */
const CRC32C = 0x82f63b78n;

function crc32(a: Access): void {
  const { c } = a;
  const size = a.size(1);
  const source = a.read(1, 'zero');
  const crc = a.i64(), steps = a.i32();
  c.get(a.read(0, 'zero')).i64(0xffff_ffffn).op('i64_and').get(source).op('i64_xor').set(crc);
  c.i32(8 * size).set(steps);
  // The checksum meets the data's low end: for 8 bytes the upper four wait above it in the same register.
  const again = c.loop();
  c.get(crc).i64(1).op('i64_shr_u').i64(0).get(crc).i64(1).op('i64_and').op('i64_sub').i64(CRC32C).op('i64_and').op('i64_xor').set(crc);
  c.get(steps).i32(1).op('i32_sub').tee(steps).brIf(again);
  c.end();
  a.write(0, crc);
}

export const bmi: Record<string, Lift> = {
  andn, bextr, bzhi,
  blsi: lowestBit((a, x) => { a.c.i64(0).get(x).op('i64_sub').get(x).op('i64_and'); }, false),
  blsmsk: lowestBit((a, x) => { a.c.get(x).i64(1).op('i64_sub').get(x).op('i64_xor'); }, true),
  blsr: lowestBit((a, x) => { a.c.get(x).i64(1).op('i64_sub').get(x).op('i64_and'); }, true),
  mulx, pdep: depositExtract(true), pext: depositExtract(false), rorx,
  sarx: shiftBy('i64_shr_s', 'sign'), shlx: shiftBy('i64_shl', 'zero'), shrx: shiftBy('i64_shr_u', 'zero'),
  adcx: addWith('carry'), adox: addWith('overflow'), movbe, crc32,
};
