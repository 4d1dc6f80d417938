/** Vector moves of 16 bytes and below, and xor. */
import { ACCESS } from '../../memory/layout.ts';
import type { Access } from './access.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';
import { STATE } from '../../memory/layout.ts';

const GP = 13;

/** The host address of vector or memory operand `k`, checked for `kind`. */
function host(a: Access, k: number, size: number, kind: number, aligned: boolean): Local {
  if (!a.isMemory(k)) {
    a.pushVectorAddress(k);
    return a.take32();
  }
  const ea = a.address(k);
  if (aligned) {
    a.c.get(ea).i64(size - 1).op('i64_and').i64(0).op('i64_ne');
    a.raiseIf(GP, 0);
  }
  return a.translate(ea, size, kind);
}

/** movdqa, movups and the like: 16 bytes either way. */
function move(aligned: boolean, nonTemporal = false): Lift {
  return (a) => {
    const from = host(a, 1, 16, ACCESS.READ, aligned);
    const to = host(a, 0, 16, ACCESS.WRITE, aligned);
    a.c.get(to).get(from).load('v128').store('v128');
    if (nonTemporal) a.c.i32(0).i32(1).store('i32', STATE.PENDING_NT);
  };
}

/** movd and movq: the rest of a vector destination becomes zero. */
function moveLow(size: number): Lift {
  return (a) => {
    const { c } = a;
    const value = a.i64();
    if (a.shape.operands[1]!.kind === 'vector') {
      a.pushVectorAddress(1);
      if (size === 8) c.load('i64');
      else c.load('i64_32u');
      c.set(value);
    } else c.get(a.read(1, 'zero')).set(value);
    if (a.shape.operands[0]!.kind !== 'vector') {
      a.write(0, value);
      return;
    }
    a.pushVectorAddress(0);
    const to = a.take32();
    c.get(to).get(value).store('i64').get(to).i64(0).store('i64', 8);
  };
}

function xor(a: Access): void {
  const { c } = a;
  const source = host(a, 1, 16, ACCESS.READ, true);
  const to = host(a, 0, 16, ACCESS.WRITE, true);
  c.get(to).get(to).load('v128').get(source).load('v128').simd('v128_xor').store('v128');
}

export const vectorMoves: Record<string, Lift> = {
  movdqa: move(true), movaps: move(true), movapd: move(true), movdqu: move(false), movups: move(false), movupd: move(false),
  movntdq: move(true, true), movntps: move(true, true), movntpd: move(true, true),
  movd: moveLow(4), movq: moveLow(8), pxor: xor, xorps: xor, xorpd: xor,
};
