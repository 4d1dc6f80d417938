/**
 * The data word of an exception-table entry in the kernel's own words.
 * Source: kernel 6.12 arch/x86/include/asm/extable_fixup_types.h.
 */
import { EX_TYPE, handlerTypeName } from './ex-type.ts';

/** The fields of a data word (layouts `type` and `data`). */
export interface EntryData {
  readonly type: number;
  readonly register: number;
  readonly flags: number;
  readonly immediate: number;
}

const REGISTERS = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'];
const FLAGS = [[1, 'EX_FLAG_CLEAR_AX'], [2, 'EX_FLAG_CLEAR_DX']] as const;
/** Types whose handler looks at the register field. */
const USES_REGISTER: readonly number[] = [EX_TYPE.WRMSR_SAFE, EX_TYPE.RDMSR_SAFE, EX_TYPE.POP_REG, EX_TYPE.IMM_REG, EX_TYPE.UCOPY_LEN];

/** `EX_TYPE_UACCESS|EX_FLAG_CLEAR_AX`, `EX_TYPE_IMM_REG|EX_REG_AX|EX_IMM(-14)`; unknown types and flags are named by number. */
export function entryTypeText({ type, register, flags, immediate }: EntryData): string {
  const parts = [handlerTypeName(type)];
  let unknown = flags;
  for (const [bit, name] of FLAGS) {
    if ((flags & bit) === 0) continue;
    parts.push(name);
    unknown &= ~bit;
  }
  if (unknown !== 0) parts.push(`EX_FLAG(${String(unknown)})`);
  if (USES_REGISTER.includes(type) || register !== 0) parts.push(`EX_REG_${REGISTERS[register] ?? String(register)}`);
  if (immediate !== 0 || type === EX_TYPE.IMM_REG) parts.push(`EX_IMM(${String(immediate)})`);
  return parts.join('|');
}
