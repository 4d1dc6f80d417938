/**
 * AES, SHA, carry-less multiplication and arithmetic in GF(2^8): SDM 2A-2B by mnemonic; AES is FIPS 197, the SHA rounds are FIPS 180-4.
 * Each 16 bytes of a register are a block of their own.
 */
import { Register } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import type { SystemContext, SystemInstruction } from './context.ts';
import { dwords, LANE, quads, readRegister, readVector, toBytes, vectorSize, writeVector } from './vector-operands.ts';

const REDUCTION = 0x11b;

function multiply(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y !== 0; y >>= 1) {
    if ((y & 1) !== 0) product ^= x;
    x <<= 1;
    if ((x & 0x100) !== 0) x ^= REDUCTION;
  }
  return product;
}

const rotateByte = (x: number, by: number): number => ((x << by) | (x >> (8 - by))) & 0xff;

interface Tables {
  /** Multiplicative inverses, 0 for 0. */
  readonly inverses: Uint8Array;
  readonly box: Uint8Array;
  readonly inverseBox: Uint8Array;
}

let made: Tables | undefined;

/** Worked out when an instruction first wants them: few programs have one, and it takes a millisecond or two. */
function tables(): Tables {
  if (made === undefined) {
    const inverses = Uint8Array.from({ length: 256 }, (_, a) => {
      for (let b = 1; b < 256; b++) if (multiply(a, b) === 1) return b;
      return 0;
    });
    const box = inverses.map((x) => x ^ rotateByte(x, 1) ^ rotateByte(x, 2) ^ rotateByte(x, 3) ^ rotateByte(x, 4) ^ 0x63);
    made = { inverses, box, inverseBox: Uint8Array.from({ length: 256 }, (_, x) => box.indexOf(x)) };
  }
  return made;
}

const substitute = (block: Uint8Array, box: Uint8Array): Uint8Array => block.map((x) => box[x]!);

/** Row r of the columns, which lie one behind the other, turns by r columns. */
const shiftRows = (block: Uint8Array, direction: 1 | -1): Uint8Array => block.map((_, at) => block[(at + 4 * direction * (at & 3) + LANE) % LANE]!);

/** Each column times a polynomial, whose coefficients are given for the first row. */
function mixColumns(block: Uint8Array, factors: readonly [number, number, number, number]): Uint8Array {
  return block.map((_, at) => {
    const column = at & ~3;
    let sum = 0;
    for (let k = 0; k < 4; k++) sum ^= multiply(block[column + k]!, factors[(k - (at & 3) + 4) & 3]!);
    return sum;
  });
}

const FORWARD = [2, 3, 1, 1] as const, BACKWARD = [14, 11, 13, 9] as const;

const xor = (one: Uint8Array, other: Uint8Array): Uint8Array => one.map((x, i) => x ^ other[i]!);

/** AMD's processors read the operands of the SHA instructions from any address (measured on a family 1Ah processor). */
const wantsAlignment = ({ profile }: SystemContext): boolean => profile.vendor !== 'amd';

type Block = (first: Uint8Array, second: Uint8Array, immediate: number) => Uint8Array;

const immediateOf = (instruction: Instruction): number => Number(instruction.immediate(instruction.opCount - 1)) & 0xff;

function lanes(first: Uint8Array, second: Uint8Array, of: (first: Uint8Array, second: Uint8Array) => Uint8Array): Uint8Array {
  const out = new Uint8Array(first.length);
  for (let at = 0; at < first.length; at += LANE) out.set(of(first.slice(at, at + LANE), second.slice(at, at + LANE)), at);
  return out;
}

