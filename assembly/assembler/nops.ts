/**
 * Instructions that do nothing, as GNU as pads code with them in an x86-64 object (gas/config/tc-i386.c
 * `i386_generate_nops`, binutils 2.40).
 */
import { littleEndian } from './little-endian.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));

interface NopTable {
  /** By length from 1. */
  readonly instructions: readonly Uint8Array[];
  /** Padding that takes more of the longest is jumped over. */
  readonly most: number;
  /** Bytes of a jump with a full displacement, without the displacement. */
  readonly jump: Uint8Array;
}

/** 64-bit code, and 32-bit code in a 64-bit object. */
const LONG: NopTable = {
  instructions: [
    '90', '66 90', '0f 1f 00', '0f 1f 40 00', '0f 1f 44 00 00', '66 0f 1f 44 00 00', '0f 1f 80 00 00 00 00',
    '0f 1f 84 00 00 00 00 00', '66 0f 1f 84 00 00 00 00 00', '66 2e 0f 1f 84 00 00 00 00 00', '66 66 2e 0f 1f 84 00 00 00 00 00',
  ].map(hex),
  most: 7,
  jump: hex('e9'),
};

const REAL_MODE: NopTable = {
  instructions: ['90', '66 90', '8d 74 00', '8d b4 00 00'].map(hex),
  most: 2,
  jump: hex('66 e9'),
};

/** `count` bytes that code in `bits`-bit mode can run through, each instruction no longer than `longest`, if given. */
export function nops(count: number, bits: 16 | 32 | 64, longest = 0): Uint8Array {
  const bytes = new Uint8Array(count);
  fill(bytes, tableFor(bits).instructions, longest);
  return bytes;
}

/** `count` bytes of padding for an alignment: a long stretch is jumped over. */
export function codePadding(count: number, bits: 16 | 32 | 64): Uint8Array {
  const { instructions, most, jump } = tableFor(bits);
  const bytes = new Uint8Array(count);
  let head = 0;
  if (Math.floor(count / instructions.length) > most) {
    if (count - 2 <= 127) {
      bytes.set([0xeb, count - 2]);
      head = 2;
    } else {
      head = jump.length + 4;
      bytes.set(jump);
      bytes.set(littleEndian(BigInt(count - head), 4), jump.length);
    }
  }
  fill(bytes.subarray(head), instructions, 0);
  return bytes;
}

function tableFor(bits: 16 | 32 | 64): NopTable {
  return bits === 16 ? REAL_MODE : LONG;
}

/** The longest first, then one for what is left. */
function fill(target: Uint8Array, instructions: readonly Uint8Array[], limit: number): void {
  const longest = limit > 0 ? Math.min(limit, instructions.length) : instructions.length;
  let at = 0;
  for (; target.length - at >= longest; at += longest) target.set(instructions[longest - 1]!, at);
  if (at < target.length) target.set(instructions[target.length - at - 1]!, at);
}
