/**
 * The C functions behind the handler types, as kernels declare them.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/mm/extable.c; for 4.6 to 5.15 the one signature that all handlers had, later with error
 * code and address.
 */
import { EX_TYPE } from './ex-type.ts';
import type { KernelGeneration } from './kernel-generation.ts';

const TRAP = 'int trapnr';
const ADDRESS = 'unsigned long fault_address';
const MSR = { name: 'ex_handler_msr', parameters: ['bool wrmsr', 'bool safe', 'int reg'] } as const;

interface Handler {
  readonly name: string;
  /** Behind the entry and the registers. */
  readonly parameters: readonly string[];
  /** Also takes the address since 6.9. */
  readonly addressed?: true;
}

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [EX_TYPE.DEFAULT, { name: 'ex_handler_default', parameters: [] }], [EX_TYPE.DEFAULT_MCE_SAFE, { name: 'ex_handler_default', parameters: [] }],
  [EX_TYPE.FAULT, { name: 'ex_handler_fault', parameters: [TRAP] }], [EX_TYPE.FAULT_MCE_SAFE, { name: 'ex_handler_fault', parameters: [TRAP] }],
  [EX_TYPE.UACCESS, { name: 'ex_handler_uaccess', parameters: [TRAP], addressed: true }], [EX_TYPE.COPY, { name: 'ex_handler_copy', parameters: [TRAP] }],
  [EX_TYPE.CLEAR_FS, { name: 'ex_handler_clear_fs', parameters: [] }], [EX_TYPE.FPU_RESTORE, { name: 'ex_handler_fprestore', parameters: [] }], [EX_TYPE.BPF, { name: 'ex_handler_bpf', parameters: [] }],
  [EX_TYPE.WRMSR, MSR], [EX_TYPE.RDMSR, MSR], [EX_TYPE.WRMSR_SAFE, MSR], [EX_TYPE.RDMSR_SAFE, MSR],
  [EX_TYPE.IMM_REG, { name: 'ex_handler_imm_reg', parameters: ['int reg', 'int imm'] }], [EX_TYPE.FAULT_SGX, { name: 'ex_handler_sgx', parameters: [TRAP] }],
  [EX_TYPE.UCOPY_LEN, { name: 'ex_handler_ucopy_len', parameters: [TRAP, 'int reg', 'int imm'], addressed: true }],
  [EX_TYPE.ZEROPAD, { name: 'ex_handler_zeropad', parameters: ['unsigned long fault_addr'] }], [EX_TYPE.ERETU, { name: 'ex_handler_eretu', parameters: ['unsigned long error_code'] }],
  [EX_TYPE.EXT, { name: 'ex_handler_ext', parameters: [] }], [EX_TYPE.REFCOUNT, { name: 'ex_handler_refcount', parameters: [] }],
]);

/** What every handler function of those years took, whether it looked at it or not. */
const POINTED_TO = ['int trapnr', 'unsigned long error_code', 'unsigned long fault_addr'];

/** The function that runs for entries of `type`; undefined where the kernel has none of its own (a case of a switch, no handlers yet). */
export function handlerPrototype(type: number, { id }: KernelGeneration): string | undefined {
  const handler = HANDLERS.get(type);
  if (handler === undefined || id === '4.4') return undefined;
  const byPointer = id === '5.10' || id === '4.6';
  const extra = byPointer ? (id === '5.10' ? POINTED_TO : ['int trapnr']) : handler.addressed === true && id === '6.12' ? [handler.parameters[0]!, ADDRESS, ...handler.parameters.slice(1)] : handler.parameters;
  return `bool ${handler.name}(${['const struct exception_table_entry *e', 'struct pt_regs *regs', ...extra].join(', ')})`;
}
