/** Addition, subtraction, logic, multiplication, division. */
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { adcFlags, addFlags, logicFlags, overflowFlag, replaceFlags, sbbFlags, subFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import { EXIT } from '../../memory/layout.ts';
import type { BinaryOp } from '../wasm/opcodes.ts';
import type { Local } from '../wasm/code.ts';

function add(a: Access): void {
  const x = a.modify(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_add');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  addFlags(a, x, y, r);
}

function sub(a: Access): void {
  const x = a.modify(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_sub');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  subFlags(a, x, y, r);
}

function cmp(a: Access): void {
  const x = a.read(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_sub');
  a.signExtend(a.size(0));
  subFlags(a, x, y, a.take());
}

function adc(a: Access): void {
  const x = a.modify(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_add');
  a.flag('carry');
  a.c.op('i64_extend_i32_u').op('i64_add');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  adcFlags(a, x, y, r);
}

function sbb(a: Access): void {
  const x = a.modify(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_sub');
  a.flag('carry');
  a.c.op('i64_extend_i32_u').op('i64_sub');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  sbbFlags(a, x, y, r);
}

function logic(op: BinaryOp): Lift {
  return (a) => {
    const x = a.modify(0), y = a.read(1);
    a.c.get(x).get(y).op(op);
    const r = a.take();
    a.write(0, r);
    logicFlags(a, r);
  };
}

function test(a: Access): void {
  const x = a.read(0), y = a.read(1);
  a.c.get(x).get(y).op('i64_and');
  logicFlags(a, a.take());
}

function not(a: Access): void {
  a.c.get(a.modify(0)).i64(-1).op('i64_xor');
  a.write(0, a.take());
}

function neg(a: Access): void {
  const x = a.modify(0), zero = a.constant(0);
  a.c.get(zero).get(x).op('i64_sub');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  subFlags(a, zero, x, r);
}

function inc(a: Access): void {
  const x = a.modify(0), one = a.constant(1);
  a.c.get(x).get(one).op('i64_add');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  addFlags(a, x, one, r, true);
}

function dec(a: Access): void {
  const x = a.modify(0), one = a.constant(1);
  a.c.get(x).get(one).op('i64_sub');
  a.signExtend(a.size(0));
  const r = a.take();
  a.write(0, r);
  subFlags(a, x, one, r, true);
}

/** CF = OF = `overflow` (i32 on the stack); SF ZF AF PF, which the manual leaves undefined, stay as AMD's processors leave them. */
function multiplyFlags(a: Access): void {
  const overflow = a.take32();
  a.setFlag('carry', overflow);
  overflowFlag(a, overflow);
}

/** Pushes the high half of x * y (both 8 bytes). */
function high(a: Access, x: Local, y: Local, signed: boolean): Local {
  a.c.get(x).get(y);
  a.call(signed ? 'mulhs' : 'mulhu');
  return a.take();
}

/** One-operand mul and imul: d:a = a * source. */
function multiplyWide(signed: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const extension = signed ? 'sign' : 'zero';
    const y = a.read(0, extension);
    const x = a.register(REG.RAX, size, extension);
    c.get(x).get(y).op('i64_mul');
    const product = a.take();
    if (size === 8) {
      const upper = high(a, x, y, signed);
      a.setRegister(REG.RAX, product);
      a.setRegister(REG.RDX, upper);
      if (signed) c.get(product).i64(63).op('i64_shr_s').get(upper).op('i64_ne');
      else c.get(upper).i64(0).op('i64_ne');
      multiplyFlags(a);
      return;
    }
    if (size === 1) a.setRegister(REG.RAX, product, 2);
    else {
      c.get(product).i64(8 * size).op('i64_shr_u');
      const upper = a.take();
      a.setRegister(REG.RAX, product, size);
      a.setRegister(REG.RDX, upper, size);
    }
    c.get(product).get(product);
    if (signed) a.signExtend(size);
    else a.zeroExtend(size);
    c.op('i64_ne');
    multiplyFlags(a);
  };
}

/** Two- and three-operand imul. */
function imul(a: Access): void {
  const { operands } = a.shape;
  if (operands.length === 1) {
    multiplyWide(true)(a);
    return;
  }
  const { c } = a;
  const size = a.size(0);
  const three = operands.length === 3;
  const x = a.read(three ? 1 : 0), y = a.read(three ? 2 : 1);
  c.get(x).get(y).op('i64_mul');
  const product = a.take();
  if (size === 8) c.get(product).i64(63).op('i64_shr_s').get(high(a, x, y, true)).op('i64_ne');
  else {
    c.get(product).get(product);
    a.signExtend(size);
    c.op('i64_ne');
  }
  const overflow = a.take32();
  a.write(0, product);
  c.get(overflow);
  multiplyFlags(a);
}

const DE = 0;
const PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80;

/** What AMD's processors do with the flags, all undefined: AF set, SF ZF PF clear, CF and OF as they were. */
function divideFlags(a: Access): void {
  a.c.i32(AF);
  replaceFlags(a, a.take32(), SF | ZF | AF | PF);
}

/** div and idiv below 8 bytes: the dividend fits 64 bits. */
function divideNarrow(a: Access, signed: boolean): void {
  const { c } = a;
  const size = a.size(0);
  const extension = signed ? 'sign' : 'zero';
  const divisor = a.read(0, extension);
  c.get(divisor).op('i64_eqz');
  a.raiseIf(DE, -1);
  let dividend: Local;
  if (size === 1) dividend = a.register(REG.RAX, 2, extension);
  else {
    c.get(a.register(REG.RDX, size, extension)).i64(8 * size).op('i64_shl').get(a.register(REG.RAX, size, 'zero')).op('i64_or');
    dividend = a.take();
  }
  if (signed) {
    // The one quotient that WebAssembly traps on is out of range for the guest, too.
    c.get(dividend).i64(1n << 63n).op('i64_eq').get(divisor).i64(-1).op('i64_eq').op('i32_and');
    a.raiseIf(DE, -1);
  }
  c.get(dividend).get(divisor).op(signed ? 'i64_div_s' : 'i64_div_u');
  const quotient = a.take();
  c.get(quotient).get(quotient);
  if (signed) a.signExtend(size);
  else a.zeroExtend(size);
  c.op('i64_ne');
  a.raiseIf(DE, -1);
  c.get(dividend).get(divisor).op(signed ? 'i64_rem_s' : 'i64_rem_u');
  const remainder = a.take();
  if (size === 1) {
    // al = quotient, ah = remainder.
    c.get(remainder).i64(0xff).op('i64_and').i64(8).op('i64_shl').get(quotient).i64(0xff).op('i64_and').op('i64_or');
    a.setRegister(REG.RAX, a.take(), 2);
  } else {
    a.setRegister(REG.RAX, quotient, size);
    a.setRegister(REG.RDX, remainder, size);
  }
  divideFlags(a);
}

function div(a: Access): void {
  if (a.size(0) < 8) {
    divideNarrow(a, false);
    return;
  }
  const { c } = a;
  const divisor = a.read(0);
  const upper = a.register(REG.RDX), lower = a.register(REG.RAX);
  // Also true for a divisor of zero.
  c.get(upper).get(divisor).op('i64_ge_u');
  a.raiseIf(DE, -1);
  c.get(upper).get(lower).get(divisor);
  a.call('divu');
  const quotient = a.take();
  c.i32(0).load('i64', EXIT.HIGH);
  const remainder = a.take();
  a.setRegister(REG.RAX, quotient);
  a.setRegister(REG.RDX, remainder);
  divideFlags(a);
}

function idiv(a: Access): void {
  if (a.size(0) < 8) {
    divideNarrow(a, true);
    return;
  }
  const { c } = a;
  const divisor = a.read(0);
  const upper = a.register(REG.RDX), lower = a.register(REG.RAX);
  c.get(upper).i64(63).op('i64_shr_s');
  const sign = a.take();
  c.get(divisor).i64(63).op('i64_shr_s');
  const divisorSign = a.take();
  // |d:a| and |divisor|: x ^ s - s, with the borrow between the halves.
  c.get(lower).get(sign).op('i64_xor').get(sign).op('i64_sub');
  const low = a.take();
  c.get(upper).get(sign).op('i64_xor').get(low).op('i64_eqz').op('i64_extend_i32_u').get(sign).op('i64_and').op('i64_add');
  const up = a.take();
  c.get(divisor).get(divisorSign).op('i64_xor').get(divisorSign).op('i64_sub');
  const magnitude = a.take();
  c.get(up).get(magnitude).op('i64_ge_u');
  a.raiseIf(DE, -1);
  c.get(up).get(low).get(magnitude);
  a.call('divu');
  const quotient = a.take();
  c.i32(0).load('i64', EXIT.HIGH);
  const remainder = a.take();
  c.get(sign).get(divisorSign).op('i64_xor');
  const quotientSign = a.take();
  // The magnitude may be up to 2^63 - 1, or 2^63 if the quotient is negative.
  c.get(quotient).i64((1n << 63n) - 1n).get(quotientSign).op('i64_sub').op('i64_gt_u');
  a.raiseIf(DE, -1);
  c.get(quotient).get(quotientSign).op('i64_xor').get(quotientSign).op('i64_sub').set(quotient);
  c.get(remainder).get(sign).op('i64_xor').get(sign).op('i64_sub').set(remainder);
  a.setRegister(REG.RAX, quotient);
  a.setRegister(REG.RDX, remainder);
  divideFlags(a);
}

function carry(value: 0 | 1 | 'complement'): Lift {
  return (a) => {
    if (value === 'complement') {
      a.flag('carry');
      a.c.op('i32_eqz');
    } else a.c.i32(value);
    a.takeFlag('carry');
  };
}

export const arithmetic: Record<string, Lift> = {
  add, adc, sub, sbb, cmp, and: logic('i64_and'), or: logic('i64_or'), xor: logic('i64_xor'), test, not, neg, inc, dec,
  mul: multiplyWide(false), imul, div, idiv, clc: carry(0), stc: carry(1), cmc: carry('complement'),
};

