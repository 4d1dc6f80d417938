/**
 * What many short runs of one routine are to be, and what is known of each afterwards.
 */

export interface ShortRunEntry {
  /** Exact address of the instruction that may fault. */
  readonly insn: bigint;
  readonly fixup: bigint;
  /** Vectors it takes: usually #PF (14), #GP (13) and, for machine-check-safe types, #MC (18). */
  readonly vectors: readonly number[];
  /** What the handler does besides setting rip. Registers are numbers 0-15. */
  readonly clearAx?: boolean;
  readonly clearDx?: boolean;
  /** rax = the vector. */
  readonly vectorInAx?: boolean;
  readonly set?: { readonly register: number; readonly value: bigint };
}

export interface ShortRunPlan {
  readonly entry: bigint;
  /** Where the routine returns to; the CPU's stack must have it. Reaching it ends a run. */
  readonly stop: bigint;
  /** Instructions after which a run counts as endless; 1 to 2^24. */
  readonly budget: number;
  /** Faults after which a run counts as making no progress. */
  readonly maxFaults: number;
  /** Registers that differ from case to case: `base` plus the case's number for it. All others are as the CPU has them now. At most 7. */
  readonly varied: readonly { readonly register: number; readonly base: bigint }[];
  /**
   * The buffer in which cases have faulting pieces, mapped by one call of `map`. `poison`, the default: reading a piece is a machine check.
   * `absent-read`, `absent-write`: reading or writing it is a page fault, as if its bytes were not there.
   */
  readonly poison?: { readonly base: bigint; readonly size: number; readonly as?: 'poison' | 'absent-read' | 'absent-write' };
  /** Ranges that are known to stay unmapped (guards): an access to them is a page fault. At most 8. */
  readonly guards: readonly { readonly base: bigint; readonly size: number }[];
  readonly table: readonly ShortRunEntry[];
  /** Register whose last value is the result's `rax`; default rax itself. */
  readonly returns?: number;
  /** The buffer to judge after each run, mapped by one call of `map`, and what it holds if the routine does all its work. */
  readonly judged?: { readonly base: bigint; readonly expected: Uint8Array };
  /** What {@link ShortRunResult.kept} stands for. */
  readonly verdict?: ShortRunVerdict;
}

/** What a good run has done, beside returning with state and the rest of memory as they were. */
export interface ShortRunVerdict {
  /** `exact`: the bytes done are the case's length less `returns`. `partial`: at least so many. `sum`: `returns` is a checksum (RFC 1071), 0 after a fault. */
  readonly work: 'exact' | 'partial' | 'sum';
  /** What `returns` holds in place of the bytes left: the bytes done or an error from -4095 to -1, or 0 for all and anything else for an error. Errors say nothing of bytes. */
  readonly answer?: 'done' | 'error';
  readonly maxFaults: number;
  readonly maxMachineChecks: number;
  /** Register, 0-15, that has the last fault's vector, or 0. */
  readonly trap?: number;
  /** Bit of `returns` that says whether the last fault was a machine check; it is no part of the number. */
  readonly machineCheckBit?: number;
}

export interface ShortRunCase {
  /** Added to the bases of {@link ShortRunPlan.varied}, in order; -2^31 to 2^31 - 1. */
  readonly values: readonly number[];
  /** First poisoned byte, from the poison buffer's base; `size` bytes, widened to lines by the memory's granule; 0: none. `second`: another byte behind them, likewise. */
  readonly poison?: { readonly offset: number; readonly size: number; readonly second?: number };
  /** The piece of the judged buffer that belongs to this case: expected bytes [0, size) are compared at `offset`. Default: all of it. */
  readonly judged?: { readonly offset: number; readonly from: number; readonly size: number };
  /** For the verdict: the length, and the least number of bytes to be said done after a fault, or done where an error is returned (`sum`: what the sum folds to, -1 for anything). */
  readonly length?: number;
  readonly least?: number;
}

export type ShortRunOutcome = 'returned' | 'unhandled' | 'no-progress' | 'budget' | 'stopped';

export interface ShortRunResult {
  readonly outcome: ShortRunOutcome;
  /** Of {@link ShortRunPlan.returns}. */
  readonly rax: bigint;
  readonly instructions: number;
  readonly faults: number;
  /** Vector of the last fault; 0 if none. */
  readonly vector: number;
  /** Where the first fault was; 0 if none. */
  readonly firstFault: bigint;
  /** Bytes from the judged piece's start that are as expected. */
  readonly done: number;
  /** Whether all judged bytes behind those, and all around the piece, are as they were before. */
  readonly restUntouched: boolean;
  /** Whether rbx rbp r12-r15 are as before, rsp is where a return leaves it, and DF and AC are as before. */
  readonly stateKept: boolean;
  /** Non-temporal stores were not drained. */
  readonly pendingNonTemporal: boolean;
  /** The run has certainly done what the plan's verdict asks for. False says nothing: slow cases have no verdict. */
  readonly kept: boolean;
}
