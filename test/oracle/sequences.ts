/**
 * Random sequences of instructions with jumps among them: what one instruction leaves behind, above all flags, is what the next one finds.
 */
import { InstructionInfoFactory, Decoder, OpAccess, Register, RegisterExt } from 'iced-x86';
import type { OracleCase } from './case.ts';
import { CODES } from './codes.ts';
import type { CodeFacts } from './codes.ts';
import { decodeForm, randomForm, stateFor } from './generate.ts';
import type { Form } from './generate.ts';
import { hostKnows } from './host-knows.ts';
import { CODE, DATA, SLOT_ENTRY } from './layout.ts';
import { composable } from './operands.ts';
import type { Question } from './oracle.ts';
import type { Random } from './random.ts';

/** Bytes kept for one sequence. */
export const SEQUENCE_ROOM = 512;
export const SEQUENCES = CODE.size / SEQUENCE_ROOM;

/** Registers that hold addresses of data throughout a sequence: rbx, rbp, rsi, rdi, r12, r13; rsp too. */
const POINTERS: ReadonlySet<number> = new Set([3, 4, 5, 6, 7, 12, 13]);
const infos = new InstructionInfoFactory();

interface Piece {
  readonly bytes: number[];
  /** Index of the piece a branch goes to. */
  readonly target?: number;
  readonly wide?: boolean;
}

function writesPointer(bytes: Uint8Array): boolean {
  const decoder = new Decoder(64, bytes, 0);
  const instruction = decoder.decode();
  const info = infos.info(instruction);
  const used = info.usedRegisters();
  const found = used.some((one) => one.access !== OpAccess.Read && one.access !== OpAccess.CondRead && one.access !== OpAccess.NoMemAccess
    && RegisterExt.isGPR(one.register) && POINTERS.has(RegisterExt.number(RegisterExt.fullRegister(one.register))));
  for (const one of used) one.free();
  info.free();
  instruction.free();
  decoder.free();
  return found;
}

const near = (form: Form): boolean => form.accesses.every((access) => {
  const displacement = BigInt.asIntN(64, access.displacement);
  if (access.base === Register.None || access.base === Register.RIP) return false;
  return access.index === Register.None && access.segment !== Register.FS && access.segment !== Register.GS
    && RegisterExt.isGPR64(access.base) && POINTERS.has(RegisterExt.number(access.base)) && displacement >= -256n && displacement < 256n;
});

const isBranch = (one: CodeFacts): boolean => /^(J|Call|Ret|Loop|Int|Syscall|Sys|Iret|Xbegin|Enter|Ud|Hlt)/.test(one.name);

/** What sequences are made of. */
export const SEQUENCE_CODES: readonly CodeFacts[] = CODES.filter((one) => composable(one) && !isBranch(one) && hostKnows(one) === undefined
  && !one.info.isPrivileged && !one.info.mustBeCpl0 && !one.info.isInputOutput && one.features.every((feature) => /^(INTEL\d|X64$|CMOV|BMI|ADX|MOVBE|POPCNT|LZCNT|SSE|AVX2?$|CX8|CMPXCHG16B)/.test(feature)));

/** A plain instruction that in nine of ten throws stays on mapped data and keeps the pointers. */
function plain(random: Random, codes: readonly CodeFacts[]): Form | undefined {
  const wild = random.chance(3);
  for (let attempt = 0; attempt < 30; attempt++) {
    const form = randomForm(random, random.pick(codes));
    if (!form) continue;
    if (wild) return form;
    if (form.string && random.chance(80)) continue;
    if ((form.accesses.length === 0 || near(form)) && (form.string || !writesPointer(form.bytes))) return form;
  }
  return undefined;
}

function branch(random: Random, index: number, count: number): Piece {
  // Mostly forward: a loop without an end costs both sides their patience.
  const target = random.chance(92) ? index + 1 + random.below(Math.max(1, count - index)) : random.below(count);
  switch (random.below(8)) {
    case 0: return { bytes: [0xeb], target };
    case 1: return { bytes: [0xe0 + random.below(4)], target };
    case 2: case 3: return { bytes: [0x0f, 0x80 + random.below(16)], target, wide: true };
    default: return { bytes: [0x70 + random.below(16)], target };
  }
}

function layOut(pieces: readonly Piece[]): Uint8Array | undefined {
  const starts: number[] = [];
  let at = 0;
  for (const piece of pieces) {
    starts.push(at);
    at += piece.bytes.length + (piece.target === undefined ? 0 : piece.wide ? 4 : 1);
  }
  starts.push(at);
  if (at > SEQUENCE_ROOM - SLOT_ENTRY - 16) return undefined;
  const bytes = new Uint8Array(at);
  const view = new DataView(bytes.buffer);
  for (const [i, piece] of pieces.entries()) {
    const start = starts[i]!;
    bytes.set(piece.bytes, start);
    if (piece.target === undefined) continue;
    const field = start + piece.bytes.length;
    const distance = starts[Math.min(piece.target, pieces.length)]! - field - (piece.wide ? 4 : 1);
    if (!piece.wide && (distance < -128 || distance > 127)) return undefined;
    if (piece.wide) view.setInt32(field, distance, true);
    else view.setInt8(field, distance);
  }
  return bytes;
}

/** `cmp r64, r64`: defines every flag, after an instruction that leaves some undefined. */
const compareRegisters = (random: Random): number[] => [0x48, 0x39, 0xc0 | random.below(64)];

/** A sequence of 5 to 30 instructions with a state to start from, for slot `slot` of {@link SEQUENCES}; undefined when it does not fit. */
export function randomSequence(random: Random, codes: readonly CodeFacts[], slot: number): Question | undefined {
  const count = 5 + random.below(26);
  const pieces: Piece[] = [];
  for (let i = 0; i < count; i++) {
    if (random.chance(18)) {
      pieces.push(branch(random, pieces.length, count));
      continue;
    }
    const form = plain(random, codes);
    if (!form) continue;
    const define = form.undefinedFlags === 0n ? [] : compareRegisters(random);
    pieces.push({ bytes: [...form.bytes, ...define] });
  }
  const code = layOut(pieces);
  if (!code) return undefined;
  const rip = CODE.address + BigInt((slot % SEQUENCES) * SEQUENCE_ROOM + SLOT_ENTRY);
  return { label: 'sequence', state: sequenceState(random, code, rip), undefinedFlags: 0n };
}

function sequenceState(random: Random, code: Uint8Array, rip: bigint): OracleCase {
  const state = stateFor(random, decodeForm(Uint8Array.of(0x90), rip), rip);
  const gpr = state.gpr.slice();
  for (const pointer of POINTERS) gpr[pointer] = DATA.address + 0x200n + BigInt(random.below(DATA.size - 0x400));
  gpr[4] = (gpr[4]! & ~7n);
  if (random.chance(30)) gpr[1] = BigInt(random.below(40));
  return { ...state, code, gpr };
}
