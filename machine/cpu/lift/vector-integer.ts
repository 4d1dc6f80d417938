/**
 * Packed integer arithmetic, comparisons, shifts and logic of MMX, SSE to SSE4.2, AVX2, and AVX-512 without masks: what each does to 16 bytes,
 * which WebAssembly's vectors mostly say in one instruction.
 */
import { ACCESS } from '../../memory/layout.ts';
import type { Code, Local } from '../wasm/code.ts';
import type { SimdOp } from '../wasm/opcodes.ts';
import type { Access } from './access.ts';
import { explicitFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import { host, isImmediate, isVector, MMX, pushLane, registerAddress, source, vectorCount, writeLanes } from './vector-operands.ts';

export interface Lane {
  readonly a: Access;
  readonly c: Code;
  /** The first and the second source's 16 bytes; of MMX the low 8 count. */
  readonly x: Local;
  readonly y: Local;
  /** Offset of the 16 bytes in the register. */
  readonly at: number;
  /** The operands have 8 bytes. */
  readonly mmx: boolean;
}

/** Pushes the 16 bytes of the result. */
type Compute = (lane: Lane) => void;

/** An instruction of two sources, of which a two-operand form's first is its destination. */
export function binary(compute: Compute): Lift {
  return (a) => {
    const size = a.size(0);
    const last = vectorCount(a) - 1;
    const second = source(a, last, size);
    const first = registerAddress(a, last - 1);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const x = a.v128(), y = a.v128(), result = a.v128();
      pushLane(a, first, at, size);
      a.c.set(x);
      pushLane(a, second, at, size);
      a.c.set(y);
      compute({ a, c: a.c, x, y, at, mmx: size === MMX });
      a.c.set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** An instruction of one source. */
export function unary(compute: (lane: Omit<Lane, 'y'>) => void): Lift {
  return (a) => {
    const size = a.size(0);
    const from = source(a, 1, size);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const x = a.v128(), result = a.v128();
      pushLane(a, from, at, size);
      a.c.set(x);
      compute({ a, c: a.c, x, at, mmx: size === MMX });
      a.c.set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** One WebAssembly instruction; `swap`: with its operands the other way round. */
const direct = (op: SimdOp, swap = false): Lift => binary(({ c, x, y }) => { c.get(swap ? y : x).get(swap ? x : y).simd(op); });

/** A constant vector of equal elements. */
export function pushSplat(c: Code, bytes: 1 | 2 | 4 | 8, value: bigint): void {
  c.simd('v128_const', ...Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (i % bytes))) & 0xffn)));
}

/** For instructions that put the first source's results below the second's: in MMX both have to be in one vector first. Pushes the two operands. */
function pushPair({ c, x, y, mmx }: Lane): void {
  if (!mmx) {
    c.get(x).get(y);
    return;
  }
  c.get(x).get(y).simd('i8x16_shuffle', 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23).set(x);
  c.get(x).get(x);
}

const narrow = (op: SimdOp): Lift => binary((lane) => {
  pushPair(lane);
  lane.c.simd(op);
});

/** Byte numbers of every other element, the even or the odd ones, of both operands of a shuffle. */
function everyOther(element: number, odd: boolean): number[] {
  return Array.from({ length: 16 }, (_, i) => 2 * element * Math.floor(i / element) + (i % element) + (odd ? element : 0));
}

/** phadd and phsub: neighbours, the first source's results below the second's. */
const horizontal = (element: 2 | 4, op: SimdOp): Lift => binary((lane) => {
  const { a, c } = lane;
  pushPair(lane);
  const high = a.v128(), low = a.v128();
  c.set(high).set(low);
  c.get(low).get(high).simd('i8x16_shuffle', ...everyOther(element, false));
  c.get(low).get(high).simd('i8x16_shuffle', ...everyOther(element, true));
  c.simd(op);
});

/** The upper halves of 16-bit products. */
const multiplyHigh = (low: SimdOp, high: SimdOp): Lift => binary(({ c, x, y }) => {
  c.get(x).get(y).simd(low).get(x).get(y).simd(high).simd('i8x16_shuffle', ...everyOther(2, true));
});

/** 32-bit products' lower halves, as 64 bits. */
const multiplyEven = (op: SimdOp): Lift => binary(({ c, x, y }) => {
  for (const one of [x, y]) c.get(one).get(one).simd('i8x16_shuffle', 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11);
  c.simd(op);
});

/** pmulhrsw: 16-bit products, rounded at bit 14. */
function multiplyRounded({ c, x, y }: Lane): void {
  for (const op of ['i32x4_extmul_low_i16x8_s', 'i32x4_extmul_high_i16x8_s'] as const) {
    c.get(x).get(y).simd(op).i32(14).simd('i32x4_shr_s');
    pushSplat(c, 4, 1n);
    c.simd('i32x4_add').i32(1).simd('i32x4_shr_s');
  }
  c.simd('i8x16_shuffle', ...everyOther(2, false));
}

/** pmaddubsw: unsigned bytes times signed ones, neighbours added with saturation. */
function multiplyAddBytes({ c, x, y }: Lane): void {
  c.get(x);
  pushSplat(c, 2, 0xffn);
  c.simd('v128_and').get(y).i32(8).simd('i16x8_shl').i32(8).simd('i16x8_shr_s').simd('i16x8_mul');
  c.get(x).i32(8).simd('i16x8_shr_u').get(y).i32(8).simd('i16x8_shr_s').simd('i16x8_mul').simd('i16x8_add_sat_s');
}

/** psadbw: sums of absolute differences of bytes, eight each. */
function sumOfDifferences({ a, c, x, y }: Lane): void {
  c.get(x).get(y).simd('i8x16_sub_sat_u').get(y).get(x).simd('i8x16_sub_sat_u').simd('v128_or');
  c.simd('i16x8_extadd_pairwise_i8x16_u').simd('i32x4_extadd_pairwise_i16x8_u');
  const sums = a.v128();
  c.tee(sums).i32(32).simd('i64x2_shr_u').get(sums);
  pushSplat(c, 8, 0xffff_ffffn);
  c.simd('v128_and').simd('i64x2_add');
}

/** psign: negated where the second source is negative, zero where it is zero. */
const sign = (bytes: 1 | 2 | 4, negate: SimdOp, greater: SimdOp, equal: SimdOp): Lift => binary(({ c, x, y }) => {
  c.get(x).simd(negate).get(x);
  pushSplat(c, bytes, 0n);
  c.get(y).simd(greater).simd('v128_bitselect');
  c.get(y);
  pushSplat(c, bytes, 0n);
  c.simd(equal).simd('v128_andnot');
});

/** Byte numbers that interleave the low or high halves. */
function interleave(element: number, high: boolean, mmx: boolean): number[] {
  const half = mmx ? 4 : 8;
  return Array.from({ length: 16 }, (_, i) => {
    const pair = Math.floor(i / (2 * element));
    const from = pair * element + (i % element) + (high ? half : 0);
    return (from & 15) + (i % (2 * element) >= element ? 16 : 0);
  });
}

function unpack(element: 1 | 2 | 4 | 8, high: boolean): Lift {
  return (a) => {
    // The low half of an MMX source in memory is all that is read.
    if (a.size(0) === MMX && !high && !isVector(a, 1)) {
      const from = host(a, 1, 4, ACCESS.READ, false);
      const result = a.v128();
      pushLane(a, registerAddress(a, 0), 0, MMX);
      a.c.get(from).load('v128_32_zero').simd('i8x16_shuffle', ...interleave(element, false, true)).set(result);
      writeLanes(a, MMX, [result]);
      return;
    }
    binary(({ c, x, y, mmx }) => { c.get(x).get(y).simd('i8x16_shuffle', ...interleave(element, high, mmx)); })(a);
  };
}

/** Shifts of all elements by one count: an immediate, or the low 8 bytes of a register or of memory. */
function shift(bits: 16 | 32 | 64, op: SimdOp, arithmetic = false): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const last = a.shape.operands.length - 1;
    const count = a.i64();
    if (isImmediate(a, last)) c.get(a.read(last, 'zero')).set(count);
    else c.get(source(a, last, size === MMX ? MMX : 16)).load('i64').set(count);
    const from = last === 1 ? registerAddress(a, 0) : host(a, 1, size, ACCESS.READ, false);
    c.get(count).i64(bits).op('i64_lt_u');
    const small = a.take32();
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = a.v128();
      pushLane(a, from, at, size);
      if (arithmetic) c.get(count).op('i32_wrap_i64').i32(bits - 1).get(small).op('select').simd(op);
      else {
        c.get(count).op('i32_wrap_i64').simd(op);
        pushSplat(c, 8, 0n);
        c.get(small).op('select');
      }
      c.set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** vpsllv and the like: every element by a count of its own. */
function shiftEach(bytes: 4 | 8, op: 'i64_shl' | 'i64_shr_u' | 'i64_shr_s'): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const bits = 8 * bytes;
    const counts = host(a, 2, size, ACCESS.READ, false);
    const from = registerAddress(a, 1);
    const results: Local[] = [];
    for (let at = 0; at < size; at += 16) {
      const result = a.v128();
      c.i64(0).simd('i64x2_splat').set(result);
      for (let i = 0; i < 16 / bytes; i++) {
        c.get(counts).load(bytes === 8 ? 'i64' : 'i64_32u', at + i * bytes);
        const count = a.take();
        c.get(result).get(from).load(bytes === 8 ? 'i64' : op === 'i64_shr_s' ? 'i64_32s' : 'i64_32u', at + i * bytes);
        if (op === 'i64_shr_s') c.get(count).i64(bits - 1).get(count).i64(bits).op('i64_lt_u').op('select').op(op);
        else c.get(count).op(op).i64(0).get(count).i64(bits).op('i64_lt_u').op('select');
        if (bytes === 8) c.simd('i64x2_replace_lane', i);
        else c.op('i32_wrap_i64').simd('i32x4_replace_lane', i);
        c.set(result);
      }
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

/** pmovsx, pmovzx: elements of the source's low bytes, `from` wide, extended to `to`. */
function extend(from: 1 | 2 | 4, to: 2 | 4 | 8, steps: readonly SimdOp[]): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const read = (size * from) / to;
    const at = host(a, 1, read, ACCESS.READ, false);
    const results: Local[] = [];
    const part = (16 * from) / to;
    for (let lane = 0; lane < read; lane += part) {
      const result = a.v128();
      if (part === 2) c.get(at).load('i32_16u', lane).simd('i32x4_splat');
      else c.get(at).load(part === 8 ? 'v128_64_zero' : 'v128_32_zero', lane);
      for (const step of steps) c.simd(step);
      c.set(result);
      results.push(result);
    }
    writeLanes(a, size, results);
  };
}

