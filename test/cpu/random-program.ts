/**
 * Random programs of integer instructions with branches, calls and memory accesses that sometimes fault: food for comparing the two
 * bindings of the lifter.
 */
import { Code, Encoder, Instruction, MemoryOperand, Register } from 'iced-x86';

export const CODE = 0xffff_ffff_8100_0000n;
export const DATA = 0xffff_8880_0010_0000n;
/** Pages from DATA on: plain, read-only, plain with poison, plain, then nothing. */
export const DATA_PAGES = 4;
export const STACK_TOP = 0xffff_c900_0001_0000n;

/** A small deterministic generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  u64(): bigint {
    const edge = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n];
    if (this.below(3) === 0) return this.pick(edge);
    return (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
  }
}

/** Registers that hold numbers; rdi, rsi, r12 point into the data, rsp is the stack. */
const R64 = [Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.R8, Register.R9, Register.R10, Register.R11];
const R32 = [Register.EAX, Register.ECX, Register.EDX, Register.EBX, Register.R8D, Register.R9D, Register.R10D, Register.R11D];
const R16 = [Register.AX, Register.CX, Register.DX, Register.BX, Register.R8W, Register.R9W, Register.R10W, Register.R11W];
const R8 = [Register.AL, Register.CL, Register.DL, Register.BL, Register.AH, Register.CH, Register.DH, Register.BH];
const BASES = [Register.RDI, Register.RSI, Register.R12];

const TWO: readonly (readonly [reg: readonly Register[], rr: Code, rm: Code, mr: Code | undefined])[] = [
  ...(['Add', 'Sub', 'And', 'Or', 'Xor', 'Cmp', 'Adc', 'Sbb', 'Mov'] as const).flatMap((name) => {
    const code = (text: string): Code => Code[text as keyof typeof Code];
    return ([[8, R8], [16, R16], [32, R32], [64, R64]] as const).map(([bits, registers]) => {
      const b = String(bits);
      return [registers, code(`${name}_rm${b}_r${b}`), code(`${name}_r${b}_rm${b}`), code(`${name}_rm${b}_r${b}`)] as const;
    });
  }),
  [R64, Code.Imul_r64_rm64, Code.Imul_r64_rm64, undefined], [R32, Code.Imul_r32_rm32, Code.Imul_r32_rm32, undefined],
  [R64, Code.Xchg_rm64_r64, Code.INVALID, Code.Xchg_rm64_r64], [R32, Code.Xadd_rm32_r32, Code.INVALID, Code.Xadd_rm32_r32],
  [R64, Code.Cmpxchg_rm64_r64, Code.INVALID, Code.Cmpxchg_rm64_r64], [R64, Code.Test_rm64_r64, Code.INVALID, Code.Test_rm64_r64],
  [R64, Code.Bsf_r64_rm64, Code.Bsf_r64_rm64, undefined], [R32, Code.Popcnt_r32_rm32, Code.Popcnt_r32_rm32, undefined],
  [R32, Code.Bt_rm32_r32, Code.INVALID, undefined], [R64, Code.Bts_rm64_r64, Code.INVALID, undefined],
  ...[Code.Cmove_r64_rm64, Code.Cmovl_r64_rm64, Code.Cmovbe_r64_rm64, Code.Cmovo_r64_rm64].map((code) => [R64, code, code, undefined] as const),
];
const ONE: readonly (readonly [readonly Register[], Code])[] = [
  [R64, Code.Inc_rm64], [R64, Code.Dec_rm64], [R32, Code.Neg_rm32], [R8, Code.Not_rm8], [R16, Code.Inc_rm16], [R64, Code.Neg_rm64],
  [R64, Code.Mul_rm64], [R32, Code.Imul_rm32], [R64, Code.Bswap_r64], [R64, Code.Shl_rm64_CL], [R32, Code.Sar_rm32_CL], [R64, Code.Rcl_rm64_CL],
  [R8, Code.Rol_rm8_CL], [R8, Code.Sete_rm8], [R8, Code.Setl_rm8], [R8, Code.Setbe_rm8], [R64, Code.Push_r64], [R64, Code.Pop_r64], [R32, Code.Div_rm32],
  [R64, Code.Idiv_rm64],
];
const SHIFTS: readonly (readonly [readonly Register[], Code])[] = [
  [R64, Code.Shl_rm64_imm8], [R32, Code.Shr_rm32_imm8], [R64, Code.Sar_rm64_imm8], [R16, Code.Ror_rm16_imm8], [R32, Code.Rcr_rm32_imm8], [R64, Code.Rol_rm64_imm8],
];
const PLAIN = [Code.Clc, Code.Stc, Code.Cmc, Code.Cqo, Code.Cdq, Code.Cbw, Code.Lahf, Code.Sahf, Code.Pushfq, Code.Nopd, Code.Stosq_m64_RAX, Code.Lodsb_AL_m8, Code.Movsd_m32_m32, Code.Stac, Code.Clac];
const JUMPS = [Code.Jo_rel32_64, Code.Jb_rel32_64, Code.Jae_rel32_64, Code.Je_rel32_64, Code.Jne_rel32_64, Code.Jbe_rel32_64, Code.Ja_rel32_64, Code.Js_rel32_64, Code.Jp_rel32_64, Code.Jl_rel32_64, Code.Jge_rel32_64, Code.Jle_rel32_64, Code.Jg_rel32_64];

