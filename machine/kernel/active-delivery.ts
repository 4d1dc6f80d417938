/**
 * One exception in the making: its phases so far, and what the kernel keeps beside them until it is finished.
 */
import type { ErrorContext } from '../../fault-model/error-context.ts';
import type { MachineCheckBank } from '../../fault-model/machine-check.ts';
import { GENERAL_REGISTERS } from '../cpu/cpu.ts';
import type { Cpu } from '../cpu/cpu.ts';
import type { Death, Delivery, DeliveryPhase, RaisedException, RegisterChange } from './delivery.ts';
import type { Taker } from './takers.ts';

/** Registers and flags a delivery is compared against. */
export interface Snapshot {
  readonly registers: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
}

export function takeSnapshot({ registers }: Cpu): Snapshot {
  return { registers: GENERAL_REGISTERS.map((_, number) => registers.get(number)), rip: registers.rip, rflags: registers.rflags };
}

export function died(kind: Death['kind'], reason: string): DeliveryPhase {
  return { phase: 'died', death: { kind, reason } };
}

export class ActiveDelivery implements Delivery {
  readonly sequence: number;
  readonly exception: RaisedException;
  readonly phases: DeliveryPhase[];
  /** Registers at the moment of the exception. */
  readonly snapshot: Snapshot;
  /** Who is still to be asked. */
  takers: readonly Taker[] = [];
  changedCr2: readonly [bigint, bigint] | undefined;
  context: ErrorContext | undefined;
  bank: MachineCheckBank | undefined;
  /** Field of the frame to the place of the handler's instruction that wrote it last. */
  readonly writers = new Map<string, string>();

  constructor(sequence: number, exception: RaisedException, snapshot: Snapshot) {
    this.sequence = sequence;
    this.exception = exception;
    this.snapshot = snapshot;
    this.phases = [{ phase: 'raised', exception }];
  }

  get finished(): boolean {
    const last = this.phases.at(-1)!.phase;
    return last === 'resumed' || last === 'died';
  }

  /** What is different from the moment of the exception, and who did it: the CPU, an instruction of a handler, or the handler type `typeName`. */
  changes(now: Snapshot, typeName: string): readonly RegisterChange[] {
    const before = this.snapshot;
    const changes: RegisterChange[] = [];
    const note = (register: string, old: bigint, value: bigint, changedBy: string): void => {
      if (old !== value) changes.push({ register, old, new: value, changedBy });
    };
    const by = (register: string): string => this.writers.get(register) ?? typeName;
    GENERAL_REGISTERS.forEach((name, number) => { note(name, before.registers[number]!, now.registers[number]!, by(name)); });
    note('rip', before.rip, now.rip, by('rip'));
    note('rflags', before.rflags, now.rflags, by('rflags'));
    if (this.changedCr2 !== undefined) note('cr2', this.changedCr2[0], this.changedCr2[1], 'CPU');
    return changes;
  }
}