/** Two sources, of which a legacy form overwrites the first. `immediate`: the last operand is one. `sha`: see {@link wantsAlignment}. */
function binary(of: Block, immediate = false, sha = false): SystemInstruction {
  return (cpu: SystemContext, instruction: Instruction) => {
    const size = vectorSize(instruction.op0Register);
    const last = instruction.opCount - (immediate ? 2 : 1);
    const second = readVector(cpu, instruction, last, size, !sha || wantsAlignment(cpu));
    const first = readRegister(cpu, instruction.opRegister(last - 1), size);
    const control = immediate ? immediateOf(instruction) : 0;
    writeVector(cpu, instruction, instruction.op0Register, lanes(first, second, (one, other) => of(one, other, control)));
    return undefined;
  };
}

const sha = (of: Block, immediate = false): SystemInstruction => binary(of, immediate, true);

/** One source. */
function unary(of: (block: Uint8Array, immediate: number) => Uint8Array): SystemInstruction {
  return (cpu, instruction) => {
    const block = readVector(cpu, instruction, 1, LANE);
    writeVector(cpu, instruction, instruction.op0Register, of(block, instruction.opCount > 2 ? immediateOf(instruction) : 0));
    return undefined;
  };
}

function keyAssist(block: Uint8Array, constant: number): Uint8Array {
  const words = dwords(substitute(block, tables().box));
  const turned = (word: number): number => ((word >>> 8) | (word << 24)) ^ constant;
  return toBytes(Uint32Array.of(words[1]!, turned(words[1]!), words[3]!, turned(words[3]!)));
}

/** aesenc and the like; without `mix`, the last round. */
const encrypt = (mix: boolean): Block => (block, key) => {
  const shifted = substitute(shiftRows(block, 1), tables().box);
  return xor(mix ? mixColumns(shifted, FORWARD) : shifted, key);
};
const decrypt = (mix: boolean): Block => (block, key) => {
  const shifted = substitute(shiftRows(block, -1), tables().inverseBox);
  return xor(mix ? mixColumns(shifted, BACKWARD) : shifted, key);
};

/** pclmulqdq: bits 0 and 4 of the immediate choose the halves. */
const carryless: Block = (first, second, control) => {
  let x = quads(first)[control & 1]!;
  const y = quads(second)[(control >> 4) & 1]!;
  let product = 0n;
  for (let bit = 0n; x !== 0n; bit++, x >>= 1n) if ((x & 1n) !== 0n) product ^= y << bit;
  return toBytes(BigUint64Array.of(BigInt.asUintN(64, product), product >> 64n));
};

const parity = (byte: number): number => {
  const half = byte ^ (byte >> 4);
  return (0x6996 >> (half & 15)) & 1;
};

/** gf2p8affineqb: eight bytes, each times the 8 x 8 bit matrix of its quadword, plus the immediate. */
const affine = (inverse: boolean): Block => (first, second, constant) => first.map((byte, at) => {
  const x = inverse ? tables().inverses[byte]! : byte;
  let result = 0;
  for (let bit = 0; bit < 8; bit++) result |= parity(second[(at & 8) + 7 - bit]! & x) << bit;
  return result ^ constant;
});

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
/** Words from the highest to the lowest, as the manual names them. */
const named = (block: Uint8Array): [number, number, number, number] => [...dwords(block)].reverse() as [number, number, number, number];
const block = (...words: readonly number[]): Uint8Array => toBytes(Uint32Array.from(words.map((word) => word >>> 0).reverse()));

const choose = (x: number, y: number, z: number): number => (x & y) ^ (~x & z);
const majority = (x: number, y: number, z: number): number => (x & y) ^ (x & z) ^ (y & z);
const sum = (x: number, y: number, z: number): number => x ^ y ^ z;
const SHA1_ROUNDS = [[choose, 0x5a82_7999], [sum, 0x6ed9_eba1], [majority, 0x8f1b_bcdc], [sum, 0xca62_c1d6]] as const;

