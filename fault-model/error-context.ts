/**
 * Where was the CPU when the machine check hit, and can the kernel go on from there?
 * The kernel asks this of the very instruction pointer that was interrupted.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/kernel/cpu/mce/severity.c (error_context, is_copy_from_user).
 */
import { EX_TYPE, handlerTypeName } from './ex-type.ts';
import type { KernelGeneration } from './kernel-generation.ts';
import { MCG_STATUS } from './machine-check.ts';

export interface ErrorContext {
  readonly context: 'USER' | 'KERNEL' | 'KERNEL_RECOV';
  /** The instruction copies from user memory: the page is taken away from the process as well (MCE_IN_KERNEL_COPYIN). */
  readonly copyin: boolean;
  /** One sentence, for people. */
  readonly because: string;
}

/** What {@link errorContext} needs to know of the interrupted instruction. */
export interface InterruptedInstruction {
  readonly cs: number;
  readonly mcgStatus: bigint;
  /** EX_TYPE_* of the exception-table entry for exactly this ip; undefined if there is none. */
  readonly entryType: number | undefined;
  /** The instruction reads user memory by one of the opcodes the kernel knows ({@link isCopyOpcode}). */
  readonly copiesFromUser: boolean;
}

/**
 * The opcodes the kernel decodes as "this reads memory a user pointer names": MOV r,m (8A, 8B), MOVZX (0F B6, 0F B7) and MOVS (A4, A5).
 * Anything else that reads user memory (ALU operations, CMPXCHG, MOVSX, LODS, SSE …) is not recognised, and so not recoverable by this rule.
 * `opcode` is the opcode byte, or 0x0F00 | byte for the two-byte map.
 */
export function isCopyOpcode(opcode: number): boolean {
  return [0x8a, 0x8b, 0xa4, 0xa5, 0x0fb6, 0x0fb7].includes(opcode);
}

const MCE_SAFE_TYPES: readonly number[] = [EX_TYPE.DEFAULT_MCE_SAFE, EX_TYPE.FAULT_MCE_SAFE];

/** The context of a machine check, as `generation` computes it. */
export function errorContext(at: InterruptedInstruction, generation: KernelGeneration): ErrorContext {
  if ((at.cs & 3) === 3) return { context: 'USER', copyin: false, because: 'user code was interrupted' };
  const valid = MCG_STATUS.RIPV | MCG_STATUS.EIPV;
  if ((at.mcgStatus & valid) !== valid) {
    return { context: 'KERNEL', copyin: false, because: 'MCG_STATUS has RIPV or EIPV clear: the saved ip is not the failing instruction, or cannot be resumed' };
  }
  return kernelContext(at.entryType, at.copiesFromUser, generation);
}

function kernelContext(type: number | undefined, copiesFromUser: boolean, generation: KernelGeneration): ErrorContext {
  const kernel = (because: string): ErrorContext => ({ context: 'KERNEL', copyin: false, because });
  const recoverable = (because: string, copyin = false): ErrorContext => ({ context: 'KERNEL_RECOV', copyin, because });
  const typeName = type === undefined ? '' : handlerTypeName(type);
  const rule = generation.contextRule;
  if (rule === 'any-copy-from-user' && copiesFromUser) {
    const entry = type === undefined ? '; that this ip has no entry is found out only when the error is acted upon' : ', and has an entry';
    return recoverable(`the instruction is a MOV, MOVZX or MOVS that reads user memory${entry}`, true);
  }
  if (type === undefined) return kernel('this ip has no exception-table entry');
  // Descriptors and the tables of the 2015 patches say themselves which vectors they take, whatever the kernel.
  if (type === EX_TYPE.HANDLER) return recoverable('the entry names a descriptor that takes machine checks');
  if (rule === 'none') {
    return MCE_SAFE_TYPES.includes(type)
      ? recoverable('the table of machine-check entries has one for this ip')
      : kernel('this kernel does not recover from machine checks in its own code');
  }
  if (MCE_SAFE_TYPES.includes(type)) return recoverable(`the entry for this ip is ${typeName}`);
  const takesTrapNumber = type === EX_TYPE.FAULT && generation.typeNumbers.size === 0;
  if (takesTrapNumber) return recoverable('the entry\'s handler takes a trap number (ex_handler_fault)');
  if (rule === 'typed-copy-from-user' && copiesFromUser && (type === EX_TYPE.UACCESS || type === EX_TYPE.COPY)) {
    return recoverable(`${typeName} entry, and the instruction reads user memory`, true);
  }
  return kernel(rule === 'fault-handler'
    ? `the entry's handler is not one that takes a trap number (${typeName})`
    : `the entry for this ip is ${typeName}, which does not promise to survive a machine check`);
}

/** What can be said about an entry before it runs. */
export interface Recoverability {
  readonly recoverable: 'yes' | 'no' | 'if the address is a user address';
  /** One sentence. */
  readonly because: string;
}

/**
 * Whether a machine check on a memory-reading instruction with an entry of `entryType` is recoverable, from the source alone.
 * `opcode` as in {@link isCopyOpcode}; undefined if the instruction is unknown.
 */
export function recoverability(entryType: number, opcode: number | undefined, generation: KernelGeneration): Recoverability {
  const kernelSource = kernelContext(entryType, false, generation);
  if (kernelSource.context === 'KERNEL_RECOV') return { recoverable: 'yes', because: kernelSource.because };
  if (opcode !== undefined && isCopyOpcode(opcode)) {
    const userSource = kernelContext(entryType, true, generation);
    if (userSource.context === 'KERNEL_RECOV') return { recoverable: 'if the address is a user address', because: userSource.because };
  }
  return { recoverable: 'no', because: kernelSource.because };
}
