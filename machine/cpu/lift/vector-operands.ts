/**
 * Operands of vector instructions: their places in the processor's state or in memory, and what each encoding does besides its operation. A
 * legacy (SSE) form leaves the register above its 16 bytes alone and wants 16 bytes of memory aligned; a VEX or EVEX form clears the register
 * above what it writes and aligns only where its name says so; an MMX form uses the x87 registers and leaves the x87 unit in MMX mode.
 */
import { ACCESS, STATE } from '../../memory/layout.ts';
import type { Local } from '../wasm/code.ts';
import type { Access } from './access.ts';

const GP = 13;
/** Bytes of a vector register in the state. */
export const REGISTER = 64;
/** Bytes of an MMX register. */
export const MMX = 8;

export const isVector = (a: Access, k: number): boolean => a.shape.operands[k]!.kind === 'vector';
export const isExtended = (a: Access): boolean => a.shape.mnemonic.startsWith('v');
export const isImmediate = (a: Access, k: number): boolean => a.shape.operands[k]?.kind === 'immediate';

/** How many of the operands are registers or memory. */
export function vectorCount(a: Access): number {
  return a.shape.operands.filter((operand) => operand.kind === 'vector' || operand.kind === 'memory').length;
}

/** Where a register operand lies in the state. */
export function registerAddress(a: Access, k: number): Local {
  a.pushVectorAddress(k);
  return a.take32();
}

/** The host address of `size` bytes of vector or memory operand `k`, checked for `kind`. */
export function host(a: Access, k: number, size: number, kind: number, aligned: boolean): Local {
  if (isVector(a, k)) return registerAddress(a, k);
  const ea = a.address(k);
  if (aligned) {
    a.c.get(ea).i64(size - 1).op('i64_and').i64(0).op('i64_ne');
    a.raiseIf(GP, 0);
  }
  return a.translate(ea, size, kind);
}

/** The host address of a source operand that is read as a whole: of 16 bytes, a legacy form wants it aligned. */
export function source(a: Access, k: number, size: number): Local {
  return host(a, k, size, ACCESS.READ, size === 16 && !isExtended(a));
}

/** After a VEX form wrote `written` bytes of the register at `to`: the rest becomes zero. */
export function clearAbove(a: Access, to: Local, written: number): void {
  if (!isExtended(a)) return;
  const { c } = a;
  if (written < 16) {
    c.get(to).i64(0).store('i64', 8);
    written = 16;
  }
  for (let at = written; at < REGISTER; at += 16) c.get(to).i64(0).simd('i64x2_splat').store('v128', at);
}

/** Pushes 16 bytes from a host address; of an operand of 8 bytes those, and zeros. */
export function pushLane(a: Access, from: Local, lane: number, size: number): void {
  a.c.get(from).load(size === MMX ? 'v128_64_zero' : 'v128', lane);
}

/** Writes the register operand 0 of `size` bytes, 16 at a time. */
export function writeLanes(a: Access, size: number, lanes: readonly Local[]): void {
  const { c } = a;
  const to = registerAddress(a, 0);
  if (size === MMX) {
    c.get(to).get(lanes[0]!).simd('i64x2_extract_lane', 0).store('i64');
    finishMmx(a, to);
    return;
  }
  lanes.forEach((lane, i) => { c.get(to).get(lane).store('v128', 16 * i); });
  clearAbove(a, to, size);
}

/** TOP in the x87 status word. */
const TOP = 0x3800;

/** What every MMX instruction but emms does once nothing can fail any more: all registers valid, and register 0 the top (SDM 1 9.5.1). */
export function enterMmx(a: Access): void {
  const { c } = a;
  c.i32(0).i32(0xff).store('i32', STATE.X87_CONTROL + 8);
  c.i32(0).i32(0).load('i32', STATE.X87_CONTROL + 4).i32(~TOP).op('i32_and').store('i32', STATE.X87_CONTROL + 4);
}

/** After the MMX register at `to` was written: sign and exponent of the x87 register become ones. */
export function finishMmx(a: Access, to: Local): void {
  a.c.get(to).i64(0xffff).store('i64', 8);
  enterMmx(a);
}

export function markPending(a: Access): void {
  a.c.i32(0).i32(1).store('i32', STATE.PENDING_NT);
}
