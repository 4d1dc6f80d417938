/**
 * What to run: a scenario, complete and plain. launch.json, the CLI's flags, a comment directive and zero-config inference all end in one of these.
 */
import type { ErrorDescription } from '../../fault-model/error-description.ts';
import type { CpuProfile, GeneralRegister } from '../cpu/cpu.ts';
import type { PagePermissions, PoisonGranule } from '../memory/memory.ts';

export type ContractKind = 'copy' | 'copy-partial' | 'clear' | 'get' | 'put' | 'csum' | 'probe' | 'custom' | 'none';

/**
 * `left`: bytes not done. `done`: bytes done, or an error (-4095 to -1). `end`: the address behind the last byte done. `error`: 0 if everything is done, else anything but 0.
 */
export const CONTRACT_ANSWERS = ['left', 'done', 'end', 'error'] as const;
export type ContractAnswer = (typeof CONTRACT_ANSWERS)[number];

/** What a routine promises, and in which registers it takes and gives what. */
export interface Contract {
  readonly kind: ContractKind;
  /** Role (`dst`, `src`, `n`, `value` …) to the register that carries it. */
  readonly arguments: Readonly<Record<string, GeneralRegister>>;
  /** Register that returns the bytes not done, the error, or the value. */
  readonly returns?: GeneralRegister;
  /** What `returns` says of a copy or clear. */
  readonly answer?: ContractAnswer;
  /** Register that returns the number of the last exception, 0 if there was none. */
  readonly trap?: GeneralRegister;
  /** Bit of `returns` that says whether the last exception was a machine check; it is no part of the number. */
  readonly machineCheckBit?: number;
  /** Registers that it may change although the C calling convention keeps them. */
  readonly clobbers?: readonly GeneralRegister[];
  /** What else is promised, by name: expressions of expression.ts. */
  readonly promises?: Readonly<Record<string, string>>;
  /** Roles that are user pointers. */
  readonly user: readonly string[];
  /** The length is a 32-bit number: the upper half of its register means nothing. */
  readonly shortLength?: boolean;
  /** Where it comes from, for people: `comment directive at copy.S:12`, `the name copy_mc_*`, `launch configuration`. */
  readonly origin: string;
}

/** A stretch of guest memory made for the run, with unmapped guard pages around it. */
export interface Buffer {
  readonly name: string;
  /** Linear address of the first byte. */
  readonly address: bigint;
  /** Bytes the routine may know of; the pages around are mapped and watched. */
  readonly size: number;
  readonly permissions: PagePermissions;
  /** Initial contents, `size` bytes. */
  readonly bytes: Uint8Array;
}

export interface MemoryRange {
  readonly address: bigint;
  readonly size: number;
  /** As it was asked for: `src+64`. */
  readonly text: string;
}

export type PoisonRange = MemoryRange;

/** The `execution`-th time, from 1, that the instruction at `address` is about to execute, it faults with `vector` and does not execute. */
export interface Injection {
  readonly address: bigint;
  readonly execution: number;
  readonly vector: number;
}

/** Where a debugger is to stop first: at the delivery of an exception, counted from 1, or before an execution of an instruction. */
export type StopPlace = ({ readonly exception: number } | { readonly address: bigint; readonly execution: number }) & { readonly why?: string };

export interface Scenario {
  readonly name: string;
  /** Symbol the run starts at, and its linked address. */
  readonly entry: { readonly name: string; readonly address: bigint };
  /** Initial general registers; those not named are filled with a recognisable value each. */
  readonly registers: ReadonlyMap<GeneralRegister, bigint>;
  readonly buffers: readonly Buffer[];
  readonly poison: readonly PoisonRange[];
  readonly poisonGranule: PoisonGranule;
  /** Bytes that are not there although their pages are: page faults below the granularity of pages. */
  readonly absent?: readonly MemoryRange[];
  /** A fault that nothing in memory explains. */
  readonly injection?: Injection;
  readonly cpu: CpuProfile;
  /** Model-specific registers that exist besides those every processor has, with their values at the start. */
  readonly msrs?: ReadonlyMap<number, bigint>;
  /** Kernel whose rules handle faults, e.g. `6.12`. */
  readonly kernelGeneration: string;
  readonly contract?: Contract;
  /** The caller has opened access to user memory: AC is set at entry. */
  readonly userAccess: boolean;
  /** What machine checks report, where it is not what the CPU would report by itself. */
  readonly machineCheck?: ErrorDescription;
  readonly stopAt?: StopPlace;
  /** Instructions after which the run is given up. */
  readonly budget: bigint;
  /** What was assumed rather than said, one sentence each, to be printed. */
  readonly assumptions: readonly string[];
}
