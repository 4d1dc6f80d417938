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

/** Checksums of pieces of one buffer, each in constant time. */
export class PieceChecksums {
  /** Sums of the bytes at even and at odd places in front of each one. */
  readonly #even: Float64Array;
  readonly #odd: Float64Array;

  constructor(bytes: Uint8Array) {
    this.#even = new Float64Array(bytes.length + 1);
    this.#odd = new Float64Array(bytes.length + 1);
    for (let i = 0; i < bytes.length; i++) {
      this.#even[i + 1] = this.#even[i]! + (i % 2 === 0 ? bytes[i]! : 0);
      this.#odd[i + 1] = this.#odd[i]! + (i % 2 === 0 ? 0 : bytes[i]!);
    }
  }

  /** As {@link checksum} of `size` bytes at `offset`. */
  at(offset: number, size: number): number {
    const even = this.#even[offset + size]! - this.#even[offset]!;
    const odd = this.#odd[offset + size]! - this.#odd[offset]!;
    return foldNumber(offset % 2 === 0 ? even + odd * 256 : odd + even * 256);
  }
}

/** As {@link foldChecksum}, for sums that a double holds. */
function foldNumber(sum: number): number {
  let value = sum;
  while (value > 0xffff) value = (value % 0x10000) + Math.floor(value / 0x10000);
  return value === 0xffff ? 0 : value;
}
