import { expect, test } from 'vitest';
import { Random } from './random.ts';

test('the generator does not come back to where it was', () => {
  for (const seed of [0, 1, 20_784, -1]) {
    const random = new Random(seed);
    const first = Array.from({ length: 4 }, () => random.u32());
    let met = 0;
    let drawn = 0;
    while (drawn < 1_000_000 && met < first.length) {
      met = random.u32() === first[met] ? met + 1 : 0;
      drawn++;
    }
    expect(met, `seed ${seed} repeats itself after ${drawn} numbers`).toBeLessThan(first.length);
  }
});

test('its bits are as often set as clear', () => {
  const random = new Random(7);
  const counts = new Array<number>(32).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const value = random.u32();
    for (let bit = 0; bit < 32; bit++) counts[bit]! += (value >>> bit) & 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
