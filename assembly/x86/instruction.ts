/**
 * Facts about one decoded instruction, without running it: what it touches and how it can fault.
 */

export type AccessKind = 'read' | 'write' | 'read-write' | 'none';

/** One memory access of an instruction, in the order the CPU performs them. */
export interface MemoryAccess {
  readonly kind: Exclude<AccessKind, 'none'>;
  /** Bytes; 0 where it depends on the state (xsave, rep strings count one element). */
  readonly size: number;
  /** AT&T text of the address: `8(%rsi)`, `(%rdi)` for implicit string operands, `-8(%rsp)` for a push. */
  readonly text: string;
  /** Full 64-bit register names the address is made of. */
  readonly base?: string;
  readonly index?: string;
  readonly scale: number;
  readonly displacement: bigint;
  readonly segment: string;
  /** True for accesses through rsp that push, pop, call, ret and the like make by themselves. */
  readonly implicit: boolean;
}

/** Why a vector is possible for an instruction. */
export interface PossibleFault {
  /** Vector number (SDM 3A table 6-1). */
  readonly vector: number;
  /** One sentence: `reads 8(%rsi)`. */
  readonly reason: string;
}

/** One instruction, decoded. Plain data: nothing to free. */
export interface Instruction {
  readonly address: bigint;
  readonly length: number;
  readonly bytes: Uint8Array;
  /** iced-x86 `Code` number and its name, e.g. `Mov_r64_rm64`. */
  readonly code: number;
  readonly codeName: string;
  /** Lower-case mnemonic without suffix: `mov`; `(bad)` for bytes that are no instruction. */
  readonly mnemonic: string;
  /** AT&T text as objdump would print it, symbols resolved if a resolver was given. */
  readonly text: string;
  readonly repeat: 'none' | 'rep' | 'repne';
  readonly lock: boolean;
  readonly accesses: readonly MemoryAccess[];
  /** Full-register names (`rax`, `xmm3`), each once. */
  readonly registersRead: readonly string[];
  readonly registersWritten: readonly string[];
  /** Letters of the flags OF SF ZF AF PF CF DF IF (`OSZAPCDI`) and `a` for AC. Written: what ends up defined, by result or constant. */
  readonly flagsRead: string;
  readonly flagsWritten: string;
  readonly flagsUndefined: string;
  readonly flow: 'next' | 'jump' | 'conditional' | 'call' | 'return' | 'interrupt' | 'indirect-jump' | 'indirect-call' | 'exception' | 'other';
  /** Direct branch target. */
  readonly target?: bigint;
  /** CPUID features it needs, as iced names them. */
  readonly features: readonly string[];
  readonly privileged: boolean;
  readonly faults: readonly PossibleFault[];
}
