/**
 * One random instruction of a given `Code`: registers, immediates and address forms chosen by its operand kinds.
 */
import type { MemorySize} from 'iced-x86';
import { Code, Encoder, Instruction, MemorySizeExt, Mnemonic, OpCodeOperandKind as Kind, OpKind, Register } from 'iced-x86';
import type { CodeFacts } from './codes.ts';
import { DATA, SLOT_ENTRY } from './layout.ts';
import type { Random } from './random.ts';

const from = (first: Register, count: number): readonly Register[] => Array.from({ length: count }, (_, i) => first + i);
const R8 = from(Register.AL, 20);
const R16 = from(Register.AX, 16);
const R32 = from(Register.EAX, 16);
const R64 = from(Register.RAX, 16);
const MM = from(Register.MM0, 8);
const XMM = from(Register.XMM0, 16);
const YMM = from(Register.YMM0, 16);
const ZMM = from(Register.ZMM0, 16);
const SEGMENTS = [Register.ES, Register.SS, Register.DS, Register.FS, Register.GS];

/** Registers that a kind may name, where it names one. */
const REGISTERS: ReadonlyMap<Kind, readonly Register[]> = new Map<Kind, readonly Register[]>([
  [Kind.r8_reg, R8], [Kind.r8_opcode, R8], [Kind.r8_or_mem, R8],
  ...[Kind.r16_reg, Kind.r16_reg_mem, Kind.r16_rm, Kind.r16_opcode, Kind.r16_or_mem].map((kind) => [kind, R16] as const),
  ...[Kind.r32_reg, Kind.r32_reg_mem, Kind.r32_rm, Kind.r32_opcode, Kind.r32_vvvv, Kind.r32_or_mem].map((kind) => [kind, R32] as const),
  ...[Kind.r64_reg, Kind.r64_reg_mem, Kind.r64_rm, Kind.r64_opcode, Kind.r64_vvvv, Kind.r64_or_mem].map((kind) => [kind, R64] as const),
  ...[Kind.mm_reg, Kind.mm_rm, Kind.mm_or_mem].map((kind) => [kind, MM] as const),
  ...[Kind.xmm_reg, Kind.xmm_rm, Kind.xmm_vvvv, Kind.xmm_is4, Kind.xmm_is5, Kind.xmm_or_mem].map((kind) => [kind, XMM] as const),
  ...[Kind.ymm_reg, Kind.ymm_rm, Kind.ymm_vvvv, Kind.ymm_is4, Kind.ymm_is5, Kind.ymm_or_mem].map((kind) => [kind, YMM] as const),
  ...[Kind.zmm_reg, Kind.zmm_rm, Kind.zmm_vvvv, Kind.zmm_or_mem].map((kind) => [kind, ZMM] as const),
  [Kind.seg_reg, SEGMENTS],
  [Kind.cr_reg, [Register.CR0, Register.CR2, Register.CR3, Register.CR4, Register.CR8]],
  [Kind.dr_reg, from(Register.DR0, 8)],
  [Kind.sti_opcode, from(Register.ST0, 8)], [Kind.st0, [Register.ST0]],
  [Kind.es, [Register.ES]], [Kind.cs, [Register.CS]], [Kind.ss, [Register.SS]], [Kind.ds, [Register.DS]], [Kind.fs, [Register.FS]], [Kind.gs, [Register.GS]],
  [Kind.al, [Register.AL]], [Kind.cl, [Register.CL]], [Kind.ax, [Register.AX]], [Kind.dx, [Register.DX]], [Kind.eax, [Register.EAX]], [Kind.rax, [Register.RAX]],
]);

const MEMORY: ReadonlySet<Kind> = new Set([
  Kind.mem, Kind.r8_or_mem, Kind.r16_or_mem, Kind.r32_or_mem, Kind.r64_or_mem, Kind.mm_or_mem, Kind.xmm_or_mem, Kind.ymm_or_mem, Kind.zmm_or_mem,
]);

const IMMEDIATES: ReadonlyMap<Kind, OpKind> = new Map([
  [Kind.imm8, OpKind.Immediate8], [Kind.imm8sex16, OpKind.Immediate8to16], [Kind.imm8sex32, OpKind.Immediate8to32], [Kind.imm8sex64, OpKind.Immediate8to64],
  [Kind.imm16, OpKind.Immediate16], [Kind.imm32, OpKind.Immediate32], [Kind.imm32sex64, OpKind.Immediate32to64], [Kind.imm64, OpKind.Immediate64],
]);