const sha1Rounds: Block = (first, second, control) => {
  const [f, constant] = SHA1_ROUNDS[control & 3]!;
  let [a, b, c, d] = named(first);
  let e = 0;
  // The first word already has E added to it.
  for (const word of named(second)) [a, b, c, d, e] = [(f(b, c, d) + rotate(a, 5) + word + e + constant) | 0, a, rotate(b, 30), c, d];
  return block(a, b, c, d);
};
const sha1Next: Block = (first, second) => {
  const words = named(second);
  return block(words[0] + rotate(named(first)[0], 30), words[1], words[2], words[3]);
};
const sha1Message1: Block = (first, second) => {
  const [w0, w1, w2, w3] = named(first);
  const [w4, w5] = named(second);
  return block(w2 ^ w0, w3 ^ w1, w4 ^ w2, w5 ^ w3);
};
const sha1Message2: Block = (first, second) => {
  const words = named(first);
  const [, w13, w14, w15] = named(second);
  const w16 = rotate(words[0] ^ w13, 1);
  return block(w16, rotate(words[1] ^ w14, 1), rotate(words[2] ^ w15, 1), rotate(words[3] ^ w16, 1));
};

const right = (word: number, by: number): number => rotate(word, 32 - by);
const sigma0 = (x: number): number => right(x, 7) ^ right(x, 18) ^ (x >>> 3);
const sigma1 = (x: number): number => right(x, 17) ^ right(x, 19) ^ (x >>> 10);

/** sha256rnds2: the words of the message, constants added, are in xmm0. */
const sha256Rounds: SystemInstruction = (cpu, instruction) => {
  let [a, b, e, f] = named(readVector(cpu, instruction, 1, LANE, wantsAlignment(cpu)));
  let [c, d, g, h] = named(readRegister(cpu, instruction.op0Register, LANE));
  const words = dwords(readRegister(cpu, Register.XMM0, LANE));
  for (let i = 0; i < 2; i++) {
    const t = (choose(e, f, g) + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + words[i]! + h) | 0;
    [a, b, c, d, e, f, g, h] = [(t + majority(a, b, c) + (right(a, 2) ^ right(a, 13) ^ right(a, 22))) | 0, a, b, c, (t + d) | 0, e, f, g];
  }
  writeVector(cpu, instruction, instruction.op0Register, block(a, b, e, f));
  return undefined;
};
const sha256Message1: Block = (first, second) => {
  const [w3, w2, w1, w0] = named(first);
  return block(w3 + sigma0(named(second)[3]), w2 + sigma0(w3), w1 + sigma0(w2), w0 + sigma0(w1));
};
const sha256Message2: Block = (first, second) => {
  const [w15, w14] = named(second);
  const words = named(first);
  const w16 = (words[3] + sigma1(w14)) | 0, w17 = (words[2] + sigma1(w15)) | 0;
  return block(words[0] + sigma1(w17), words[1] + sigma1(w16), w17, w16);
};

/** Of which there are VEX forms. */
const both: Record<string, SystemInstruction> = {
  aesenc: binary(encrypt(true)), aesenclast: binary(encrypt(false)), aesdec: binary(decrypt(true)), aesdeclast: binary(decrypt(false)),
  aesimc: unary((key) => mixColumns(key, BACKWARD)), aeskeygenassist: unary(keyAssist),
  pclmulqdq: binary(carryless, true),
  gf2p8mulb: binary((first, second) => first.map((x, i) => multiply(x, second[i]!))), gf2p8affineqb: binary(affine(false), true), gf2p8affineinvqb: binary(affine(true), true),
};

export const cryptoInstructions: Record<string, SystemInstruction> = {
  ...both,
  ...Object.fromEntries(Object.entries(both).map(([mnemonic, run]) => [`v${mnemonic}`, run])),
  sha1rnds4: sha(sha1Rounds, true), sha1nexte: sha(sha1Next), sha1msg1: sha(sha1Message1), sha1msg2: sha(sha1Message2),
  sha256rnds2: sha256Rounds, sha256msg1: sha(sha256Message1), sha256msg2: sha(sha256Message2),
};
