/** What the kernel returns in place of a count or a pointer. */

/** Errors are -4095 to -1 in the kernel, in 32 or 64 bits. */
export function isError(value: bigint): boolean {
  const wide = BigInt.asIntN(64, value), narrow = BigInt.asIntN(32, value);
  return (wide < 0n && wide >= -4095n) || (value < 2n ** 32n && narrow < 0n && narrow >= -4095n);
}
