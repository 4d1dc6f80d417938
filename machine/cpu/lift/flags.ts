/**
 * Lazy flags. CF is always computed (it is one comparison, and adc, sbb, jb need it at once); the other five follow from the last
 * operation's operands a, b and result r, all sign-extended to 64 bits, so that no formula depends on the size:
 *
 *   SF = r < 0, ZF = r == 0, PF = even parity of r's low byte, AF = bit 4 of a ^ b ^ r,
 *   OF = sign of (a ^ r) & (b ^ r) after an addition, of (a ^ b) & (a ^ r) after a subtraction.
 *
 * INC and DEC leave the carry alone and so keep CF for free. Logic operations are a subtraction of zero from their result.
 * States that no operation produces (popf, cmpxchg16b) are `EXPLICIT`: r holds the five flags at their places in RFLAGS.
 */
import type { Access } from './access.ts';
import type { Local } from '../wasm/code.ts';

/** Values of the flag slot `kind`. `BORROW`: a subtraction with borrow, for which signed order is not a < b. */
export const KIND = { SUB: 0, ADD: 1, EXPLICIT: 2, BORROW: 3 } as const;

export const ARITHMETIC_FLAGS = 0x8d5;
const CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800;

function setOperands(access: Access, a: Local, b: Local, result: Local, kind: number): void {
  access.setFlag('a', a);
  access.setFlag('b', b);
  access.setFlag('result', result);
  access.setKind(kind);
}

/** After r = a + b. `keepCarry`: INC. */
export function addFlags(access: Access, a: Local, b: Local, r: Local, keepCarry = false): void {
  if (!keepCarry) {
    access.c.get(r).get(a).op('i64_lt_u');
    access.takeFlag('carry');
  }
  setOperands(access, a, b, r, KIND.ADD);
}

/** After r = a - b. `keepCarry`: DEC. */
export function subFlags(access: Access, a: Local, b: Local, r: Local, keepCarry = false): void {
  if (!keepCarry) {
    access.c.get(a).get(b).op('i64_lt_u');
    access.takeFlag('carry');
  }
  setOperands(access, a, b, r, KIND.SUB);
}

/** After r = a + b + carry, the carry still the old one. */
export function adcFlags(access: Access, a: Local, b: Local, r: Local): void {
  const { c } = access;
  // With a carry in, r = a also means a carry out.
  c.get(r).get(a).op('i64_lt_u').get(r).get(a).op('i64_eq');
  access.flag('carry');
  c.op('i32_and').op('i32_or');
  access.takeFlag('carry');
  setOperands(access, a, b, r, KIND.ADD);
}

/** After r = a - b - carry, the carry still the old one. */
export function sbbFlags(access: Access, a: Local, b: Local, r: Local): void {
  const { c } = access;
  c.get(a).get(b).op('i64_lt_u').get(a).get(b).op('i64_eq');
  access.flag('carry');
  c.op('i32_and').op('i32_or');
  access.takeFlag('carry');
  setOperands(access, a, b, r, KIND.BORROW);
}

/** After a logic operation: CF = OF = AF = 0. */
export function logicFlags(access: Access, r: Local): void {
  const { c } = access;
  const zero = access.constant(0);
  c.i32(0);
  access.takeFlag('carry');
  setOperands(access, r, zero, r, KIND.SUB);
}

/** SF ZF PF by result, CF and OF as given (i32 locals, 0 or 1), AF clear or set. */
export function resultFlags(access: Access, r: Local, carry: Local, overflow: Local, auxiliary: 0 | 1 = 0): void {
  const { c } = access;
  access.setFlag('carry', carry);
  // a = r ^ (OF << 63) and b = sign of ~r make the addition formula give OF, and AF = 0; bit 4 of a turns that round.
  c.get(overflow).op('i64_extend_i32_u').i64(63).op('i64_shl').get(r).op('i64_xor');
  if (auxiliary === 1) c.i64(AF).op('i64_xor');
  const a = access.take();
  c.get(r).i64(-1).op('i64_xor').i64(1n << 63n).op('i64_and');
  const b = access.take();
  setOperands(access, a, b, r, KIND.ADD);
}

/** All six from their places in an RFLAGS image (i32 local). */
export function explicitFlags(access: Access, bits: Local): void {
  const { c } = access;
  c.get(bits).i32(CF).op('i32_and');
  access.takeFlag('carry');
  c.get(bits).op('i64_extend_i32_u');
  access.takeFlag('result');
  access.setKind(KIND.EXPLICIT);
}

/** Changes the flags of `mask` to their bits in `bits` (i32 local) and leaves the others. */
export function replaceFlags(access: Access, bits: Local, mask: number): void {
  const { c } = access;
  pushFlags(access);
  c.i32(~mask).op('i32_and').get(bits).i32(mask).op('i32_and').op('i32_or');
  explicitFlags(access, access.take32());
}

/** Pushes the six arithmetic flags at their places in RFLAGS, as i32. */
export function pushFlags(access: Access): void {
  const { c } = access;
  access.flag('kind');
  c.i32(KIND.EXPLICIT).op('i32_eq').if('i32');
  access.flag('result');
  c.op('i32_wrap_i64').i32(ARITHMETIC_FLAGS & ~CF).op('i32_and');
  c.else();
  pushOverflow(access);
  c.i32(11).op('i32_shl');
  access.flag('result');
  c.i64(63).op('i64_shr_u').op('i32_wrap_i64').i32(7).op('i32_shl').op('i32_or');
  access.flag('result');
  c.op('i64_eqz').i32(6).op('i32_shl').op('i32_or');
  access.flag('a');
  access.flag('b');
  c.op('i64_xor');
  access.flag('result');
  c.op('i64_xor').op('i32_wrap_i64').i32(AF).op('i32_and').op('i32_or');
  pushParity(access);
  c.i32(2).op('i32_shl').op('i32_or');
  c.end();
  access.flag('carry');
  c.op('i32_or');
}

