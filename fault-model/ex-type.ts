/**
 * The handler types by number.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/include/asm/extable_fixup_types.h.
 */

/**
 * EX_TYPE_* numbers of 5.17 and later, with the aliases that only set the immediate left out. Above 0x7f lie the model's own:
 * HANDLER for an entry that names a descriptor, EXT and REFCOUNT for handlers that only existed as functions (4.6 to 5.15).
 */
export const EX_TYPE = {
  NONE: 0, DEFAULT: 1, FAULT: 2, UACCESS: 3, COPY: 4, CLEAR_FS: 5, FPU_RESTORE: 6, BPF: 7, WRMSR: 8, RDMSR: 9,
  WRMSR_SAFE: 10, RDMSR_SAFE: 11, WRMSR_IN_MCE: 12, RDMSR_IN_MCE: 13, DEFAULT_MCE_SAFE: 14, FAULT_MCE_SAFE: 15,
  POP_REG: 16, IMM_REG: 17, FAULT_SGX: 18, UCOPY_LEN: 19, ZEROPAD: 20, ERETU: 21,
  HANDLER: 0x80, EXT: 0x101, REFCOUNT: 0x102,
} as const;

const NAMES = new Map<number, string>([
  ...Object.entries(EX_TYPE).map(([name, number]): [number, string] => [number, `EX_TYPE_${name}`]),
  [EX_TYPE.EXT, 'ex_handler_ext'], [EX_TYPE.REFCOUNT, 'ex_handler_refcount'],
]);

/** `EX_TYPE_DEFAULT_MCE_SAFE`, or `EX_TYPE 77 (unknown)`. */
export function handlerTypeName(type: number): string {
  return NAMES.get(type) ?? `EX_TYPE ${String(type)} (unknown)`;
}

/** The handlers that entries of 4.6 to 5.15 point to, by function name (kernel 4.6 to 5.15 arch/x86/mm/extable.c). */
const NAMED_HANDLERS: ReadonlyMap<string, number> = new Map([
  ['ex_handler_default', EX_TYPE.DEFAULT], ['ex_handler_fault', EX_TYPE.FAULT], ['ex_handler_ext', EX_TYPE.EXT], ['ex_handler_refcount', EX_TYPE.REFCOUNT],
  ['ex_handler_fprestore', EX_TYPE.FPU_RESTORE], ['ex_handler_uaccess', EX_TYPE.UACCESS], ['ex_handler_copy', EX_TYPE.COPY],
  ['ex_handler_rdmsr_unsafe', EX_TYPE.RDMSR], ['ex_handler_wrmsr_unsafe', EX_TYPE.WRMSR], ['ex_handler_clear_fs', EX_TYPE.CLEAR_FS],
  ['ex_handler_sgx', EX_TYPE.FAULT_SGX], ['ex_handler_bpf', EX_TYPE.BPF],
]);

/** The type that does what the kernel function `name` does; undefined if the model knows no such handler. */
export function namedHandler(name: string): number | undefined {
  return NAMED_HANDLERS.get(name);
}
