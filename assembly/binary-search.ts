/**
 * How many of `count` elements in a row come first: `isBefore` is true of the first so many indices and false of all behind them.
 * It is asked about the logarithm of `count` of them.
 */
export function partitionPoint(count: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
