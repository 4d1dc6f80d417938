/**
 * Bytes that can be read at any offset: a file too large to hold, or an array.
 */
export interface ByteSource {
  /** Size in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; callers stay within {@link size}. */
  read(offset: number, length: number): Uint8Array;
}

/** An array as a source; what it returns are views, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}
