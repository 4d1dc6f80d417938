/**
 * Seeded random numbers that favour the values where instructions go wrong.
 */
const MASK64 = 0xffff_ffff_ffff_ffffn;

const EDGES: readonly bigint[] = [
  0n, 1n, 2n, 3n, 4n, 7n, 8n, 9n, 15n, 16n, 17n, 31n, 32n, 33n, 63n, 64n, 65n, 127n, 128n, 255n, 256n, 0x7fffn, 0x8000n, 0xffffn, 0x1_0000n,
  0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, MASK64, MASK64 - 1n,
  0xffff_ffff_8000_0000n, 0xffff_ffff_ffff_ff80n, 0xffff_ffff_ffff_8000n, 0x8080_8080_8080_8080n, 0x5555_5555_5555_5555n, 0xaaaa_aaaa_aaaa_aaaan, 0x0f0f_0f0f_f0f0_f0f0n,
];

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

export class Random {
  private a: number;
  private b: number;

  constructor(seed: number) {
    this.a = seed | 0;
    this.b = (Math.imul(seed, 0x9e3779b9) ^ 0x85ebca6b) | 0;
    for (let i = 0; i < 8; i++) this.u32();
  }

  /** 0 to 2^32 - 1: xoroshiro64** (Blackman, Vigna 2018), whose period is 2^64 - 1 whatever the seed. */
  u32(): number {
    const result = Math.imul(rotate(Math.imul(this.a, 0x9e37_79bb), 5), 5) >>> 0;
    const mixed = this.b ^ this.a;
    this.a = rotate(this.a, 26) ^ mixed ^ (mixed << 9);
    this.b = rotate(mixed, 13);
    return result;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return this.u32() % n;
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** Any 64-bit value; every other one is special in some operand size. */
  value(): bigint {
    switch (this.below(8)) {
      case 0: case 1: return this.pick(EDGES);
      case 2: return this.u64() & 0xffn;
      case 3: return (this.pick(EDGES) + this.pick(EDGES)) & MASK64;
      case 4: return (this.u64() & 0xffff_ffff_0000_0000n) | (this.pick(EDGES) & 0xffff_ffffn);
      default: return this.u64();
    }
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array((count + 7) & ~7);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i += 8) view.setBigUint64(i, this.value(), true);
    return bytes.length === count ? bytes : bytes.slice(0, count);
  }
}

/** The day's seed, so that every day tries other cases; `MCSAFE_SEED` repeats a run. */
export function chooseSeed(): number {
  const given = process.env['MCSAFE_SEED'];
  if (given !== undefined && given !== '') {
    const seed = Number(given);
    if (!Number.isSafeInteger(seed)) throw new Error(`MCSAFE_SEED must be an integer, not ${given}`);
    return seed;
  }
  return Math.floor(Date.now() / 86_400_000);
}