const BYTE_TO_WORD = { s: 'i16x8_extend_low_i8x16_s', z: 'i16x8_extend_low_i8x16_u' } as const;
const WORD_TO_DWORD = { s: 'i32x4_extend_low_i16x8_s', z: 'i32x4_extend_low_i16x8_u' } as const;
const DWORD_TO_QWORD = { s: 'i64x2_extend_low_i32x4_s', z: 'i64x2_extend_low_i32x4_u' } as const;

const extensions = (): Record<string, Lift> => Object.fromEntries((['s', 'z'] as const).flatMap((kind): [string, Lift][] => {
  const bw = BYTE_TO_WORD[kind], wd = WORD_TO_DWORD[kind], dq = DWORD_TO_QWORD[kind];
  return [
    [`pmov${kind}xbw`, extend(1, 2, [bw])], [`pmov${kind}xbd`, extend(1, 4, [bw, wd])], [`pmov${kind}xbq`, extend(1, 8, [bw, wd, dq])],
    [`pmov${kind}xwd`, extend(2, 4, [wd])], [`pmov${kind}xwq`, extend(2, 8, [wd, dq])], [`pmov${kind}xdq`, extend(4, 8, [dq])],
  ];
}));

/** phminposuw: the smallest of eight words and its number. */
function minimumPosition({ a, c, x }: Omit<Lane, 'y'>): void {
  const best = a.i32(), one = a.i32();
  c.i32(0x7fff_ffff).set(best);
  for (let i = 0; i < 8; i++) {
    c.get(x).simd('i16x8_extract_lane_u', i).i32(3).op('i32_shl').i32(i).op('i32_or').set(one);
    c.get(one).get(best).get(one).get(best).op('i32_lt_u').op('select').set(best);
  }
  pushSplat(c, 8, 0n);
  c.get(best).i32(3).op('i32_shr_u').get(best).i32(7).op('i32_and').i32(16).op('i32_shl').op('i32_or').simd('i32x4_replace_lane', 0);
}