const IMPLICIT: ReadonlyMap<Kind, readonly [OpKind, OpKind]> = new Map([
  [Kind.seg_rSI, [OpKind.MemorySegRSI, OpKind.MemorySegESI]],
  [Kind.es_rDI, [OpKind.MemoryESRDI, OpKind.MemoryESEDI]],
  [Kind.seg_rDI, [OpKind.MemorySegRDI, OpKind.MemorySegEDI]],
]);

/** Memory whose index is a vector. */
const VECTOR_INDEX: ReadonlyMap<Kind, readonly Register[]> = new Map([[Kind.mem_vsib32x, XMM], [Kind.mem_vsib64x, XMM], [Kind.mem_vsib32y, YMM], [Kind.mem_vsib64y, YMM]]);

/** Kinds whose instructions the oracle does not compose: far pointers in the code, tiles, masks, bounds. Named in `docs/isa.md`. */
export function composable(one: CodeFacts): boolean {
  return one.operands.every((kind) => REGISTERS.has(kind) || MEMORY.has(kind) || VECTOR_INDEX.has(kind) || IMMEDIATES.has(kind) || IMPLICIT.has(kind)
    || [Kind.imm8_const_1, Kind.br64_1, Kind.br64_4, Kind.mem_offs, Kind.seg_rBX_al, Kind.br16_1, Kind.br16_2, Kind.br32_1].includes(kind));
}

function memory(random: Random, instruction: Instruction, narrow: boolean): void {
  const registers = narrow ? R32 : R64;
  if (!narrow && random.chance(8)) {
    instruction.memoryBase = Register.RIP;
    instruction.memoryDisplSize = 8;
    instruction.memoryDisplacement = DATA.address + BigInt(random.below(DATA.size));
    return;
  }
  const base = random.pick(registers);
  instruction.memoryBase = base;
  if (random.chance(35)) {
    const index = random.pick(registers);
    const stackPointer = registers[4]!;
    if (index !== stackPointer && index !== base) {
      instruction.memoryIndex = index;
      instruction.memoryIndexScale = 1 << random.below(4);
    }
  }
  const size = random.below(3);
  const displacement = size === 1 ? BigInt(random.below(256) - 128) : size === 2 ? BigInt(random.pick([-0x8000_0000, 0x7fff_ffff, 0x1234_5678, -1, 128, -129, 0x2000])) : 0n;
  instruction.memoryDisplSize = size === 0 ? 0 : size === 1 ? 1 : narrow ? 4 : 8;
  instruction.memoryDisplacement = BigInt.asUintN(narrow ? 32 : 64, displacement);
}

function immediate(random: Random, one: CodeFacts, kind: Kind): bigint {
  if (one.code === Code.Enterq_imm16_imm8 || one.code === Code.Enterw_imm16_imm8) return BigInt(random.below(random.chance(80) ? 64 : 65536));
  // The vectors that ring 3 may raise by number.
  if (one.code === Code.Int_imm8 && random.chance(40)) return BigInt(random.pick([3, 4]));
  return random.value() & (kind === Kind.imm64 ? 0xffff_ffff_ffff_ffffn : kind === Kind.imm16 ? 0xffffn : kind === Kind.imm32 || kind === Kind.imm32sex64 ? 0xffff_ffffn : 0xffn);
}

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);

