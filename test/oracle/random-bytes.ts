/** Bytes that are more or less instructions: composed forms with bits turned over, prefixes put in front, or nothing but noise. */
import { CODES } from './codes.ts';
import { randomForm } from './generate.ts';
import { composable } from './operands.ts';
import type { Random } from './random.ts';

const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x40, 0x41, 0x44, 0x48, 0x4c, 0x4f];
/** Bytes of one throw. */
export const THROW_SIZE = 15;

/** Well-formed instructions of all sorts, to be spoilt. */
export function formPool(random: Random, size: number): Uint8Array[] {
  const codes = CODES.filter(composable);
  const pool: Uint8Array[] = [];
  while (pool.length < size) {
    const form = randomForm(random, random.pick(codes));
    if (form) pool.push(form.bytes);
  }
  return pool;
}

export function randomBytes(random: Random, pool: readonly Uint8Array[], into: Uint8Array): void {
  for (let i = 0; i < into.length; i += 4) {
    const word = random.u32();
    for (let k = 0; k < Math.min(4, into.length - i); k++) into[i + k] = word >>> (8 * k);
  }
  const dice = random.below(10);
  if (dice < 3) return;
  const form = random.pick(pool);
  let at = 0;
  while (dice > 6 && at < 3 && random.chance(60)) into[at++] = random.pick(PREFIXES);
  into.set(form.subarray(0, Math.max(0, into.length - at)), at);
  if (dice > 4) into[at + random.below(form.length)]! ^= 1 << random.below(8);
}
