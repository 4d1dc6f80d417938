/**
 * For each handler type a fault that it handles in its own way: what is run, and what is then different.
 */
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import { KERNEL_GENERATIONS } from '../../fault-model/kernel-generation.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';

export type TypeName = keyof typeof EX_TYPE;

interface TypeCase {
  /** Default: a load from a page that is not there. */
  readonly instruction?: string;
  /** In front of it. */
  readonly before?: string;
  /** Fields of the data word beside the type. */
  readonly fields?: string;
  /** The landing-pad word in place of a landing pad. */
  readonly word?: string;
  readonly config?: Partial<LaunchConfig>;
  /** Registers afterwards, and how many warnings the kernel logs; or what it dies of. */
  readonly outcome: { readonly registers: Readonly<Record<string, bigint>>; readonly warnings?: number } | { readonly dies: string };
}

const NOT_THERE = { buffers: { src: { access: 'none' as const } } };
const MSR = { before: 'movl $0xdead, %ecx ; xorl %eax, %eax ; xorl %edx, %edx', config: {} };
const EIO = 0xffff_ffff_ffff_fffbn;

/** By the type's name; `NONE` is what the kernel has no handler for. */
export const TYPE_CASES: Readonly<Record<Exclude<TypeName, 'HANDLER'>, TypeCase>> = {
  // Others beside it, or nothing would say what its words are: type 0 never stands in a table.
  NONE: { instruction: 'movq (%rsi), %rax ; _ASM_EXTABLE_UA(.Lpad, .Lpad) ; _ASM_EXTABLE_UA(.Lpad, .Lpad)', outcome: { dies: 'EX_TYPE_NONE is not a handler of this kernel' } },
  DEFAULT: { before: 'movl $1, %eax', outcome: { registers: { rax: 1n } } },
  FAULT: { outcome: { registers: { rax: 14n } } },
  UACCESS: { before: 'movl $1, %eax', outcome: { registers: { rax: 1n } } },
  COPY: { outcome: { registers: { rax: 14n } } },
  CLEAR_FS: { before: 'movl $0xf000, %ecx', instruction: 'movw %cx, %fs', config: {}, outcome: { registers: { rcx: 0xf000n } } },
  FPU_RESTORE: { instruction: 'fxrstor (%rsi)', outcome: { registers: {}, warnings: 1 } },
  // ax is at offset 80 of pt_regs; the load is 3 bytes long.
  BPF: { word: '80 * 256 + 3', outcome: { registers: { rax: 0n } } },
  WRMSR: { ...MSR, instruction: 'wrmsr', outcome: { registers: { rcx: 0xdeadn }, warnings: 1 } },
  RDMSR: { ...MSR, before: 'movl $0xdead, %ecx', instruction: 'rdmsr', outcome: { registers: { rax: 0n, rdx: 0n }, warnings: 1 } },
  WRMSR_SAFE: { ...MSR, instruction: 'wrmsr', fields: '| EX_DATA_REG(8)', outcome: { registers: { r8: EIO } } },
  RDMSR_SAFE: { ...MSR, before: 'movl $0xdead, %ecx', instruction: 'rdmsr', fields: '| EX_DATA_REG(8)', outcome: { registers: { rax: 0n, rdx: 0n, r8: EIO } } },
  WRMSR_IN_MCE: { ...MSR, instruction: 'wrmsr', outcome: { dies: 'the kernel panics' } },
  RDMSR_IN_MCE: { ...MSR, instruction: 'rdmsr', outcome: { dies: 'the kernel panics' } },
  DEFAULT_MCE_SAFE: { before: 'movl $1, %eax', config: { poison: 'src' }, outcome: { registers: { rax: 1n } } },
  FAULT_MCE_SAFE: { config: { poison: 'src' }, outcome: { registers: { rax: 18n } } },
  // What was pushed is off the stack again, or the routine would not return.
  POP_REG: { before: 'pushq %rcx', fields: '| EX_DATA_REG(3) | EX_DATA_IMM(5)', outcome: { registers: { rbx: 5n } } },
  IMM_REG: { fields: '| EX_DATA_REG(0) | EX_DATA_IMM(-14)', outcome: { registers: { rax: 0xffff_ffff_ffff_fff2n } } },
  FAULT_SGX: { outcome: { registers: { rax: 0x4000_000en } } },
  UCOPY_LEN: { before: 'movl $3, %ecx ; movl $4, %edx', fields: '| EX_DATA_REG(2) | EX_DATA_IMM(8)', outcome: { registers: { rcx: 28n } } },
  // Four bytes in front of the page end; the landing pad is the next instruction.
  ZEROPAD: { config: { buffers: { src: { size: 4, offset: 4092 } } }, outcome: { registers: { rax: 0x0403_0201n } } },
  ERETU: { outcome: { dies: 'FRED' } },
  EXT: { before: 'movl $1, %eax', outcome: { registers: { rax: 1n } } },
  REFCOUNT: { config: { ...NOT_THERE, arguments: { rcx: 'dst' } }, outcome: { registers: {}, warnings: 1 } },
};

