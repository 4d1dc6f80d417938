/**
 * What came of a case, as a line of text that is the same for both worlds:
 *
 *     returned exceptions 1 path 1L1:14copy_mc+10:copy_mc+43 registers … flags 46 memory 7e0000201000=00112233
 *
 * `path` says who was asked, in order: depth, L landing pad, H handler of an entry, R of a range, N nobody; 1 accepted or 0; vector; where; target.
 */
export type NameOf = (address: bigint) => string;

export interface NamedCode {
  readonly name: string;
  readonly address: bigint;
  readonly size: bigint;
  readonly type: string;
}

/** Names addresses by the function they lie in. */
export function functionNames(symbols: readonly NamedCode[]): NameOf {
  const functions = symbols.filter(({ type, size }) => type === 'func' && size > 0n);
  return (address) => {
    const found = functions.find((one) => address >= one.address && address < one.address + one.size);
    return found === undefined ? address === 0n ? '-' : `0x${address.toString(16)}` : `${found.name}+${(address - found.address).toString(16)}`;
  };
}

/** CF PF AF ZF SF DF OF. */
export const FLAGS = 0xcd5n;

/** Bytes that differ, as `address=bytes`. */
export function changes(address: bigint, before: Uint8Array, after: Uint8Array): readonly string[] {
  const found: string[] = [];
  if (Buffer.compare(before, after) === 0) return found;
  for (let i = 0; i < after.length; i++) {
    const start = i;
    while (i < after.length && after[i] !== before[i]) i++;
    if (i > start) found.push(`${(address + BigInt(start)).toString(16)}=${Buffer.from(after.subarray(start, i)).toString('hex')}`);
  }
  return found;
}

/** The path with the steps of inner faults behind those of outer ones: only a user program tells them in the order they end. */
export function ordered(path: readonly string[]): readonly string[] {
  return [...path].sort((a, b) => Number(a[0]) - Number(b[0]));
}
