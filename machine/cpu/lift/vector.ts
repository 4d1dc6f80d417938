/** Vector moves, and the logic of the floating-point sets: MMX, SSE, AVX, and AVX-512 without masks. */
import { ACCESS, STATE } from '../../memory/layout.ts';
import type { Access } from './access.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';
import { clearAbove, enterMmx, finishMmx, host, isExtended, isVector, markPending, MMX, REGISTER, registerAddress } from './vector-operands.ts';
import { binary } from './vector-integer.ts';
import type { SimdOp } from '../wasm/opcodes.ts';

/** Copies `size` bytes (16, 32, 64) between host addresses. */
function copy(a: Access, to: Local, from: Local, size: number): void {
  for (let at = 0; at < size; at += 16) a.c.get(to).get(from).load('v128', at).store('v128', at);
}

/** movdqa, vmovups, movntdq and the like: whole registers either way. */
function move(aligned: boolean, nonTemporal = false): Lift {
  return (a) => {
    const size = isVector(a, 0) ? a.size(0) : a.size(1);
    const from = host(a, 1, size, ACCESS.READ, aligned);
    const to = host(a, 0, size, ACCESS.WRITE, aligned);
    copy(a, to, from, size);
    if (isVector(a, 0)) clearAbove(a, to, size);
    else if (nonTemporal) markPending(a);
  };
}

/** Bitwise operations of the floating-point sets. */
const logic = (op: SimdOp, swap = false): Lift => binary(({ c, x, y }) => { c.get(swap ? y : x).get(swap ? x : y).simd(op); });

/** movd and movq, also their VEX forms: the rest of a vector destination's 16 bytes becomes zero. */
function moveLow(size: number): Lift {
  return (a) => {
    const { c } = a;
    const value = a.i64();
    if (isVector(a, 1)) {
      a.pushVectorAddress(1);
      c.load(size === 8 ? 'i64' : 'i64_32u').set(value);
    } else c.get(a.read(1, 'zero')).set(value);
    const mmx = a.shape.operands.some((operand) => operand.kind === 'vector' && operand.size === MMX);
    if (!isVector(a, 0)) {
      a.write(0, value);
      if (mmx) enterMmx(a);
      return;
    }
    const to = registerAddress(a, 0);
    c.get(to).get(value).store('i64').get(to).i64(0).store('i64', 8);
    if (mmx) finishMmx(a, to);
    else clearAbove(a, to, 16);
  };
}

/** movss, movsd: a load clears the rest of the 16 bytes, a move between registers keeps it (VEX: takes it from the second operand). */
function moveScalar(size: number): Lift {
  return (a) => {
    const { c } = a;
    const three = a.shape.operands.length === 3;
    const source = three ? 2 : 1;
    const from = host(a, source, size, ACCESS.READ, false);
    a.load(from, size, 'zero');
    const value = a.take();
    const to = host(a, 0, size, ACCESS.WRITE, false);
    if (!isVector(a, 0)) {
      a.store(to, size, value);
      return;
    }
    if (isVector(a, source)) {
      if (three) copy(a, to, host(a, 1, 16, ACCESS.READ, false), 16);
      a.store(to, size, value);
    } else c.get(to).get(value).store('i64').get(to).i64(0).store('i64', 8);
    clearAbove(a, to, 16);
  };
}

/**
 * movlps, movhps and the like: 8 bytes between memory and one half, or between halves of registers. The other half stays (VEX: comes from
 * the second operand). `half`: the half of the register that is read or written; `other`: the half read when the source is a register.
 */
function moveHalf(half: 0 | 8, other: 0 | 8): Lift {
  return (a) => {
    const { c } = a;
    if (!isVector(a, 0)) {
      a.pushVectorAddress(1);
      c.load('i64', half);
      a.write(0, a.take());
      return;
    }
    const three = a.shape.operands.length === 3;
    const source = three ? 2 : 1;
    const from = host(a, source, 8, ACCESS.READ, false);
    c.get(from).load('i64', isVector(a, source) ? other : 0);
    const value = a.take();
    a.pushVectorAddress(0);
    const to = a.take32();
    if (three) copy(a, to, host(a, 1, 16, ACCESS.READ, false), 16);
    c.get(to).get(value).store('i64', half);
    clearAbove(a, to, 16);
  };
}

/** movshdup, movsldup, movddup: in each 16 bytes the odd or even elements twice. */
function duplicate(element: 4 | 8, odd: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    // movddup of 16 bytes reads 8.
    const read = element === 8 && size === 16 ? 8 : size;
    const from = host(a, 1, read, ACCESS.READ, !isExtended(a) && read === 16);
    a.pushVectorAddress(0);
    const to = a.take32();
    for (let lane = 0; lane < size; lane += 16) {
      const low = a.i64(), high = a.i64();
      if (element === 8) c.get(from).load('i64', lane).tee(low).set(high);
      else {
        for (const [half, at] of [[low, 0], [high, 8]] as const) {
          c.get(from).load('i64_32u', lane + at + (odd ? 4 : 0)).set(half);
          c.get(half).get(half).i64(32).op('i64_shl').op('i64_or').set(half);
        }
      }
      c.get(to).get(low).store('i64', lane).get(to).get(high).store('i64', lane + 8);
    }
    clearAbove(a, to, size);
  };
}