function operand(random: Random, instruction: Instruction, one: CodeFacts, i: number, narrow: boolean, rip: bigint): void {
  const kind = one.operands[i]!;
  if (MEMORY.has(kind) && (kind === Kind.mem || random.chance(60))) {
    instruction.setOpKind(i, OpKind.Memory);
    memory(random, instruction, narrow);
    return;
  }
  const indices = VECTOR_INDEX.get(kind);
  if (indices) {
    instruction.setOpKind(i, OpKind.Memory);
    memory(random, instruction, narrow);
    if (instruction.memoryBase === Register.RIP) instruction.memoryBase = Register.RBX;
    instruction.memoryIndex = random.pick(indices);
    instruction.memoryIndexScale = 1 << random.below(4);
    return;
  }
  const registers = REGISTERS.get(kind);
  if (registers) {
    instruction.setOpKind(i, OpKind.Register);
    instruction.setOpRegister(i, random.pick(registers));
    return;
  }
  const immediateKind = IMMEDIATES.get(kind);
  if (immediateKind !== undefined) {
    // The second immediate of ENTER, EXTRQ and INSERTQ has a field of its own.
    const second = i > 0 && IMMEDIATES.has(one.operands[i - 1]!);
    const value = second && random.chance(70) ? BigInt(random.below(64)) : immediate(random, one, kind);
    instruction.setOpKind(i, second ? OpKind.Immediate8_2nd : immediateKind);
    if (second) instruction.immediate8_2nd = Number(value & 0xffn);
    else if (kind === Kind.imm8sex16 || kind === Kind.imm8sex32 || kind === Kind.imm8sex64) instruction.setImmediateI64(i, signed(value, 8));
    else if (kind === Kind.imm32sex64) instruction.setImmediateI64(i, signed(value, 32));
    else instruction.setImmediateU64(i, value);
    return;
  }
  const implicit = IMPLICIT.get(kind);
  if (implicit) {
    instruction.setOpKind(i, implicit[narrow ? 1 : 0]);
    return;
  }
  switch (kind) {
    case Kind.imm8_const_1:
      instruction.setOpKind(i, OpKind.Immediate8);
      instruction.setImmediateU32(i, 1);
      return;
    case Kind.br16_1: case Kind.br16_2:
      instruction.setOpKind(i, OpKind.NearBranch16);
      instruction.nearBranch16 = Number((rip + BigInt(random.below(64) - 20)) & 0xffffn);
      return;
    case Kind.br32_1: case Kind.br64_1: case Kind.br64_4:
      instruction.setOpKind(i, OpKind.NearBranch64);
      instruction.nearBranch64 = rip - BigInt(SLOT_ENTRY) + BigInt(random.pick([0, 1, SLOT_ENTRY - 1, SLOT_ENTRY + 15, SLOT_ENTRY + 20]));
      return;
    case Kind.mem_offs:
      instruction.setOpKind(i, OpKind.Memory);
      instruction.memoryDisplSize = narrow ? 4 : 8;
      instruction.memoryDisplacement = DATA.address + BigInt(random.below(DATA.size + 0x2000) - 16);
      return;
    case Kind.seg_rBX_al:
      instruction.setOpKind(i, OpKind.Memory);
      instruction.memoryBase = narrow ? Register.EBX : Register.RBX;
      instruction.memoryIndex = Register.AL;
      instruction.memoryIndexScale = 1;
      return;
    default:
      throw new Error(`operand kind ${Kind[kind]} of ${one.name}`);
  }
}

function prefixes(random: Random, instruction: Instruction, one: CodeFacts): void {
  const { info } = one;
  if (info.canUseLockPrefix && random.chance(30)) instruction.hasLockPrefix = true;
  if (info.canUseRepPrefix && random.chance(60)) instruction.hasRepPrefix = true;
  else if (info.canUseRepnePrefix && random.chance(60)) instruction.hasRepnePrefix = true;
  const kinds = Array.from({ length: instruction.opCount }, (_, i) => instruction.opKind(i));
  const ip = instruction.memoryBase === Register.RIP;
  if (!ip && random.chance(6) && kinds.some((kind) => [OpKind.Memory, OpKind.MemorySegRSI, OpKind.MemorySegESI, OpKind.MemorySegRDI, OpKind.MemorySegEDI].includes(kind))) {
    instruction.segmentPrefix = random.pick([Register.FS, Register.GS]);
  }
}

const encoder = new Encoder(64);

/** Encodes one random form of `one` for address `rip`; undefined when the dice chose a combination that has no encoding. */
export function compose(random: Random, one: CodeFacts, rip: bigint): Uint8Array | undefined {
  const instruction = new Instruction();
  try {
    instruction.code = one.code;
    const narrow = one.info.addressSize === 32 || (one.info.addressSize === 0 && random.chance(5));
    for (let i = 0; i < one.operands.length; i++) operand(random, instruction, one, i, narrow, rip);
    prefixes(random, instruction, one);
    encoder.encode(instruction, rip);
    return encoder.takeBuffer();
  } catch {
    encoder.takeBuffer();
    return undefined;
  } finally {
    instruction.free();
  }
}

/** Bytes that an access of `size` touches; 8 where it depends on the state. */
export function accessSize(size: MemorySize): number {
  return MemorySizeExt.size(size) || 8;
}

/** Instructions whose operand or memory says where execution goes on. */
export function goesThroughOperand(mnemonic: Mnemonic): boolean {
  return mnemonic === Mnemonic.Jmp || mnemonic === Mnemonic.Call || mnemonic === Mnemonic.Ret;
}
