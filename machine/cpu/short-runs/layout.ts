/**
 * Where the driver of short runs and its surroundings leave things for each other.
 */
import type { ShortRunPlan } from './plan.ts';

/** Fields of the control block, and what STATUS can be. */
export const CONTROL = {
  INDEX: 0, COUNT: 4, STATUS: 8, LEFT: 12, FAULTS: 16, VECTOR: 20, FIRST_FAULT: 24, DIRTY: 32, MACHINE_CHECKS: 36,
  /** Frame and copy, 4 bytes each. */
  DIRTY_LIST: 64,
  DONE: 0, SERVICE: 1, SLOW: 2,
} as const;
/** Values of the varied registers (4 bytes each), then poison, judged piece, and what the verdict compares with. */
export const CASE = { SIZE: 72, POISON_FROM: 28, POISON_TO: 32, JUDGED_AT: 36, JUDGED_FROM: 40, JUDGED_SIZE: 44, LENGTH: 48, LEAST: 56, GAP_FROM: 60, GAP_TO: 64 } as const;
export const RESULT = {
  SIZE: 40, RAX: 0, FIRST_FAULT: 8, OUTCOME: 16, INSTRUCTIONS: 20, FAULTS: 24, VECTOR: 28, DONE: 32, CHECKS: 36,
  UNTOUCHED: 1, KEPT: 2, PENDING_NT: 4, ALL: 8,
} as const;
export const TABLE_ENTRY = { SIZE: 40, INSN: 0, FIXUP: 8, VALUE: 16, VECTORS: 24, EFFECT: 28, REGISTER: 32, HITS: 36 } as const;
export const ENTRY_EFFECT = { CLEAR_AX: 1, CLEAR_DX: 2, VECTOR_IN_AX: 4, SET: 8 } as const;
export const OUTCOME = { RETURNED: 0, UNHANDLED: 1, NO_PROGRESS: 2, BUDGET: 3 } as const;

/** Which function of the driver's module compares bytes. */
export const EQUAL = 1;

export interface DriverLayout {
  /** Addresses in the arena. */
  readonly control: number;
  readonly snapshot: number;
  readonly cases: number;
  readonly results: number;
  readonly table: number;
  readonly expected: number;
  readonly baseline: number;
  readonly judged: number;
  readonly poisonHost: number;
  /** How many table entries. */
  readonly entries: number;
  readonly judgedSize: number;
  /** The poison buffer is in user pages; CR4.SMAP; the routine runs in ring 3. */
  readonly poisonUser: boolean;
  /** What the cases' pieces of the poison buffer are. */
  readonly piece: FaultingPiece;
  readonly judgedUser: boolean;
  readonly smap: boolean;
  readonly user: boolean;
  readonly plan: ShortRunPlan;
  readonly calleeSaved: readonly number[];
  /** Where the interpreter's `run` is in the table. */
  readonly runIndex: number;
}

/** Pieces of the poison buffer: the access that faults there, and with which vector. */
export interface FaultingPiece {
  readonly access: number;
  readonly vector: number;
}

/** User addresses: under SMAP with AC clear a kernel does not consult its table for page faults there. */
export function isUserHalf(address: bigint): boolean {
  return BigInt.asIntN(64, address) >= 0n;
}
