/**
 * LEB128 numbers (DWARF 5, 7.6).
 */

/** The bytes of `value`. An unsigned negative number is taken as its 64-bit pattern, as gas does. */
export function leb128(value: bigint, signed: boolean): Uint8Array {
  const bytes: number[] = [];
  let rest = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = signed ? (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40) : rest === 0n;
    bytes.push(done ? low : low | 0x80);
    if (done) return Uint8Array.from(bytes);
  }
}
