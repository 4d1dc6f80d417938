/** A finished run as those see it who judge it. */
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Buffer, Contract } from '../../machine/scenario/scenario.ts';
import type { SweepCase } from '../space.ts';
import type { ClauseName, Promises, Violation } from './clauses.ts';

export class JudgedRun {
  readonly violations: Violation[] = [];
  readonly machine: Machine;
  readonly one: SweepCase;
  readonly promises: Promises;
  readonly contract: Contract;
  /** The instruction a wrong count is put down to: the last one that faulted, else the routine's first. */
  readonly guilty: bigint;

  constructor(machine: Machine, one: SweepCase, promises: Promises) {
    this.machine = machine;
    this.one = one;
    this.promises = promises;
    this.contract = promises.contract;
    this.guilty = machine.deliveries.at(-1)?.exception.ip ?? machine.scenario.entry.address;
  }

  say(clause: ClauseName, message: string, at = this.guilty): void {
    this.violations.push({ clause, message, at });
  }

  /** What the call returned; undefined if its contract does not say where. */
  get returned(): bigint | undefined {
    const { returns } = this.contract;
    return returns === undefined ? undefined : this.machine.registers.get(GENERAL_REGISTERS.indexOf(returns));
  }

  /** The buffer of a role, as it was before the run. */
  buffer(role: string | undefined): Buffer | undefined {
    return role === undefined ? undefined : this.machine.scenario.buffers.find(({ name }) => name === role);
  }
}
