/**
 * The machine: CPU, memory and emulated kernel as one thing that runs a scenario and stops where its user wants it to.
 * Deterministic: the same scenario gives the same run, to the bit.
 */
import type { Image } from '../assembly/elf/image.ts';
import type { Cpu, CpuState, RegisterFile } from './cpu/cpu.ts';
import type { Delivery, DeliveryPhase, RegisterChange } from './kernel/delivery.ts';
import type { InjectionState } from './injection.ts';
import type { StrayStore } from './kernel/guest-calls.ts';
import type { KernelState } from './kernel/kernel.ts';
import type { MemoryCheckpoint, PagedMemory, WatchedAccess } from './memory/memory.ts';
import type { Scenario } from './scenario/scenario.ts';

/** Where in its run the machine is: exceptions delivered so far, then instructions since the last of them. */
export interface Position {
  readonly exceptions: number;
  readonly instructions: bigint;
}

/** A fixup that was executed. */
export interface FixupRecord {
  readonly delivery: Delivery;
  /** From the faulting instruction … */
  readonly from: bigint;
  /** … to the landing pad. */
  readonly to: bigint;
  readonly changes: readonly RegisterChange[];
  readonly position: Position;
}

/** Why {@link Machine.run} came back. */
export type Stop =
  /** The instruction limit of this call; nothing happened. */
  | { readonly reason: 'limit' }
  | { readonly reason: 'breakpoint'; readonly address: bigint }
  /** The instruction at `ip` has touched memory that is watched. */
  | { readonly reason: 'watch'; readonly access: WatchedAccess; readonly ip: bigint }
  /** An exception was delivered and the caller wants to see it; nothing of it is handled yet. {@link Machine.delivery} is set. */
  | { readonly reason: 'delivered'; readonly delivery: Delivery }
  /** A fixup was executed; the machine is at the landing pad, its first instruction not yet run. */
  | { readonly reason: 'fixup'; readonly fixup: FixupRecord }
  /** Nobody took the exception: the run is over. Registers are those at the fault. */
  | { readonly reason: 'died'; readonly delivery: Delivery }
  /** The routine returned to its caller: the run is over. */
  | { readonly reason: 'returned' }
  /** A function the program does not define was called and has no stub: the run is over. */
  | { readonly reason: 'external'; readonly name: string }
  | { readonly reason: 'unsupported'; readonly text: string; readonly bytes: Uint8Array }
  | { readonly reason: 'halted' }
  /** The same fault at the same ip with the same registers, handled again and again: the run is over. */
  | { readonly reason: 'no-progress'; readonly delivery: Delivery }
  /** A handler stored into a live `pt_regs` other than through its `regs`: into that of a fault outside, or by running over its stack. The run is over. */
  | { readonly reason: 'stray-store'; readonly store: StrayStore }
  /** The scenario's instruction budget is spent: the run is over. */
  | { readonly reason: 'budget'; readonly instructions: bigint };

/** What a caller of {@link Machine.run} wants to be stopped for. */
export interface RunRequest {
  /** At most this many instructions in this call (a slice); 1 to 2^30, or 0 to be told only whether the machine stands on a breakpoint. */
  readonly limit: number;
  /** Stop with `delivered` when this says so. */
  readonly stopOnDelivery?: (delivery: Delivery) => boolean;
  /** Stop with `fixup` after every fixup executed. */
  readonly stopOnFixup?: boolean;
  /** Stop with `watch` behind every instruction that touched memory that is watched ({@link PagedMemory.watch}). */
  readonly stopOnWatch?: boolean;
}

/** Everything a run depends on, at one moment. Opaque to all but the machine it comes from. */
export interface MachineState {
  readonly counted: bigint;
  /** Exceptions delivered so far. */
  readonly exceptions: number;
  readonly cpu: CpuState;
  readonly memory: MemoryCheckpoint;
  readonly kernel: KernelState;
  readonly deliveries: readonly Delivery[];
  readonly fixups: readonly FixupRecord[];
  readonly ended: Stop | undefined;
  readonly lastExceptionAt: bigint;
  /** Executions counted towards the scenario's injected fault. */
  readonly injection: InjectionState | undefined;
  readonly sameFault: { readonly key: string; readonly times: number };
}

export interface Machine {
  readonly scenario: Scenario;
  readonly image: Image;
  readonly cpu: Cpu;
  readonly registers: RegisterFile;
  readonly memory: PagedMemory;
  readonly position: Position;
  /** The exception in delivery, if the machine stands between its phases. */
  readonly delivery: Delivery | undefined;
  /** Deliveries whose handler, a function of the program, is running now; the innermost last. */
  readonly handling: readonly Delivery[];
  /** All deliveries of this run, in order. */
  readonly deliveries: readonly Delivery[];
  /** All fixups executed in this run, in order. */
  readonly fixups: readonly FixupRecord[];
  /** How the run ended, once it has. */
  readonly ended: Stop | undefined;
  /** Runs on; if a delivery is pending, takes it to its end first. */
  run(request: RunRequest): Stop;
  /** Takes the pending delivery one phase further and returns that phase; undefined if none is pending. After `entered` none is: the handler runs. */
  advance(): DeliveryPhase | undefined;
  setBreakpoints(addresses: Iterable<bigint>): void;
  /** Back to the first instruction of the routine. */
  restart(): void;
  /** Instructions since the start of the run: counted time. */
  readonly counted: bigint;
  /** The whole state, for {@link restore}; undefined while an exception is on its way or a handler runs. */
  save(): MachineState | undefined;
  /** Back (or forward) to a state that was saved. Breakpoints stay as they are. */
  restore(state: MachineState): void;
  /** The state is not needed any more: its memory is freed. */
  release(state: MachineState): void;
  /** `dst+0x40`, `copy_mc_fragile+0x13`, or hex: the name people know an address by. */
  describe(address: bigint): string;
}
