/** Poisoned bytes of one page: sorted, disjoint, half-open offset ranges that do not touch. */
export type Ranges = readonly (readonly [from: number, to: number])[];

export const NO_RANGES: Ranges = [];

export function addRange(ranges: Ranges, from: number, to: number): Ranges {
  const out: [number, number][] = [];
  for (const [a, b] of ranges) {
    if (b < from || a > to) out.push([a, b]);
    else {
      from = Math.min(from, a);
      to = Math.max(to, b);
    }
  }
  out.push([from, to]);
  return out.sort((x, y) => x[0] - y[0]);
}

export function removeRange(ranges: Ranges, from: number, to: number): Ranges {
  const out: [number, number][] = [];
  for (const [a, b] of ranges) {
    if (a < from) out.push([a, Math.min(b, from)]);
    if (b > to) out.push([Math.max(a, to), b]);
  }
  return out;
}

/** The first byte of [from, to) that lies in `ranges`. */
export function firstIn(ranges: Ranges, from: number, to: number): number | undefined {
  for (const [a, b] of ranges) if (a < to && b > from) return Math.max(a, from);
  return undefined;
}

/** The widest range around `at` that holds nothing of `ranges`; undefined if `at` itself is in it. */
export function gapAround(ranges: Ranges, at: number, size: number): readonly [number, number] | undefined {
  let from = 0;
  let to = size;
  for (const [a, b] of ranges) {
    if (at >= a && at < b) return undefined;
    if (b <= at) from = Math.max(from, b);
    else to = Math.min(to, a);
  }
  return [from, to];
}
