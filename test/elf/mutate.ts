/**
 * Damaged copies of ELF files, reproducible from a seed.
 */

/** A small generator of pseudo-random numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers that readers stumble over. */
const ODD_NUMBERS = [0n, 1n, 2n, 7n, 8n, 0x7fn, 0x80n, 0xffn, 0x100n, 0xfff1n, 0xfffen, 0xffffn, 0x10000n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n];

/** One to six damages to a copy of `bytes`: bits, odd numbers in aligned fields (headers more often), copied stretches, cuts. */
export function mutate(bytes: Uint8Array, next: () => number): Uint8Array {
  let copy = Uint8Array.from(bytes);
  const below = (limit: number): number => Math.floor(next() * limit);
  const headers = headerFields(bytes);
  for (let damage = 1 + below(6); damage > 0; damage--) {
    if (copy.length < 8) break;
    const view = new DataView(copy.buffer);
    switch (below(8)) {
      case 0: copy[below(copy.length)]! ^= 1 << below(8); break;
      case 1: copy[below(copy.length)] = below(256); break;
      case 2: case 3: case 4: {
        const at = headers[below(headers.length)]!;
        if (at + 8 > copy.length) break;
        const value = next() < 0.5 ? ODD_NUMBERS[below(ODD_NUMBERS.length)]! : BigInt(below(copy.length * 2));
        const size = below(3);
        if (size === 0) view.setBigUint64(at, BigInt.asUintN(64, value), true);
        else if (size === 1) view.setUint32(at, Number(value & 0xffff_ffffn), true);
        else view.setUint16(at, Number(value & 0xffffn), true);
        break;
      }
      case 5: {
        const at = below(copy.length - 7) & ~3;
        view.setUint32(at, Number(ODD_NUMBERS[below(ODD_NUMBERS.length)]! & 0xffff_ffffn), true);
        break;
      }
      case 6: {
        const length = below(Math.min(256, copy.length));
        copy.copyWithin(below(copy.length - length), below(copy.length - length), below(copy.length - length) + length);
        break;
      }
      default: if (next() < 0.2) copy = copy.slice(0, below(copy.length));
    }
  }
  return copy;
}

/** Offsets of fields in the file header, the section headers and the program headers. */
function headerFields(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields: number[] = [];
  for (let at = 16; at < 64; at += 2) fields.push(at);
  const sections = Number(view.getBigUint64(40, true));
  const programs = Number(view.getBigUint64(32, true));
  for (let index = 0; index < view.getUint16(60, true); index++) for (let at = 0; at < 64; at += 4) fields.push(sections + index * 64 + at);
  for (let index = 0; index < view.getUint16(56, true); index++) for (let at = 0; at < 56; at += 4) fields.push(programs + index * 56 + at);
  return fields;
}
