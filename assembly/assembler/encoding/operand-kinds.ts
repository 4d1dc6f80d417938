/**
 * What each of iced's operand kinds accepts, as data.
 */
import { OpCodeOperandKind as Kind, Register } from 'iced-x86';
import type { RegisterClass } from './registers.ts';

/** How an immediate field is read: `bits` wide, and to which operand size it is sign extended (0: it is not). */
export interface ImmediateField {
  readonly bits: number;
  readonly extendedTo: number;
}

/** One operand position of an encoding. */
export interface OperandShape {
  readonly register?: RegisterClass;
  /** A fixed register, which AT&T may leave out where `optional` is set. */
  readonly fixed?: Register;
  readonly memory?: 'any' | 'offset' | 'xmm-index' | 'ymm-index' | 'zmm-index';
  readonly immediate?: ImmediateField;
  /** The constant 1 of a shift by one. */
  readonly one?: boolean;
  /** Width of a relative branch's field in bits. */
  readonly branch?: number;
  /** Selector and offset of a direct far branch: bits of the offset. */
  readonly far?: number;
  /** An operand of a string instruction: which register addresses it and whether it is always in es. */
  readonly string?: { readonly register: 'si' | 'di'; readonly extra: boolean };
  /** The `(%rbx,%al)` of xlat. */
  readonly table?: boolean;
  /** May be left out in AT&T text. */
  readonly optional?: boolean;
}

const register = (name: RegisterClass): OperandShape => ({ register: name });
const registerOrMemory = (name: RegisterClass): OperandShape => ({ register: name, memory: 'any' });
const fixed = (which: Register, optional = false): OperandShape => ({ fixed: which, optional });
const immediate = (bits: number, extendedTo = 0): OperandShape => ({ immediate: { bits, extendedTo } });

