/**
 * The face of the emulated CPU: what the rest of `machine/` may rely on.
 * The CPU knows the architecture only; what an operating system does with a fault is `machine/kernel/`.
 */
import type { PagedMemory, WatchedAccess } from '../memory/memory.ts';

/** General registers in x86 encoding order. */
export const GENERAL_REGISTERS = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
] as const;
export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];

/** Exception vectors (SDM 3A table 6-1). */
export const VECTOR = {
  DE: 0, DB: 1, NMI: 2, BP: 3, OF: 4, BR: 5, UD: 6, NM: 7, DF: 8, TS: 10, NP: 11, SS: 12, GP: 13, PF: 14, MF: 16, AC: 17, MC: 18, XM: 19, VE: 20, CP: 21,
} as const;

/** RFLAGS bits. */
export const FLAG = {
  CF: 0x1, PF: 0x4, AF: 0x10, ZF: 0x40, SF: 0x80, TF: 0x100, IF: 0x200, DF: 0x400, OF: 0x800, NT: 0x4000, RF: 0x10000, AC: 0x40000, ID: 0x200000,
} as const;

/** Registers and flags, exact at every exit of {@link Cpu.run}. Values are unsigned 64-bit. */
export interface RegisterFile {
  /** By encoding number 0-15. */
  get(register: number): bigint;
  set(register: number, value: bigint): void;
  rip: bigint;
  /** Materialised: reading computes lazy flags, writing replaces them. Bit 1 always reads 1. */
  rflags: bigint;
  /** xmm0-15 as 16 bytes each, little-endian copy. */
  getXmm(register: number): Uint8Array;
  setXmm(register: number, bytes: Uint8Array): void;
  /** `es cs ss ds fs gs` selectors, by x86 segment number 0-5. */
  getSegment(segment: number): number;
  setSegment(segment: number, selector: number): void;
  /** Linear base of fs (4) and gs (5). */
  getSegmentBase(segment: number): bigint;
  setSegmentBase(segment: number, base: bigint): void;
  /** Control registers 0, 2, 3, 4, 8. */
  getControl(register: number): bigint;
  setControl(register: number, value: bigint): void;
  /** All of it, for checkpoints; `restore` takes only what `save` gave. */
  save(): Uint8Array;
  restore(state: Uint8Array): void;
}

/** What happened at a memory access that faulted. */
export interface FaultAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  /** Linear address of the access's first byte. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
}

/** Why {@link Cpu.run} came back. Registers are exactly those before the instruction at `rip` (REP: after the completed iterations). */
export type CpuExit =
  | { readonly kind: 'limit' }
  | { readonly kind: 'breakpoint' }
  | {
      readonly kind: 'exception';
      readonly vector: number;
      /** Absent where the vector has none. */
      readonly errorCode?: number;
      /** #PF: the value for cr2 (first byte of the access that lies in the faulting page). #MC: linear address of the poisoned byte or line that was read. */
      readonly address?: bigint;
      readonly access?: FaultAccess;
      /** For traps (`int3`, `int n`, `into`, single step) `rip` is already behind the instruction. */
      readonly software?: boolean;
    }
  /** An instruction touched memory that is watched, and has retired. `ip`: where it is. `breakpoint`: the next one has a breakpoint. */
  | { readonly kind: 'watch'; readonly access: WatchedAccess; readonly ip: bigint; readonly breakpoint: boolean }
  | { readonly kind: 'halt' }
  /** An instruction the emulator does not model: its text and bytes, state intact. */
  | { readonly kind: 'unsupported'; readonly text: string; readonly bytes: Uint8Array };

/** What CPUID says and which optional behaviours are on. */
export interface CpuProfile {
  /** Shown in every output. */
  readonly name: string;
  readonly vendor: 'intel' | 'amd';
  /** Lower-case kernel feature names: `erms`, `fsrm`, `rep_good`, `smap`, `smep`, `la57`, `lfence_rdtsc` … */
  readonly features: readonly string[];
  /**
   * Ways of this CPU that are not in the manual, off if absent: `rep-movs-no-ripv` a machine check in the middle of `rep movs` cannot be
   * restarted; `rep-movs-overread` `rep movs` may consume poison in the line behind the copy; `broadcast` machine checks go to all CPUs.
   */
  readonly quirks?: readonly string[];
  /** Set where severity rows name the model. */
  readonly model?: { readonly name: 'skylake-x'; readonly stepping: number };
}

/** Opaque to all but the CPU it comes from. */
export interface CpuState {
  readonly registers: Uint8Array;
  readonly msrs: ReadonlyMap<number, bigint>;
  readonly instructions: bigint;
}

export interface Cpu {
  readonly registers: RegisterFile;
  readonly memory: PagedMemory;
  /** Instructions retired since creation; counted time. A REP string counts one per iteration. */
  readonly instructions: bigint;
  /** Runs at most `limit` instructions (1 to 2^30). A breakpoint at the first instruction does not stop the run that starts on it. */
  run(limit: number): CpuExit;
  /** Replaces the set of breakpoint addresses. */
  setBreakpoints(addresses: Iterable<bigint>): void;
  /** Forgets decoded code (needed only when code bytes were changed by other means than the memory's own `write`). */
  flushCode(): void;
  /** True while non-temporal stores have not been drained by a fence or an exception. */
  readonly pendingNonTemporal: boolean;
  /** Registers, model-specific registers and counted time, for going back to; memory has its own checkpoints. */
  save(): CpuState;
  /** Takes only what `save` of the same CPU gave. */
  restore(state: CpuState): void;
  /** Marks the non-temporal stores drained: exception delivery and iret serialise. */
  drainNonTemporal(): void;
  /** Model-specific registers: a read or write of one not listed raises #GP(0). */
  readonly msrs: Map<number, bigint>;
}