/** Offsets from a base register that is near the start of a page: mostly inside, sometimes across a border or in another page. */
function memory(random: Random): MemoryOperand {
  const offset = random.below(12) === 0 ? random.below(DATA_PAGES * 4096 + 64) - 16 : random.below(256);
  if (random.below(4) === 0) return new MemoryOperand(random.pick(BASES), Register.R13, 1 << random.below(4), BigInt(offset), 8, false, Register.None);
  return new MemoryOperand(random.pick(BASES), Register.None, 1, BigInt(offset), 8, false, Register.None);
}

/** An instruction that can be encoded: ah to bh do not go together with the new registers. */
function simple(random: Random, encoder: Encoder): Instruction {
  for (;;) {
    const instruction = candidate(random);
    try {
      encoder.encode(instruction, CODE);
      return instruction;
    } catch {
      instruction.free();
    }
  }
}

function candidate(random: Random): Instruction {
  switch (random.below(16)) {
    case 0: {
      const [registers, code] = random.pick(ONE);
      return Instruction.createReg(code, random.pick(registers));
    }
    case 1: {
      const [registers, code] = random.pick(SHIFTS);
      return Instruction.createRegI32(code, random.pick(registers), random.below(70));
    }
    case 2:
      return Instruction.create(random.pick(PLAIN));
    case 3:
      return Instruction.createRegI32(random.pick([Code.Add_rm64_imm8, Code.Cmp_rm64_imm8, Code.Sbb_rm64_imm8, Code.And_rm64_imm8]), random.pick(R64), random.below(256) - 128);
    case 4:
      return Instruction.createRegI32(Code.Mov_r32_imm32, random.pick(R32), random.below(2 ** 31));
    case 5:
      return random.below(2) === 0
        ? Instruction.createRegMem(Code.Movzx_r32_rm8, random.pick(R32), memory(random))
        : Instruction.createRegMem(Code.Lea_r64_m, random.pick(R64), memory(random));
    case 6:
      return Instruction.createRegReg(random.pick([Code.Movzx_r32_rm8, Code.Movsx_r32_rm8]), random.pick(R32), random.pick(R8));
    default: {
      const [registers, rr, rm, mr] = random.pick(TWO);
      const kind = random.below(4);
      if (kind === 0 && rm !== Code.INVALID) return Instruction.createRegMem(rm, random.pick(registers), memory(random));
      if (kind === 1 && mr !== undefined) return Instruction.createMemReg(mr, memory(random), random.pick(registers));
      const x = random.pick(registers), y = random.pick(registers);
      return Instruction.createRegReg(rr, x, y);
    }
  }
}

/** The program's bytes and the addresses of its blocks; it has no end, so run it with a limit. */
export function randomProgram(random: Random): { bytes: Uint8Array; blocks: readonly bigint[] } {
  const count = 2 + random.below(10);
  const trial = new Encoder(64);
  const bodies = Array.from({ length: count }, () => Array.from({ length: 1 + random.below(12) }, () => simple(random, trial)));
  trial.free();
  const ends = bodies.map((_, i) => ({ kind: random.below(8), target: random.below(count), jump: random.pick(JUMPS), next: i + 1 }));
  let blocks: bigint[] = bodies.map(() => CODE);
  // Two passes: the first finds the addresses; all branches are rel32, so they do not move.
  for (let pass = 0; ; pass++) {
    const encoder = new Encoder(64);
    const bytes: number[] = [];
    const starts: bigint[] = [];
    const put = (instruction: Instruction): void => {
      encoder.encode(instruction, CODE + BigInt(bytes.length));
      for (const byte of encoder.takeBuffer()) bytes.push(byte);
      instruction.free();
    };
    bodies.forEach((body, i) => {
      starts.push(CODE + BigInt(bytes.length));
      for (const instruction of body) put(instruction.clone());
      const { kind, target, jump } = ends[i]!;
      const to = blocks[target]!;
      if (kind < 4) put(Instruction.createBranch(jump, to));
      else if (kind === 4) put(Instruction.createBranch(Code.Call_rel32_64, to));
      else if (kind === 5) put(Instruction.create(Code.Retnq));
      else if (kind === 6) put(Instruction.createBranch(Code.Jmp_rel32_64, to));
      if (i === count - 1) put(Instruction.createBranch(Code.Jmp_rel32_64, blocks[0]!));
    });
    encoder.free();
    blocks = starts;
    if (pass === 1) {
      for (const body of bodies) for (const instruction of body) instruction.free();
      return { bytes: Uint8Array.from(bytes), blocks };
    }
  }
}
