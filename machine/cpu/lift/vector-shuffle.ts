/**
 * Instructions that move elements about: shuffles, permutes, blends, inserts, extracts, byte shifts of whole registers. Their control is an
 * immediate or a vector, and both are known only when the instruction runs: one handler serves them all.
 */
import { ACCESS } from '../../memory/layout.ts';
import type { Local } from '../wasm/code.ts';
import type { LoadOp, SimdOp } from '../wasm/opcodes.ts';
import type { Access } from './access.ts';
import type { Lift } from './lift.ts';
import { binary, pushSplat, unary } from './vector-integer.ts';
import { clearAbove, enterMmx, finishMmx, host, isExtended, isImmediate, isVector, MMX, pushLane, registerAddress, source, writeLanes } from './vector-operands.ts';

type Bytes = 2 | 4 | 8;
const LOADS: Readonly<Record<Bytes, LoadOp>> = { 2: 'i32_16u', 4: 'i32', 8: 'i64' };
const REPLACE: Readonly<Record<Bytes, SimdOp>> = { 2: 'i16x8_replace_lane', 4: 'i32x4_replace_lane', 8: 'i64x2_replace_lane' };

/** The last operand, an immediate byte, as an i32. */
function immediate(a: Access): Local {
  a.c.get(a.read(a.shape.operands.length - 1, 'zero')).op('i32_wrap_i64').i32(0xff).op('i32_and');
  return a.take32();
}

/** Pushes the element whose number is `(control >> shift) & mask`, of those from `from + base` on. */
function pushPicked(a: Access, from: Local, base: number, control: Local, shift: number, mask: number, bytes: Bytes): void {
  a.c.get(from).get(control).i32(shift).op('i32_shr_u').i32(mask).op('i32_and').i32(Math.log2(bytes)).op('i32_shl').op('i32_add').load(LOADS[bytes], base);
}

/** A lane made of elements that `push` pushes, those from `first` to before `end`; the others are `result`'s. */
function build(a: Access, result: Local, bytes: Bytes, first: number, end: number, push: (i: number) => void): void {
  for (let i = first; i < end; i++) {
    a.c.get(result);
    push(i);
    a.c.simd(REPLACE[bytes], i).set(result);
  }
}

function zeroed(a: Access): Local {
  const result = a.v128();
  a.c.i64(0).simd('i64x2_splat').set(result);
  return result;
}

