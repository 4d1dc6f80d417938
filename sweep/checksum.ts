/** The Internet checksum (RFC 1071), as the kernel's csum routines accumulate it: little-endian words, carries added back. */

/** Folds a 32-bit sum to 16 bits; 0xffff and 0 are the same number, written 0. */
export function foldChecksum(sum: bigint): number {
  let value = sum;
  while (value > 0xffffn) value = (value & 0xffffn) + (value >> 16n);
  return value === 0xffffn ? 0 : Number(value);
}

/** The folded sum of all bytes; the kernel's starting value of all ones adds nothing to it. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0n;
  for (let i = 0; i < bytes.length; i++) sum += BigInt(bytes[i]!) << (i % 2 === 0 ? 0n : 8n);
  return foldChecksum(sum);
}
