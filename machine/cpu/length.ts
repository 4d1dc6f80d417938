/** Prefixes, and the length of what has too many of them: of which a decoder only says that it is no instruction. */
import { Code, Decoder, DecoderOptions, Instruction } from 'iced-x86';
import type { CpuProfile } from './cpu.ts';

export const MAX_INSTRUCTION_BYTES = 15;

const LOCK = 0xf0;
const LEGACY: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, LOCK, 0xf2, 0xf3]);
const isRex = (byte: number): boolean => byte >= 0x40 && byte < 0x50;

/** Where the opcode is: behind all prefixes. */
export function opcodeIndex(bytes: Uint8Array): number {
  const at = bytes.findIndex((byte) => !LEGACY.has(byte) && !isRex(byte));
  return at < 0 ? bytes.length : at;
}

/** The REX prefix that counts: one directly in front of the opcode. 0 if there is none. */
export function rexOf(bytes: Uint8Array, opcode = opcodeIndex(bytes)): number {
  const before = opcode > 0 ? bytes[opcode - 1]! : 0;
  return isRex(before) ? before : 0;
}

/** Bytes of ModRM with SIB and displacement. */
function operandLength(bytes: Uint8Array, at: number): number {
  const modrm = bytes[at] ?? 0;
  const mod = modrm >> 6, base = modrm & 7;
  if (mod === 3) return 1;
  const sib = base === 4 ? 1 : 0;
  const wide = mod === 2 || (mod === 0 && (base === 5 || (sib === 1 && ((bytes[at + 1] ?? 0) & 7) === 5)));
  return 1 + sib + (wide ? 4 : mod === 1 ? 1 : 0);
}

/** Opcodes of map 1 that have an immediate byte in their VEX and EVEX forms. */
const IMMEDIATE_IN_MAP_1: ReadonlySet<number> = new Set([0x70, 0x71, 0x72, 0x73, 0xc2, 0xc4, 0xc5, 0xc6]);

/** Lengths that follow from the bytes alone, whether such an instruction exists or not: opcode maps 0F 38 and 0F 3A, and VEX, EVEX and XOP. Undefined for others, and where a map does not exist. */
function mappedLength(bytes: Uint8Array, at: number): number | undefined {
  const [first, second] = [bytes[at], bytes[at + 1] ?? 0];
  if (first === 0x0f && (second === 0x38 || second === 0x3a)) return 3 + operandLength(bytes, at + 3) + (second === 0x3a ? 1 : 0);
  const xop = first === 0x8f && (second & 0x1f) >= 8;
  const prefix = first === 0xc5 ? 2 : first === 0xc4 || xop ? 3 : first === 0x62 ? 4 : undefined;
  // A REX prefix directly in front is wrong whatever comes.
  if (prefix === undefined || rexOf(bytes, at) !== 0) return undefined;
  const map = first === 0xc5 ? 1 : first === 0x62 ? second & 7 : second & 0x1f;
  if (xop ? map > 10 : !(map >= 1 && map <= 3) && !(first === 0x62 && (map === 5 || map === 6))) return undefined;
  const opcode = bytes[at + prefix] ?? 0;
  if (map === 1 && opcode === 0x77) return prefix + 1;
  const immediate = map === 3 || map === 8 || (map === 1 && IMMEDIATE_IN_MAP_1.has(opcode)) ? 1 : map === 10 ? 4 : 0;
  return prefix + 1 + operandLength(bytes, at + prefix + 1) + immediate;
}

const scratch = new Instruction();

/** Whether bytes that are no instruction are too many for one, which processors find first: #GP(0), not #UD. */
export function isTooLong(bytes: Uint8Array, vendor: CpuProfile['vendor']): boolean {
  const opcode = opcodeIndex(bytes);
  if (opcode >= MAX_INSTRUCTION_BYTES) return bytes.length >= MAX_INSTRUCTION_BYTES;
  const mapped = mappedLength(bytes, opcode);
  if (mapped !== undefined) return opcode + mapped > MAX_INSTRUCTION_BYTES;
  // The same with each prefix once, and without lock, which most instructions refuse.
  const legacy = [...new Set([...bytes.subarray(0, opcode)].filter((byte) => LEGACY.has(byte) && byte !== LOCK))];
  const rex = rexOf(bytes, opcode);
  const prefixes = rex === 0 ? legacy : [...legacy, rex];
  // What it would go on with does not matter for its length.
  const padded = new Uint8Array(MAX_INSTRUCTION_BYTES);
  padded.set([...prefixes, ...bytes.subarray(opcode)].slice(0, MAX_INSTRUCTION_BYTES));
  const decoder = new Decoder(64, padded, vendor === 'amd' ? DecoderOptions.AMD : DecoderOptions.None);
  try {
    decoder.decodeOut(scratch);
    return scratch.code !== Code.INVALID && scratch.length + opcode - prefixes.length > MAX_INSTRUCTION_BYTES;
  } finally {
    decoder.free();
  }
}
