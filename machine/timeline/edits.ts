/**
 * What was changed from outside in the course of a run: part of its history from then on, made again whenever its moment is come to again.
 */
import type { CpuState } from '../cpu/cpu.ts';
import type { Machine } from '../machine.ts';
import type { MemoryCheckpoint } from '../memory/memory.ts';
import { compareMoments } from './moment.ts';
import type { Moment } from './moment.ts';

/** Registers and memory as they were left by the changes made at one moment. */
export interface Edit {
  readonly moment: Moment;
  readonly cpu: CpuState;
  readonly memory: MemoryCheckpoint;
}

export class EditList {
  readonly #machine: Machine;
  /** Ascending. */
  #edits: Edit[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The machine has been changed at `moment`, where it stands. Later changes belong to a run that will not be. */
  note(moment: Moment): void {
    this.#drop(this.#edits.filter((edit) => compareMoments(edit.moment, moment) >= 0));
    this.#edits.push({ moment, cpu: this.#machine.cpu.save(), memory: this.#machine.memory.checkpoint() });
  }

  /** The first one after `moment`. */
  after(moment: Moment): Edit | undefined {
    return this.#edits.find((edit) => compareMoments(edit.moment, moment) > 0);
  }

  /** Makes the changes of `moment`, where the machine stands, if there were any. An exception on its way stays so. */
  apply(moment: Moment): void {
    const edit = this.#edits.find((one) => compareMoments(one.moment, moment) === 0);
    if (edit === undefined) return;
    this.#machine.cpu.restore(edit.cpu);
    this.#machine.memory.restore(edit.memory);
  }

  clear(): void {
    this.#drop(this.#edits);
  }

  #drop(gone: readonly Edit[]): void {
    for (const { memory } of gone) this.#machine.memory.release(memory);
    this.#edits = this.#edits.filter((edit) => !gone.includes(edit));
  }
}
