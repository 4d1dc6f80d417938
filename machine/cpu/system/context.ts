/** What an instruction executed in TypeScript sees of the processor. */
import type { Instruction } from 'iced-x86';
import type { MemoryFault } from '../../memory/access.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { CpuExit, CpuProfile, FaultAccess } from '../cpu.ts';
import type { State } from '../state.ts';

/** Ends the instruction with an exception; nothing of it may have been written. `errorCode` undefined: the vector has none. */
export class SystemFault extends Error {
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** Set for faults of memory accesses. */
  readonly memory: { readonly fault: MemoryFault; readonly access: FaultAccess } | undefined;

  constructor(vector: number, errorCode?: number, memory?: SystemFault['memory']) {
    super(`exception ${String(vector)}`);
    this.vector = vector;
    this.errorCode = errorCode;
    this.memory = memory;
  }
}

/** Ends the run before the instruction: what it would do here is not modelled. */
export class NotModelled extends Error {}

export interface SystemContext {
  readonly state: State;
  readonly memory: GuestMemory;
  readonly profile: CpuProfile;
  readonly msrs: Map<number, bigint>;
  /** Counted time: instructions retired before this one. */
  readonly instructions: bigint;
  /** Reads memory as the processor does, with all its checks; `anyAlignment`: without alignment checks even where they are on. */
  load(address: bigint, size: number, anyAlignment?: boolean): Uint8Array;
  /** Writes memory as the processor does. */
  store(address: bigint, bytes: Uint8Array, anyAlignment?: boolean): void;
  /** Checks a write without making it. */
  checkStore(address: bigint, size: number, anyAlignment?: boolean): void;
  /** Checks that memory could be read, poison aside. */
  checkPresent(address: bigint, size: number): void;
  /** Linear address of the instruction's memory operand, segment base included. */
  address(instruction: Instruction): bigint;
  /** To be called after privilege level, CR0, CR4, or EFLAGS.AC changed: what was cached under the old rules is forgotten. */
  modeChanged(): void;
}

/** Runs one instruction. An exit it returns ends the run; the instruction counts as executed. */
export type SystemInstruction = (cpu: SystemContext, instruction: Instruction) => CpuExit | undefined;
