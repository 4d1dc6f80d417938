/** Comparing what is in memory with what should be. */

/** Where the first byte is that is not `value`; -1 if there is none. */
export function firstOther(bytes: Uint8Array, value: number): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== value) return i;
  return -1;
}

/** Where `a` and `b` first differ, the end of the shorter one included; -1 if they are equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : size;
}

/** The number whose little-endian bytes these are. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
