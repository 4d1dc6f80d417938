/**
 * Lengths that add no new path: where a routine's loops repeat, seen in runs without a fault. An observation about the lengths that were
 * run, not a proof about longer ones.
 */
import type { Reference } from './reference.ts';
import type { LengthRange, SweepCase } from './space.ts';

/** From length `from` on, up to `to`, each takes the same branches as the one `period` less. */
export interface Period {
  readonly from: number;
  readonly period: number;
  readonly to: number;
}

/** Lengths looked at. */
const MAX_LENGTHS = 320;
const MAX_PERIOD = 128;
/** So often at least a period must have been seen. */
const TIMES = 2;

/** The period of the routine's paths over the lengths, at offsets of 0; undefined if none is seen, or lengths are left out. */
export function observePeriod(reference: Reference, { from, to, step }: LengthRange): Period | undefined {
  const count = Math.min(to - from + 1, MAX_LENGTHS);
  if (step !== 1 || count < 4) return undefined;
  const paths: string[] = [];
  for (let n = from; n < from + count; n++) {
    const path = branchesOf(reference, n);
    if (path === undefined) return undefined;
    paths.push(path);
  }
  let best: { readonly first: number; readonly period: number } | undefined;
  for (let period = 1; period <= Math.min(MAX_PERIOD, count / (TIMES + 1)); period++) {
    // From here on everything is as one period before.
    let first = count;
    while (first - 1 >= period && paths[first - 1] === paths[first - 1 - period]) first--;
    if (count - first < TIMES * period) continue;
    if (best === undefined || first + period < best.first + best.period) best = { first, period };
  }
  return best === undefined ? undefined : { from: from + best.first, period: best.period, to: from + count - 1 };
}

/** Which instruction followed which, each pair once; undefined if the routine does not return. */
function branchesOf(reference: Reference, n: number): string | undefined {
  const pairs = new Set<string>();
  let before = 0n;
  const one: SweepCase = { index: 0, target: 0, kind: 'none', n, srcOffset: 0, dstOffset: 0, position: 0, second: 0 };
  // Following a run that goes on for ever would take that long.
  if (reference.run(one).ended?.reason !== 'returned') return undefined;
  reference.trace(one, (address) => {
    pairs.add(`${before.toString(16)} ${address.toString(16)}`);
    before = address;
  });
  return [...pairs].sort().join();
}