/** pshufd, pshuflw, pshufhw, pshufw, vpermilps and vpermilpd by immediate: the elements `first` to before `end` of each lane are chosen. */
function shuffle(bytes: Bytes, first: number, end: number): Lift {
  return (a) => {
    const size = a.size(0);
    const from = source(a, 1, size);
    const control = immediate(a);
    const bits = bytes === 8 ? 1 : 2;
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = a.v128();
      pushLane(a, from, at, size);
      a.c.set(result);
      build(a, result, bytes, first, end, (i) => {
        // Of two 8-byte elements a lane, every lane has its own bits; of four elements, all have the same.
        pushPicked(a, from, at + first * bytes, control, bytes === 8 ? at / 8 + i : bits * (i - first), bytes === 8 ? 1 : 3, bytes);
      });
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** shufps, shufpd: the lower half of each lane from the first source, the upper from the second. */
function shuffleTwo(bytes: 4 | 8): Lift {
  return (a) => {
    const size = a.size(0);
    const last = a.shape.operands.length - 2;
    const second = source(a, last, size);
    const first = registerAddress(a, last - 1);
    const control = immediate(a);
    const count = 16 / bytes;
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = zeroed(a);
      build(a, result, bytes, 0, count, (i) => {
        pushPicked(a, i < count / 2 ? first : second, at, control, bytes === 8 ? at / 8 + i : 2 * i, count - 1, bytes);
      });
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** vpermilps and vpermilpd: by immediate, or each element by bits of the third operand's. */
function permuteInLane(bytes: 4 | 8): Lift {
  const byImmediate = shuffle(bytes, 0, 16 / bytes);
  return (a) => {
    if (isImmediate(a, 2)) {
      byImmediate(a);
      return;
    }
    const size = a.size(0);
    const controls = host(a, 2, size, ACCESS.READ, false);
    const from = registerAddress(a, 1);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = zeroed(a);
      build(a, result, bytes, 0, 16 / bytes, (i) => {
        a.c.get(controls).load('i32', at + i * bytes);
        pushPicked(a, from, at, a.take32(), bytes === 8 ? 1 : 0, 16 / bytes - 1, bytes);
      });
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** vpermd, vpermps, and vpermq and vpermpd in both forms: elements from anywhere; by immediate, from the same 32 bytes. */
function permute(bytes: 4 | 8): Lift {
  return (a) => {
    const size = a.size(0);
    const byImmediate = isImmediate(a, 2);
    const from = host(a, byImmediate ? 1 : 2, size, ACCESS.READ, false);
    const controls = byImmediate ? immediate(a) : registerAddress(a, 1);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = zeroed(a);
      build(a, result, bytes, 0, 16 / bytes, (i) => {
        if (byImmediate) {
          pushPicked(a, from, at & ~31, controls, 2 * ((at % 32) / 8 + i), 3, bytes);
          return;
        }
        a.c.get(controls).load('i32', at + i * bytes);
        pushPicked(a, from, 0, a.take32(), 0, size / bytes - 1, bytes);
      });
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** vperm2f128, vperm2i128: each half one of four, or zero. */
function permuteHalves(a: Access): void {
  const { c } = a;
  const second = host(a, 2, 32, ACCESS.READ, false);
  const first = registerAddress(a, 1);
  const control = immediate(a);
  const results = [0, 4].map((shift) => {
    const result = a.v128();
    c.get(second).get(first).get(control).i32(shift + 1).op('i32_shr_u').i32(1).op('i32_and').op('select');
    c.get(control).i32(shift).op('i32_shr_u').i32(1).op('i32_and').i32(4).op('i32_shl').op('i32_add').load('v128');
    c.i64(0).simd('i64x2_splat').get(control).i32(8 << shift).op('i32_and').op('i32_eqz').op('select').set(result);
    return result;
  });
  writeLanes(a, 32, results);
}

/** vinsertf128, vinserti128. */
function insertHalf(a: Access): void {
  const { c } = a;
  const from = host(a, 2, 16, ACCESS.READ, false);
  const first = registerAddress(a, 1);
  const control = immediate(a);
  const results = [0, 1].map((half) => {
    const result = a.v128();
    c.get(from).load('v128').get(first).load('v128', 16 * half);
    c.get(control).i32(1).op('i32_and').i32(half).op('i32_eq').op('select').set(result);
    return result;
  });
  writeLanes(a, 32, results);
}

/** vextractf128, vextracti128. */
function extractHalf(a: Access): void {
  const { c } = a;
  const from = registerAddress(a, 1);
  const control = immediate(a);
  const result = a.v128();
  c.get(from).get(control).i32(1).op('i32_and').i32(4).op('i32_shl').op('i32_add').load('v128').set(result);
  const to = host(a, 0, 16, ACCESS.WRITE, false);
  c.get(to).get(result).store('v128');
  if (isVector(a, 0)) clearAbove(a, to, 16);
}

/** pextrb, pextrw, pextrd, pextrq, extractps: one element, zero-extended. */
function extract(bytes: 1 | 2 | 4 | 8): Lift {
  const load = ({ 1: 'i64_8u', 2: 'i64_16u', 4: 'i64_32u', 8: 'i64' } as const)[bytes];
  return (a) => {
    const mmx = a.size(1) === MMX;
    a.prepare(0);
    a.c.get(registerAddress(a, 1)).get(immediate(a)).i32((mmx ? MMX : 16) / bytes - 1).op('i32_and').i32(Math.log2(bytes)).op('i32_shl').op('i32_add').load(load);
    a.write(0, a.take());
    if (mmx) enterMmx(a);
  };
}

/** pinsrb, pinsrw, pinsrd, pinsrq: one element replaced. */
function insert(bytes: 1 | 2 | 4 | 8): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const last = a.shape.operands.length - 2;
    const value = a.read(last, 'zero');
    const control = immediate(a);
    const result = a.v128();
    pushLane(a, registerAddress(a, last - 1), 0, size);
    c.set(result);
    const to = registerAddress(a, 0);
    c.get(to).get(result).store('v128');
    c.get(to).get(control).i32(size / bytes - 1).op('i32_and').i32(Math.log2(bytes)).op('i32_shl').op('i32_add');
    a.store(a.take32(), bytes, value);
    if (size === MMX) finishMmx(a, to);
    else clearAbove(a, to, 16);
  };
}

/** Constant vector in which element i has bit i + `first`. */
function pushElementBits(a: Access, bytes: Bytes, first: number): void {
  a.c.simd('v128_const', ...Array.from({ length: 16 }, (_, i) => (i % bytes === 0 ? 1 << (first + Math.floor(i / bytes)) : 0)));
}

const SPLAT: Readonly<Record<Bytes, SimdOp>> = { 2: 'i16x8_splat', 4: 'i32x4_splat', 8: 'i64x2_splat' };
const EQUAL: Readonly<Record<Bytes, SimdOp>> = { 2: 'i16x8_eq', 4: 'i32x4_eq', 8: 'i64x2_eq' };

/** Pushes a mask of the elements whose bit, from bit `first` on, is set in `control`. */
function pushBitMask(a: Access, control: Local, bytes: Bytes, first: number): void {
  a.c.get(control);
  if (bytes === 8) a.c.op('i64_extend_i32_u');
  a.c.simd(SPLAT[bytes]);
  pushElementBits(a, bytes, first);
  a.c.simd('v128_and');
  pushElementBits(a, bytes, first);
  a.c.simd(EQUAL[bytes]);
}

/** blendps, blendpd, pblendw, vpblendd: by bits of the immediate; those of pblendw are the same in both halves. */
function blend(bytes: Bytes): Lift {
  return (a) => {
    const size = a.size(0);
    const last = a.shape.operands.length - 2;
    const second = source(a, last, size);
    const first = registerAddress(a, last - 1);
    const control = immediate(a);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = a.v128();
      pushLane(a, second, at, size);
      pushLane(a, first, at, size);
      pushBitMask(a, control, bytes, bytes === 2 ? 0 : at / bytes);
      a.c.simd('v128_bitselect').set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** pblendvb, blendvps, blendvpd: by the sign bits of xmm0 or, in the VEX forms, of a fourth register. */
function blendBySign(op: SimdOp, shift: number): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const extended = isExtended(a);
    const second = source(a, extended ? 2 : 1, size);
    const first = registerAddress(a, extended ? 1 : 0);
    // The decoder puts the fourth register's place, or xmm0's, where immediates are.
    c.get(a.read(a.shape.operands.length - 1)).op('i32_wrap_i64');
    const mask = a.take32();
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = a.v128();
      c.get(second).load('v128', at).get(first).load('v128', at).get(mask).load('v128', at).i32(shift).simd(op).simd('v128_bitselect').set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** insertps: an element of the source, or memory, at one place; others become zero by the low four bits. */
function insertElement(a: Access): void {
  const { c } = a;
  const last = a.shape.operands.length - 2;
  const control = immediate(a);
  const fromRegister = isVector(a, last);
  const from = fromRegister ? registerAddress(a, last) : host(a, last, 4, ACCESS.READ, false);
  if (fromRegister) pushPicked(a, from, 0, control, 6, 3, 4);
  else c.get(from).load('i32');
  const value = a.take32();
  const result = a.v128();
  c.get(value).simd('i32x4_splat').get(registerAddress(a, last - 1)).load('v128');
  c.simd('v128_const', 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0).get(control).i32(4).op('i32_shr_u').i32(3).op('i32_and').simd('i32x4_splat').simd('i32x4_eq').simd('v128_bitselect');
  pushBitMask(a, control, 4, 0);
  c.simd('v128_andnot').set(result);
  writeLanes(a, 16, [result]);
}

const IOTA = Array.from({ length: 16 }, (_, i) => i);

/** pshufb: bytes by the low bits of the second source's, zero where bit 7 is set. */
const shuffleBytes = binary(({ c, x, y, mmx }) => {
  c.get(x).get(y);
  pushSplat(c, 1, mmx ? 0x87n : 0x8fn);
  c.simd('v128_and').simd('i8x16_swizzle');
});

/** psrldq and pslldq: whole lanes by bytes. */
const shiftBytes = (left: boolean): Lift => (a) => {
  const { c } = a;
  const size = a.size(0);
  const last = a.shape.operands.length - 1;
  const from = last === 1 ? registerAddress(a, 0) : host(a, 1, size, ACCESS.READ, false);
  const control = immediate(a);
  const results: Local[] = [];
  for (let at = 0; at < size; at += 16) {
    const result = a.v128();
    c.get(from).load('v128', at).simd('v128_const', ...IOTA);
    // An index that leaves 0 to 15 takes a zero.
    c.get(control).i32(16).get(control).i32(16).op('i32_lt_u').op('select').simd('i8x16_splat').simd(left ? 'i8x16_sub' : 'i8x16_add').simd('i8x16_swizzle').set(result);
    results.push(result);
  }
  writeLanes(a, size, results);
};

/** palignr: from the two sources put together, second source low, the bytes from the immediate on. */
function alignRight(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const last = a.shape.operands.length - 2;
  const second = source(a, last, size);
  const first = registerAddress(a, last - 1);
  const control = immediate(a);
  const at16 = a.v128();
  c.simd('v128_const', ...IOTA).get(control).simd('i8x16_splat').simd('i8x16_add_sat_u').set(at16);
  const results: Local[] = [];
  for (let at = 0; at < size; at += 16) {
    const result = a.v128();
    if (size === MMX) {
      c.get(second).load('v128_64_zero').get(first).load('i64').simd('i64x2_replace_lane', 1).get(at16).simd('i8x16_swizzle').set(result);
    } else {
      c.get(second).load('v128', at).get(at16).simd('i8x16_swizzle').get(first).load('v128', at).get(at16);
      pushSplat(c, 1, 16n);
      c.simd('i8x16_sub').simd('i8x16_swizzle').simd('v128_or').set(result);
    }
    results.push(result);
  }
  writeLanes(a, size, results);
}

/** mpsadbw: eight sums of four absolute differences; the immediate chooses where in the sources, three bits a lane. */
function sumsOfDifferences(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const last = a.shape.operands.length - 2;
  const second = source(a, last, size);
  const first = registerAddress(a, last - 1);
  const control = immediate(a);
  const results: Local[] = [];
  for (let at = 0; at < size; at += 16) {
    const shift = at === 0 ? 0 : 3;
    c.get(first).get(control).i32(shift + 2).op('i32_shr_u').i32(1).op('i32_and').i32(2).op('i32_shl').op('i32_add');
    const window = a.take32();
    c.get(second).get(control).i32(shift).op('i32_shr_u').i32(3).op('i32_and').i32(2).op('i32_shl').op('i32_add');
    const block = a.take32();
    const result = zeroed(a);
    for (let k = 0; k < 4; k++) {
      c.get(window).load('v128_64_zero', at + k).simd('i16x8_extend_low_i8x16_u').get(block).load('i32_8u', at + k).simd('i16x8_splat');
      c.simd('i16x8_sub').simd('i16x8_abs').get(result).simd('i16x8_add').set(result);
    }
    results.push(result);
  }
  writeLanes(a, size, results);
}

const sse = (): Record<string, Lift> => ({
  pshufd: shuffle(4, 0, 4), pshuflw: shuffle(2, 0, 4), pshufhw: shuffle(2, 4, 8), pshufw: shuffle(2, 0, 4), pshufb: shuffleBytes,
  shufps: shuffleTwo(4), shufpd: shuffleTwo(8), insertps: insertElement,
  pextrb: extract(1), pextrw: extract(2), pextrd: extract(4), pextrq: extract(8), extractps: extract(4),
  pinsrb: insert(1), pinsrw: insert(2), pinsrd: insert(4), pinsrq: insert(8),
  pblendw: blend(2), blendps: blend(4), blendpd: blend(8),
  pblendvb: blendBySign('i8x16_shr_s', 7), blendvps: blendBySign('i32x4_shr_s', 31), blendvpd: blendBySign('i64x2_shr_s', 63),
  pslldq: shiftBytes(true), psrldq: shiftBytes(false), palignr: alignRight, mpsadbw: sumsOfDifferences,
});

export const vectorShuffle = (): Record<string, Lift> => ({
  ...sse(),
  ...Object.fromEntries(Object.entries(sse()).map(([mnemonic, lift]) => [`v${mnemonic}`, lift])),
  vpblendd: blend(4),
  vpermilps: permuteInLane(4), vpermilpd: permuteInLane(8), vpermd: permute(4), vpermps: permute(4), vpermq: permute(8), vpermpd: permute(8),
  vperm2f128: permuteHalves, vperm2i128: permuteHalves, vinsertf128: insertHalf, vinserti128: insertHalf, vextractf128: extractHalf, vextracti128: extractHalf,
  movq2dq: (a) => {
    const result = a.v128();
    pushLane(a, registerAddress(a, 1), 0, MMX);
    a.c.set(result);
    writeLanes(a, 16, [result]);
    enterMmx(a);
  },
  movdq2q: unary(({ c, x }) => { c.get(x); }),
});
