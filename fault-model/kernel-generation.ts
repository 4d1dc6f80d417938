/**
 * The kernels whose rules the model knows. A generation is a stretch of versions with the same fault policy;
 * it is named by the version people run, and every rule that differs between kernels is looked up here.
 */

/** How `error_context` decides whether a machine check in the kernel is recoverable (see error-context.ts). */
export type ContextRule =
  /** <= 4.5: no recovery in kernel code at all. */
  | 'none'
  /** 4.6-5.9: the entry's handler is one of those that take a trap number (`ex_has_fault_handler`). */
  | 'fault-handler'
  /** 5.10-6.14 as released: *_MCE_SAFE entries; UACCESS and COPY entries if the instruction reads user memory. */
  | 'typed-copy-from-user'
  /** 6.15, and backports in the stable series: an instruction that reads user memory, whatever the entry's type; *_MCE_SAFE entries. */
  | 'any-copy-from-user';

export interface KernelGeneration {
  /** What the user writes: `6.12`. */
  readonly id: string;
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
}

/** Newest first; the first is the default. Sources: kernel 6.12.117 and 6.1.192 arch/x86/kernel/cpu/mce/severity.c, arch/x86/mm/extable.c. */
export const KERNEL_GENERATIONS: readonly KernelGeneration[] = [
  {
    id: '6.12', covers: '6.9 and later (as in Debian 6.12.117)', contextRule: 'any-copy-from-user',
    hasCopyType: false, quietUaccessGp: true, seamRows: true, uncorrectedInKernelRow: true,
  },
  {
    id: '6.1', covers: '5.17 to 6.8 (as in Debian 6.1.192)', contextRule: 'any-copy-from-user',
    hasCopyType: true, quietUaccessGp: false, seamRows: false, uncorrectedInKernelRow: false,
  },
];

/** The generation named `id`; undefined if the model does not know it. */
export function kernelGeneration(id: string): KernelGeneration | undefined {
  return KERNEL_GENERATIONS.find((generation) => generation.id === id);
}

export const DEFAULT_KERNEL_GENERATION = KERNEL_GENERATIONS[0]!;