export interface EntryTypeCase {
  readonly generation: string;
  readonly type: TypeName;
  /** What the entry's third word says: a number, or the name of a handler. */
  readonly written: string;
  readonly run: TypeCase;
}

/** Handlers as kernels without numbers call them (kernel 4.6 to 5.15 arch/x86/mm/extable.c); not every version has each. */
const FUNCTIONS: Readonly<Record<string, Readonly<Partial<Record<TypeName, string>>>>> = {
  '5.10': {
    DEFAULT: 'ex_handler_default', FAULT: 'ex_handler_fault', UACCESS: 'ex_handler_uaccess', COPY: 'ex_handler_copy', FPU_RESTORE: 'ex_handler_fprestore',
    RDMSR: 'ex_handler_rdmsr_unsafe', WRMSR: 'ex_handler_wrmsr_unsafe', CLEAR_FS: 'ex_handler_clear_fs', FAULT_SGX: 'ex_handler_sgx', BPF: 'ex_handler_bpf',
  },
  '4.6': {
    DEFAULT: 'ex_handler_default', FAULT: 'ex_handler_fault', EXT: 'ex_handler_ext', REFCOUNT: 'ex_handler_refcount', UACCESS: 'ex_handler_uaccess',
    FPU_RESTORE: 'ex_handler_fprestore', RDMSR: 'ex_handler_rdmsr_unsafe', WRMSR: 'ex_handler_wrmsr_unsafe', CLEAR_FS: 'ex_handler_clear_fs',
  },
};

const NAMES = new Map<number, TypeName>(Object.entries(EX_TYPE).map(([name, type]) => [type, name as TypeName]));
const caseOf = (type: TypeName): TypeCase => TYPE_CASES[type as Exclude<TypeName, 'HANDLER'>];

/** Every type of every kernel that has types or handlers. */
export const ENTRY_TYPE_CASES: readonly EntryTypeCase[] = KERNEL_GENERATIONS.flatMap(({ id, typeNumbers }): EntryTypeCase[] => {
  const numbered = [...typeNumbers].map(([number, type]) => ({ generation: id, type: NAMES.get(type)!, written: String(number) }));
  const named = Object.entries(FUNCTIONS[id] ?? {}).map(([type, written]) => ({ generation: id, type: type as TypeName, written }));
  const none = ['6.12', '6.1'].includes(id) ? [{ generation: id, type: 'NONE' as const, written: '0' }] : [];
  return [...none, ...numbered, ...named].map((one) => ({ ...one, run: caseOf(one.type) }));
});

/** The routine of a case. The landing pad is the next instruction. */
export function sourceOf({ generation, written, run: { instruction = 'movq (%rsi), %rax', before = '', fields = '', word } }: EntryTypeCase): string {
  const third = /^\d/.test(written) ? `${written} ${fields}` : `${written} - .`;
  const entry = word !== undefined ? `.pushsection "__ex_table","a" ; .balign 4 ; .long .Lfault - ., ${word}, ${third} ; .popsection`
    : generation === '5.10' || generation === '4.6' ? `_ASM_EXTABLE_HANDLE(.Lfault, .Lpad, ${written})` : `_ASM_EXTABLE_TYPE(.Lfault, .Lpad, ${third})`;
  return `SYM_FUNC_START(routine)\n${before}\n.Lfault: ${instruction}\n.Lpad: RET\n${entry}\nSYM_FUNC_END(routine)`.replaceAll('SYM_FUNC_START(routine)', '.globl routine ; .type routine, @function ; routine:')
    .replace('SYM_FUNC_END(routine)', '.size routine, . - routine');
}

/** The configuration of a case. */
export function configOf({ generation, run: { config } }: EntryTypeCase): Partial<LaunchConfig> {
  return { kernelGeneration: generation as NonNullable<LaunchConfig['kernelGeneration']>, ...(config ?? NOT_THERE) };
}