/** movmskps, movmskpd, pmovmskb: the sign bits of all elements. */
function signMask(element: 1 | 4 | 8): Lift {
  return (a) => {
    const { c } = a;
    const from = registerAddress(a, 1);
    const size = a.size(1);
    c.i32(0);
    for (let lane = 0; lane < size; lane += 16) {
      c.get(from).load(size === MMX ? 'v128_64_zero' : 'v128', lane).simd(element === 1 ? 'i8x16_bitmask' : element === 4 ? 'i32x4_bitmask' : 'i64x2_bitmask');
      c.i32((lane / 16) * (16 / element)).op('i32_shl').op('i32_or');
    }
    c.op('i64_extend_i32_u');
    a.write(0, a.take());
    if (size === MMX) enterMmx(a);
  };
}

/** movntq. */
function moveMmxOut(a: Access): void {
  a.pushVectorAddress(1);
  a.c.load('i64');
  a.write(0, a.take());
  markPending(a);
  enterMmx(a);
}

/** vzeroupper and vzeroall: registers 0-15 only. */
function zero(from: number): Lift {
  return (a) => {
    for (let register = 0; register < 16; register++) {
      for (let at = from; at < REGISTER; at += 16) a.c.i32(0).i64(0).simd('i64x2_splat').store('v128', STATE.VECTOR + REGISTER * register + at);
    }
  };
}

/** vbroadcastss and the like, also from memory: one element everywhere. */
function broadcast(element: 1 | 2 | 4 | 8): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const value = a.i64();
    if (a.shape.operands[1]!.kind === 'register') c.get(a.read(1, 'zero')).set(value);
    else {
      a.load(host(a, 1, element, ACCESS.READ, false), element, 'zero');
      c.set(value);
    }
    a.pushVectorAddress(0);
    const to = a.take32();
    const filled = a.v128();
    c.get(value);
    if (element < 8) c.op('i32_wrap_i64');
    c.simd(element === 1 ? 'i8x16_splat' : element === 2 ? 'i16x8_splat' : element === 4 ? 'i32x4_splat' : 'i64x2_splat').set(filled);
    for (let at = 0; at < size; at += 16) c.get(to).get(filled).store('v128', at);
    clearAbove(a, to, size);
  };
}

/** vbroadcastf128, vbroadcasti128: 16 bytes from memory in every lane. */
function broadcastLane(a: Access): void {
  const { c } = a;
  const from = host(a, 1, 16, ACCESS.READ, false);
  const lane = a.v128();
  c.get(from).load('v128').set(lane);
  a.pushVectorAddress(0);
  const to = a.take32();
  for (let at = 0; at < a.size(0); at += 16) c.get(to).get(lane).store('v128', at);
  clearAbove(a, to, a.size(0));
}

const legacy = (): Record<string, Lift> => ({
  movdqa: move(true), movaps: move(true), movapd: move(true), movdqu: move(false), movups: move(false), movupd: move(false), lddqu: move(false),
  movntdqa: move(true), movntdq: move(true, true), movntps: move(true, true), movntpd: move(true, true),
  movd: moveLow(4), movq: moveLow(8), movss: moveScalar(4), movsd: moveScalar(8),
  movlps: moveHalf(0, 0), movlpd: moveHalf(0, 0), movhps: moveHalf(8, 0), movhpd: moveHalf(8, 0), movhlps: moveHalf(0, 8), movlhps: moveHalf(8, 0),
  movshdup: duplicate(4, true), movsldup: duplicate(4, false), movddup: duplicate(8, false),
  movmskps: signMask(4), movmskpd: signMask(8), pmovmskb: signMask(1),
  xorps: logic('v128_xor'), xorpd: logic('v128_xor'), orps: logic('v128_or'), orpd: logic('v128_or'), andps: logic('v128_and'), andpd: logic('v128_and'),
  // WebAssembly's andnot complements its second operand, x86's its first.
  andnps: logic('v128_andnot', true), andnpd: logic('v128_andnot', true),
});

export const vector = (): Record<string, Lift> => ({
  ...legacy(),
  ...Object.fromEntries(Object.entries(legacy()).map(([mnemonic, lift]) => [`v${mnemonic}`, lift])),
  vmovdqa32: move(true), vmovdqa64: move(true), vmovdqu8: move(false), vmovdqu16: move(false), vmovdqu32: move(false), vmovdqu64: move(false),
  vpxord: logic('v128_xor'), vpxorq: logic('v128_xor'), vpord: logic('v128_or'), vporq: logic('v128_or'),
  vpandd: logic('v128_and'), vpandq: logic('v128_and'), vpandnd: logic('v128_andnot', true), vpandnq: logic('v128_andnot', true),
  movntq: moveMmxOut,
  vzeroupper: zero(16), vzeroall: zero(0),
  vbroadcastss: broadcast(4), vbroadcastsd: broadcast(8), vpbroadcastb: broadcast(1), vpbroadcastw: broadcast(2), vpbroadcastd: broadcast(4), vpbroadcastq: broadcast(8),
  vbroadcastf128: broadcastLane, vbroadcasti128: broadcastLane,
});