/** OF of a state that is not explicit. */
function pushOverflow(access: Access): void {
  const { c } = access;
  access.flag('a');
  access.flag('result');
  c.op('i64_xor');
  access.flag('b');
  access.flag('result');
  access.flag('a');
  access.flag('kind');
  c.i32(KIND.ADD).op('i32_eq').op('select').op('i64_xor').op('i64_and').i64(63).op('i64_shr_u').op('i32_wrap_i64');
}

/** PF of a state that is not explicit. */
function pushParity(access: Access): void {
  access.flag('result');
  access.c.op('i32_wrap_i64').i32(0xff).op('i32_and').op('i32_popcnt').i32(1).op('i32_and').op('i32_eqz');
}

export type Condition = 'o' | 'no' | 'b' | 'ae' | 'e' | 'ne' | 'be' | 'a' | 's' | 'ns' | 'p' | 'np' | 'l' | 'ge' | 'le' | 'g';
export const CONDITIONS: readonly Condition[] = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

const INVERSE: Partial<Record<Condition, Condition>> = { no: 'o', ae: 'b', ne: 'e', a: 'be', ns: 's', np: 'p', ge: 'l', g: 'le' };

/** Pushes 1 if the condition holds, else 0. */
export function pushCondition(access: Access, condition: Condition): void {
  const inverse = INVERSE[condition];
  if (inverse !== undefined) {
    pushCondition(access, inverse);
    access.c.op('i32_eqz');
    return;
  }
  const { c } = access;
  switch (condition) {
    case 'b':
      access.flag('carry');
      return;
    case 'be':
      access.flag('carry');
      pushCondition(access, 'e');
      c.op('i32_or');
      return;
    case 'e':
      byKind(access, ZF, () => { access.flag('result'); c.op('i64_eqz'); });
      return;
    case 's':
      byKind(access, SF, () => { access.flag('result'); c.i64(0).op('i64_lt_s'); });
      return;
    case 'o':
      byKind(access, OF, () => { pushOverflow(access); });
      return;
    case 'p':
      byKind(access, PF, () => { pushParity(access); });
      return;
    case 'l':
    case 'le':
      access.flag('kind');
      if (access.knownKind !== undefined) {
        c.op('drop');
        if (access.knownKind === KIND.SUB) pushOrder(access, condition);
        else pushSignedByFlags(access, condition);
        return;
      }
      c.op('i32_eqz').if('i32');
      pushOrder(access, condition);
      c.else();
      pushSignedByFlags(access, condition);
      c.end();
      return;
    default:
      throw new Error(`no condition ${condition}`);
  }
}

/** After a subtraction the signed conditions are one comparison. */
function pushOrder(access: Access, condition: 'l' | 'le'): void {
  access.flag('a');
  access.flag('b');
  access.c.op(condition === 'l' ? 'i64_lt_s' : 'i64_le_s');
}

function pushSignedByFlags(access: Access, condition: 'l' | 'le'): void {
  const { c } = access;
  pushFlags(access);
  const bits = access.i32();
  c.tee(bits).i32(4).op('i32_shr_u').get(bits).op('i32_xor').i32(SF).op('i32_and');
  if (condition === 'le') c.get(bits).i32(ZF).op('i32_and').op('i32_or');
  c.i32(0).op('i32_ne');
}

/** Pushes a flag: from the explicit bits, or as `lazy` computes it. */
function byKind(access: Access, bit: number, lazy: () => void): void {
  const { c } = access;
  if (access.knownKind !== undefined && access.knownKind !== KIND.EXPLICIT) {
    lazy();
    return;
  }
  const explicit = (): void => {
    access.flag('result');
    c.i64(bit).op('i64_and').i64(0).op('i64_ne');
  };
  if (access.knownKind === KIND.EXPLICIT) {
    explicit();
    return;
  }
  access.flag('kind');
  c.i32(KIND.EXPLICIT).op('i32_eq').if('i32');
  explicit();
  c.else();
  lazy();
  c.end();
}

/** Sets OF to `overflow` (i32 local, 0 or 1) and leaves the others, without computing them. */
export function overflowFlag(access: Access, overflow: Local): void {
  const { c } = access;
  const sign = 1n << 63n;
  const explicit = (): void => {
    access.flag('result');
    c.i64(~BigInt(OF)).op('i64_and').get(overflow).i32(11).op('i32_shl').op('i64_extend_i32_u').op('i64_or');
    access.takeFlag('result');
  };
  const lazy = (): void => {
    // As in resultFlags, but only the signs of a and b change, so that AF stays.
    access.flag('a');
    c.i64(sign - 1n).op('i64_and');
    c.get(overflow).op('i64_extend_i32_u').i64(63).op('i64_shl');
    access.flag('result');
    c.op('i64_xor').i64(sign).op('i64_and').op('i64_or');
    const a = access.take();
    access.flag('b');
    c.i64(sign - 1n).op('i64_and');
    access.flag('result');
    c.i64(-1).op('i64_xor').i64(sign).op('i64_and').op('i64_or');
    const b = access.take();
    access.setFlag('a', a);
    access.setFlag('b', b);
    access.setKind(KIND.ADD);
  };
  if (access.knownKind === KIND.EXPLICIT) explicit();
  else if (access.knownKind !== undefined) lazy();
  else {
    access.flag('kind');
    c.i32(KIND.EXPLICIT).op('i32_eq').if();
    explicit();
    c.else();
    lazy();
    c.end();
    access.forgetKind();
  }
}