const SHAPES: Partial<Record<Kind, OperandShape>> = {
  [Kind.farbr2_2]: { far: 16 },
  [Kind.farbr4_2]: { far: 32 },
  [Kind.mem_offs]: { memory: 'offset' },
  [Kind.mem]: { memory: 'any' },
  [Kind.mem_mpx]: { memory: 'any' },
  [Kind.mem_mib]: { memory: 'any' },
  [Kind.sibmem]: { memory: 'any' },
  [Kind.mem_vsib32x]: { memory: 'xmm-index' },
  [Kind.mem_vsib64x]: { memory: 'xmm-index' },
  [Kind.mem_vsib32y]: { memory: 'ymm-index' },
  [Kind.mem_vsib64y]: { memory: 'ymm-index' },
  [Kind.mem_vsib32z]: { memory: 'zmm-index' },
  [Kind.mem_vsib64z]: { memory: 'zmm-index' },
  [Kind.r8_or_mem]: registerOrMemory('r8'),
  [Kind.r16_or_mem]: registerOrMemory('r16'),
  [Kind.r32_or_mem]: registerOrMemory('r32'),
  [Kind.r32_or_mem_mpx]: registerOrMemory('r32'),
  [Kind.r64_or_mem]: registerOrMemory('r64'),
  [Kind.r64_or_mem_mpx]: registerOrMemory('r64'),
  [Kind.mm_or_mem]: registerOrMemory('mm'),
  [Kind.xmm_or_mem]: registerOrMemory('xmm'),
  [Kind.ymm_or_mem]: registerOrMemory('ymm'),
  [Kind.zmm_or_mem]: registerOrMemory('zmm'),
  [Kind.bnd_or_mem_mpx]: registerOrMemory('bnd'),
  [Kind.k_or_mem]: registerOrMemory('k'),
  [Kind.r8_reg]: register('r8'),
  [Kind.r8_opcode]: register('r8'),
  [Kind.r16_reg]: register('r16'),
  [Kind.r16_reg_mem]: register('r16'),
  [Kind.r16_rm]: register('r16'),
  [Kind.r16_opcode]: register('r16'),
  [Kind.r32_reg]: register('r32'),
  [Kind.r32_reg_mem]: register('r32'),
  [Kind.r32_rm]: register('r32'),
  [Kind.r32_opcode]: register('r32'),
  [Kind.r32_vvvv]: register('r32'),
  [Kind.r64_reg]: register('r64'),
  [Kind.r64_reg_mem]: register('r64'),
  [Kind.r64_rm]: register('r64'),
  [Kind.r64_opcode]: register('r64'),
  [Kind.r64_vvvv]: register('r64'),
  [Kind.seg_reg]: register('seg'),
  [Kind.k_reg]: register('k'),
  [Kind.kp1_reg]: register('k'),
  [Kind.k_rm]: register('k'),
  [Kind.k_vvvv]: register('k'),
  [Kind.mm_reg]: register('mm'),
  [Kind.mm_rm]: register('mm'),
  [Kind.xmm_reg]: register('xmm'),
  [Kind.xmm_rm]: register('xmm'),
  [Kind.xmm_vvvv]: register('xmm'),
  [Kind.xmmp3_vvvv]: register('xmm'),
  [Kind.xmm_is4]: register('xmm'),
  [Kind.xmm_is5]: register('xmm'),
  [Kind.ymm_reg]: register('ymm'),
  [Kind.ymm_rm]: register('ymm'),
  [Kind.ymm_vvvv]: register('ymm'),
  [Kind.ymm_is4]: register('ymm'),
  [Kind.ymm_is5]: register('ymm'),
  [Kind.zmm_reg]: register('zmm'),
  [Kind.zmm_rm]: register('zmm'),
  [Kind.zmm_vvvv]: register('zmm'),
  [Kind.zmmp3_vvvv]: register('zmm'),
  [Kind.cr_reg]: register('cr'),
  [Kind.dr_reg]: register('dr'),
  [Kind.tr_reg]: register('tr'),
  [Kind.bnd_reg]: register('bnd'),
  [Kind.tmm_reg]: register('tmm'),
  [Kind.tmm_rm]: register('tmm'),
  [Kind.tmm_vvvv]: register('tmm'),
  [Kind.es]: fixed(Register.ES),
  [Kind.cs]: fixed(Register.CS),
  [Kind.ss]: fixed(Register.SS),
  [Kind.ds]: fixed(Register.DS),
  [Kind.fs]: fixed(Register.FS),
  [Kind.gs]: fixed(Register.GS),
  [Kind.al]: fixed(Register.AL),
  [Kind.cl]: fixed(Register.CL),
  [Kind.ax]: fixed(Register.AX),
  [Kind.dx]: fixed(Register.DX),
  [Kind.eax]: fixed(Register.EAX),
  [Kind.rax]: fixed(Register.RAX),
  [Kind.st0]: fixed(Register.ST0, true),
  [Kind.sti_opcode]: register('st'),
  [Kind.imm4_m2z]: immediate(4),
  [Kind.imm8]: immediate(8),
  [Kind.imm8_const_1]: { one: true, optional: true },
  [Kind.imm8sex16]: immediate(8, 16),
  [Kind.imm8sex32]: immediate(8, 32),
  [Kind.imm8sex64]: immediate(8, 64),
  [Kind.imm16]: immediate(16),
  [Kind.imm32]: immediate(32),
  [Kind.imm32sex64]: immediate(32, 64),
  [Kind.imm64]: immediate(64),
  [Kind.seg_rSI]: { string: { register: 'si', extra: false }, optional: true },
  [Kind.es_rDI]: { string: { register: 'di', extra: true }, optional: true },
  [Kind.seg_rDI]: { string: { register: 'di', extra: false }, optional: true },
  [Kind.seg_rBX_al]: { table: true, optional: true },
  [Kind.br16_1]: { branch: 8 },
  [Kind.br32_1]: { branch: 8 },
  [Kind.br64_1]: { branch: 8 },
  [Kind.br16_2]: { branch: 16 },
  [Kind.br32_4]: { branch: 32 },
  [Kind.br64_4]: { branch: 32 },
  [Kind.xbegin_2]: { branch: 16 },
  [Kind.xbegin_4]: { branch: 32 },
  [Kind.brdisp_2]: { branch: 16 },
  [Kind.brdisp_4]: { branch: 32 },
};

const NOTHING: OperandShape = {};

/** What a position of kind `kind` accepts; a shape that accepts nothing for a kind that no instruction of ours has. */
export function shapeOf(kind: Kind): OperandShape {
  return SHAPES[kind] ?? NOTHING;
}

/** True where the register operand of this kind decides the instruction's operand size. */
export function generalSize(kind: Kind): number {
  const shape = shapeOf(kind);
  switch (shape.register) {
    case 'r8': return 8;
    case 'r16': return 16;
    case 'r32': return 32;
    case 'r64': return 64;
    default: break;
  }
  switch (kind) {
    case Kind.al: return 8;
    case Kind.ax: return 16;
    case Kind.eax: return 32;
    case Kind.rax: return 64;
    default: return 0;
  }
}
