/**
 * A seeded source of cases: bits that matter are set often enough to meet every row, the rest is noise.
 */
import { EX_TYPE } from '../../../fault-model/ex-type.ts';
import { MCACOD, MCG_STATUS, MCI_STATUS } from '../../../fault-model/machine-check.ts';
import { ORACLE_DATA, ORACLE_TEXT } from './harness.ts';
import type { OracleCase } from './harness.ts';

/** xorshift32: small, fast, and the same everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** 32 bits. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  quad(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}

const STATUS_BITS = Object.values(MCI_STATUS).filter((bit) => bit !== MCI_STATUS.VAL && bit !== MCI_STATUS.EN);
const CODES = [MCACOD.DATA, MCACOD.INSTRUCTION, MCACOD.L3_WRITEBACK, MCACOD.SCRUB, MCACOD.SCRUB | 0x3n, 0x1134n, 0x0010_00c0n, 0x0010_00c5n, 0x0151n, 0n];
const SRAR = MCI_STATUS.UC | MCI_STATUS.S | MCI_STATUS.AR | MCI_STATUS.ADDRV | MCI_STATUS.MISCV;

function status(random: Random): bigint {
  let bits = random.oneIn(20) ? 0n : MCI_STATUS.VAL;
  if (!random.oneIn(10)) bits |= MCI_STATUS.EN;
  if (random.oneIn(2)) bits |= SRAR;
  else for (const bit of STATUS_BITS) if (random.oneIn(2)) bits |= bit;
  // A bit or two off the common pattern, so that near misses are met too.
  if (random.oneIn(3)) bits ^= random.pick(STATUS_BITS);
  if (!random.oneIn(4)) bits &= ~MCI_STATUS.PCC;
  return bits | (random.oneIn(8) ? BigInt(random.next()) : random.pick(CODES));
}

function mcgStatus(random: Random): bigint {
  let bits = random.oneIn(12) ? 0n : MCG_STATUS.MCIP;
  if (!random.oneIn(5)) bits |= MCG_STATUS.RIPV;
  if (!random.oneIn(5)) bits |= MCG_STATUS.EIPV;
  if (random.oneIn(4)) bits |= MCG_STATUS.LMCES;
  if (random.oneIn(4)) bits |= MCG_STATUS.SEAM_NR;
  return bits;
}

const ADDRESSES = [0n, 0x1000n, 0x7fff_ffff_e000n, 0x7fff_ffff_effcn, 0x7fff_ffff_f000n, 0x8000_0000_0000n, 0xff_ffff_ffff_f000n, 0xffff_8880_0000_0000n, 0xffff_ffff_ff60_0123n, 0xffff_ffff_ffff_fff8n];

function address(random: Random): bigint {
  switch (random.below(4)) {
    case 0: return ORACLE_DATA + BigInt(random.below(9));
    case 1: return random.pick(ADDRESSES);
    case 2: return BigInt(random.next());
    default: return random.quad();
  }
}

/** Instructions that read memory, in many encodings; the bytes behind are noise. */
function instruction(random: Random): Uint8Array {
  const bytes = Array.from({ length: 16 }, () => random.below(256));
  const opcode = random.pick([[0x8b], [0x8b], [0x8b], [0x8a], [0x0f, 0xb6], [0x0f, 0xb7], [0xa4], [0xa5], [0x03], [0x0f, 0xbe], [0x0f, 0xb1], [0xac], [0x88], [0x89], [0xff]]);
  const prefixes: number[] = [];
  if (random.oneIn(8)) prefixes.push(0xf3);
  if (random.oneIn(8)) prefixes.push(0x66);
  if (random.oneIn(2)) prefixes.push(0x40 | random.below(16));
  else if (random.oneIn(3)) prefixes.push(0x48);
  [...prefixes, ...opcode].forEach((byte, index) => { bytes[index] = byte; });
  const modrm = prefixes.length + opcode.length;
  // Register operands are met, but not half the time.
  if (!random.oneIn(6)) bytes[modrm] = (random.below(3) << 6) | random.below(64);
  return Uint8Array.from(bytes);
}

/** Length of the instruction as this generator makes them: prefixes, opcode, ModRM, SIB, displacement. */
function memoryLength(text: Uint8Array): number {
  let at = 0;
  while (text[at] === 0xf3 || text[at] === 0x66) at++;
  if ((text[at]! & 0xf0) === 0x40) at++;
  at += text[at] === 0x0f ? 2 : 1;
  const modrm = text[at++]!;
  const mod = modrm >> 6;
  if (mod === 3) return at;
  let base = modrm & 7;
  if (base === 4) base = text[at++]! & 7;
  return at + (mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0);
}

/** BPF and ERETU act on things of a running kernel; HANDLER is our own and no kernel has it. */
export const SKIPPED_TYPES: readonly number[] = [EX_TYPE.BPF, EX_TYPE.ERETU, EX_TYPE.HANDLER];

export function randomCase(random: Random): OracleCase {
  const text = instruction(random);
  const type = random.oneIn(40) ? 22 + random.below(200) : random.below(23);
  const imm = random.pick([0, 1, 4, 8, -14, 0x7fff, -0x8000, random.below(0x10000)]) & 0xffff;
  const length = BigInt(memoryLength(text));
  return {
    status: status(random), misc: random.quad(), address: random.quad(), mcgStatus: mcgStatus(random),
    cs: random.oneIn(4) ? 0x33 : 0x10, bank: random.pick([0, 1, 12, 13, 15, 18, 19]),
    ser: !random.oneIn(5), inException: !random.oneIn(4), amd: random.oneIn(4), overflowRecovery: random.oneIn(2), succor: !random.oneIn(3),
    skylakeX: random.oneIn(3), stepping: random.below(8), la57: random.oneIn(3), hasEntry: !random.oneIn(5),
    data: (SKIPPED_TYPES.includes(type) ? 1 : type) | (random.below(16) << 8) | (random.pick([0, 0, 1, 2, 3, 4, 9]) << 12) | (imm << 16),
    trapnr: random.pick([14, 18, 13, 6, 17, 0]), errorCode: random.below(32), faultAddress: random.oneIn(2) ? ORACLE_DATA + 8n : address(random),
    // ZEROPAD insists that the landing pad is right behind the instruction.
    fixup: random.oneIn(2) ? ORACLE_TEXT + length : ORACLE_TEXT + BigInt(random.below(1 << 20)),
    registers: Array.from({ length: 16 }, () => address(random)),
    text, word: Uint8Array.from({ length: 16 }, () => random.below(256)),
  };
}
