/**
 * The kernels whose rules the model knows. A generation is a stretch of versions with the same fault policy;
 * it is named by a version people run, and every rule that differs between kernels is looked up here.
 */
import { EX_TYPE } from './ex-type.ts';

/** How `error_context` decides whether a machine check in the kernel is recoverable (see error-context.ts). */
export type ContextRule =
  /** <= 4.5: no recovery in kernel code at all, but for a second table of the 2015 patches that only machine checks search. */
  | 'none'
  /** 4.6-5.9: the entry's handler is one of those that take a trap number (`ex_has_fault_handler`). */
  | 'fault-handler'
  /** 5.10-6.14 as released: *_MCE_SAFE entries (before 5.16: FAULT entries); UACCESS and COPY entries if the instruction reads user memory. */
  | 'typed-copy-from-user'
  /** 6.15, and backports in the stable series: an instruction that reads user memory, whatever the entry's type, entry or not; *_MCE_SAFE entries. */
  | 'any-copy-from-user';

export interface KernelGeneration {
  /** What the user writes: `6.12`. */
  readonly id: string;
  /** The first version it stands for: major and minor number. */
  readonly since: readonly [number, number];
  /** The versions it stands for, for people. */
  readonly covers: string;
  readonly contextRule: ContextRule;
  /** EX_TYPE_COPY and `_ASM_EXTABLE_CPY` exist (removed in 6.9). */
  readonly hasCopyType: boolean;
  /** The UACCESS handler warns about a #GP only if the address is far from user space (6.9 and later; before, at any #GP). */
  readonly quietUaccessGp: boolean;
  /** Rows that severity.c has only in newer kernels. */
  readonly seamRows: boolean;
  /** "Uncorrected in kernel" is a row of the table; before, code behind it did the same. */
  readonly uncorrectedInKernelRow: boolean;
  /** Answers the first recoverable machine check of a CPU that over-reads in `rep movs` by turning fast strings off (5.18 and later: quirk_skylake_repmov). */
  readonly turnsFastStringsOff: boolean;
  /** The number in an entry's third word, by EX_TYPE_* of our model; empty for kernels whose entries have no type. */
  readonly typeNumbers: ReadonlyMap<number, number>;
}

/** Numbers 1 to `last`, with those in `without` left out: the numbering since 5.17 has not changed, it only grew. */
function numbering(last: number, without: readonly number[] = []): ReadonlyMap<number, number> {
  return new Map(Array.from({ length: last }, (_, index) => index + 1).filter((type) => !without.includes(type)).map((type) => [type, type]));
}

/** 5.16 numbered its types otherwise (kernel 5.16 arch/x86/include/asm/extable_fixup_types.h). */
const NUMBERS_5_16: ReadonlyMap<number, number> = new Map([
  [1, EX_TYPE.DEFAULT], [2, EX_TYPE.FAULT], [3, EX_TYPE.UACCESS], [4, EX_TYPE.COPY], [5, EX_TYPE.CLEAR_FS], [6, EX_TYPE.FPU_RESTORE], [7, EX_TYPE.WRMSR],
  [8, EX_TYPE.RDMSR], [9, EX_TYPE.BPF], [10, EX_TYPE.WRMSR_IN_MCE], [11, EX_TYPE.RDMSR_IN_MCE], [12, EX_TYPE.DEFAULT_MCE_SAFE], [13, EX_TYPE.FAULT_MCE_SAFE],
]);

const OLDER = { hasCopyType: true, turnsFastStringsOff: false, quietUaccessGp: false, seamRows: false, uncorrectedInKernelRow: false } as const;

/** Newest first; the first is the default. Sources: kernel 6.12.117 and 6.1.192 arch/x86/kernel/cpu/mce/severity.c, arch/x86/mm/extable.c; history in the commits named in error-context.ts. */
export const KERNEL_GENERATIONS: readonly KernelGeneration[] = [
  {
    id: '6.12', since: [6, 9], covers: '6.9 and later (as in Debian 6.12.117)', contextRule: 'any-copy-from-user',
    hasCopyType: false, quietUaccessGp: true, turnsFastStringsOff: true, seamRows: true, uncorrectedInKernelRow: true, typeNumbers: numbering(EX_TYPE.ERETU, [EX_TYPE.COPY]),
  },
  { ...OLDER, id: '6.1', since: [5, 17], covers: '5.17 to 6.8 (as in Debian 6.1.192)', contextRule: 'any-copy-from-user', turnsFastStringsOff: true, typeNumbers: numbering(EX_TYPE.ZEROPAD) },
  { ...OLDER, id: '5.16', since: [5, 16], covers: '5.16', contextRule: 'typed-copy-from-user', typeNumbers: NUMBERS_5_16 },
  { ...OLDER, id: '5.10', since: [5, 10], covers: '5.10 to 5.15', contextRule: 'typed-copy-from-user', typeNumbers: new Map() },
  { ...OLDER, id: '4.6', since: [4, 6], covers: '4.6 to 5.9', contextRule: 'fault-handler', hasCopyType: false, typeNumbers: new Map() },
  { ...OLDER, id: '4.4', since: [0, 0], covers: '4.5 and earlier, and the patches of 2015', contextRule: 'none', hasCopyType: false, typeNumbers: new Map() },
];

/** The generation named `id`; undefined if the model does not know it. */
export function kernelGeneration(id: string): KernelGeneration | undefined {
  return KERNEL_GENERATIONS.find((generation) => generation.id === id);
}

export const DEFAULT_KERNEL_GENERATION = KERNEL_GENERATIONS[0]!;

/** The model's EX_TYPE_* for the number `inTable` of an entry's third word; undefined if this kernel has no such type (it would BUG()). */
export function entryType(inTable: number, generation: KernelGeneration): number | undefined {
  if (inTable === EX_TYPE.HANDLER) return EX_TYPE.HANDLER;
  return generation.typeNumbers.get(inTable);
}