/** ptest, vtestps, vtestpd: ZF if no bit is set in both, CF if every bit of the second is set in the first; only sign bits of elements if told so. */
function test(signs?: 4 | 8): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const second = source(a, 1, size);
    const first = registerAddress(a, 0);
    const both = a.v128(), missing = a.v128(), x = a.v128(), y = a.v128();
    for (let at = 0; at < size; at += 16) {
      c.get(first).load('v128', at).set(x);
      c.get(second).load('v128', at);
      if (signs !== undefined) {
        pushSplat(c, signs, 1n << BigInt(8 * signs - 1));
        c.simd('v128_and');
      }
      c.set(y);
      c.get(x).get(y).simd('v128_and');
      if (at > 0) c.get(both).simd('v128_or');
      c.set(both).get(y).get(x).simd('v128_andnot');
      if (at > 0) c.get(missing).simd('v128_or');
      c.set(missing);
    }
    c.get(both).simd('v128_any_true').op('i32_eqz').i32(6).op('i32_shl').get(missing).simd('v128_any_true').op('i32_eqz').op('i32_or');
    explicitFlags(a, a.take32());
  };
}

const sse = (): Record<string, Lift> => ({
  pxor: direct('v128_xor'), por: direct('v128_or'), pand: direct('v128_and'),
  // WebAssembly's andnot complements its second operand, x86's its first.
  pandn: direct('v128_andnot', true),
  paddb: direct('i8x16_add'), paddw: direct('i16x8_add'), paddd: direct('i32x4_add'), paddq: direct('i64x2_add'),
  paddsb: direct('i8x16_add_sat_s'), paddsw: direct('i16x8_add_sat_s'), paddusb: direct('i8x16_add_sat_u'), paddusw: direct('i16x8_add_sat_u'),
  psubb: direct('i8x16_sub'), psubw: direct('i16x8_sub'), psubd: direct('i32x4_sub'), psubq: direct('i64x2_sub'),
  psubsb: direct('i8x16_sub_sat_s'), psubsw: direct('i16x8_sub_sat_s'), psubusb: direct('i8x16_sub_sat_u'), psubusw: direct('i16x8_sub_sat_u'),
  pcmpeqb: direct('i8x16_eq'), pcmpeqw: direct('i16x8_eq'), pcmpeqd: direct('i32x4_eq'), pcmpeqq: direct('i64x2_eq'),
  pcmpgtb: direct('i8x16_gt_s'), pcmpgtw: direct('i16x8_gt_s'), pcmpgtd: direct('i32x4_gt_s'), pcmpgtq: direct('i64x2_gt_s'),
  pminsb: direct('i8x16_min_s'), pminsw: direct('i16x8_min_s'), pminsd: direct('i32x4_min_s'),
  pminub: direct('i8x16_min_u'), pminuw: direct('i16x8_min_u'), pminud: direct('i32x4_min_u'),
  pmaxsb: direct('i8x16_max_s'), pmaxsw: direct('i16x8_max_s'), pmaxsd: direct('i32x4_max_s'),
  pmaxub: direct('i8x16_max_u'), pmaxuw: direct('i16x8_max_u'), pmaxud: direct('i32x4_max_u'),
  pavgb: direct('i8x16_avgr_u'), pavgw: direct('i16x8_avgr_u'),
  pmullw: direct('i16x8_mul'), pmulld: direct('i32x4_mul'), pmaddwd: direct('i32x4_dot_i16x8_s'),
  pmulhw: multiplyHigh('i32x4_extmul_low_i16x8_s', 'i32x4_extmul_high_i16x8_s'), pmulhuw: multiplyHigh('i32x4_extmul_low_i16x8_u', 'i32x4_extmul_high_i16x8_u'),
  pmuludq: multiplyEven('i64x2_extmul_low_i32x4_u'), pmuldq: multiplyEven('i64x2_extmul_low_i32x4_s'),
  pmulhrsw: binary(multiplyRounded), pmaddubsw: binary(multiplyAddBytes), psadbw: binary(sumOfDifferences),
  phaddw: horizontal(2, 'i16x8_add'), phaddd: horizontal(4, 'i32x4_add'), phaddsw: horizontal(2, 'i16x8_add_sat_s'),
  phsubw: horizontal(2, 'i16x8_sub'), phsubd: horizontal(4, 'i32x4_sub'), phsubsw: horizontal(2, 'i16x8_sub_sat_s'),
  psignb: sign(1, 'i8x16_neg', 'i8x16_gt_s', 'i8x16_eq'), psignw: sign(2, 'i16x8_neg', 'i16x8_gt_s', 'i16x8_eq'), psignd: sign(4, 'i32x4_neg', 'i32x4_gt_s', 'i32x4_eq'),
  pabsb: unary(({ c, x }) => { c.get(x).simd('i8x16_abs'); }), pabsw: unary(({ c, x }) => { c.get(x).simd('i16x8_abs'); }), pabsd: unary(({ c, x }) => { c.get(x).simd('i32x4_abs'); }),
  packsswb: narrow('i8x16_narrow_i16x8_s'), packuswb: narrow('i8x16_narrow_i16x8_u'), packssdw: narrow('i16x8_narrow_i32x4_s'), packusdw: narrow('i16x8_narrow_i32x4_u'),
  punpcklbw: unpack(1, false), punpcklwd: unpack(2, false), punpckldq: unpack(4, false), punpcklqdq: unpack(8, false),
  punpckhbw: unpack(1, true), punpckhwd: unpack(2, true), punpckhdq: unpack(4, true), punpckhqdq: unpack(8, true),
  unpcklps: unpack(4, false), unpckhps: unpack(4, true), unpcklpd: unpack(8, false), unpckhpd: unpack(8, true),
  psllw: shift(16, 'i16x8_shl'), pslld: shift(32, 'i32x4_shl'), psllq: shift(64, 'i64x2_shl'),
  psrlw: shift(16, 'i16x8_shr_u'), psrld: shift(32, 'i32x4_shr_u'), psrlq: shift(64, 'i64x2_shr_u'),
  psraw: shift(16, 'i16x8_shr_s', true), psrad: shift(32, 'i32x4_shr_s', true),
  ...extensions(),
  phminposuw: unary(minimumPosition), ptest: test(),
});

export const vectorInteger = (): Record<string, Lift> => ({
  ...sse(),
  ...Object.fromEntries(Object.entries(sse()).map(([mnemonic, lift]) => [`v${mnemonic}`, lift])),
  vpsllvd: shiftEach(4, 'i64_shl'), vpsllvq: shiftEach(8, 'i64_shl'), vpsrlvd: shiftEach(4, 'i64_shr_u'), vpsrlvq: shiftEach(8, 'i64_shr_u'), vpsravd: shiftEach(4, 'i64_shr_s'),
  vtestps: test(4), vtestpd: test(8),
});
