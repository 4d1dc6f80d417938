/**
 * Saved states of a run, near each other where it is now and bounded in number and in the memory they hold: when it is too
 * much, every second goes and the distance between new ones doubles. Going to a moment then costs re-executing at most that distance.
 */
import type { Machine, MachineState } from '../machine.ts';
import { compareMoments } from './moment.ts';
import type { Moment } from './moment.ts';

export class CheckpointList {
  readonly #machine: Machine;
  readonly #most: number;
  readonly #bytes: number;
  /** Ascending. */
  #states: MachineState[] = [];
  #distance: bigint;

  /** At most `most` states that hold `bytes` of memory, the first ones `distance` instructions apart. Two are kept whatever they hold. */
  constructor(machine: Machine, { most, bytes, distance }: { readonly most: number; readonly bytes: number; readonly distance: number }) {
    this.#machine = machine;
    this.#most = Math.max(most, 2);
    this.#bytes = bytes;
    this.#distance = BigInt(distance);
  }

  get count(): number {
    return this.#states.length;
  }

  /** Instructions from now to the next checkpoint that is due; 0 if one is due now. */
  get due(): bigint {
    const last = this.#states.at(-1);
    if (last === undefined) return 0n;
    const left = last.counted + this.#distance - this.#machine.counted;
    return left > 0n ? left : 0n;
  }

  /** Saves the present, if it can be saved and lies behind the last one. */
  take(): void {
    const last = this.#states.at(-1);
    const now = this.#machine.counted;
    if (last !== undefined && (last.counted > now || (last.counted === now && last.exceptions >= this.#machine.deliveries.length))) return;
    const state = this.#machine.save();
    if (state === undefined) return;
    this.#states.push(state);
    while (this.#states.length > 2 && (this.#states.length > this.#most || this.#machine.memory.checkpointBytes > this.#bytes)) this.#thin();
  }

  /** The last state at or before `moment`; undefined if there is none. */
  before(moment: Moment): MachineState | undefined {
    return this.#states.findLast((state) => compareMoments(momentOfState(state), moment) <= 0);
  }

  /** The last state before `moment`. */
  strictlyBefore(moment: Moment): MachineState | undefined {
    return this.#states.findLast((state) => compareMoments(momentOfState(state), moment) < 0);
  }

  /** Drops every state from `moment` on: what follows will be another run. */
  forgetFrom(moment: Moment): void {
    const kept = this.#states.filter((state) => compareMoments(momentOfState(state), moment) < 0);
    for (const state of this.#states.slice(kept.length)) this.#machine.release(state);
    this.#states = kept;
  }

  clear(): void {
    for (const state of this.#states) this.#machine.release(state);
    this.#states = [];
  }

  #thin(): void {
    const last = this.#states.length - 1;
    this.#states.forEach((state, index) => { if (index % 2 === 1 && index !== last) this.#machine.release(state); });
    this.#states = this.#states.filter((_, index) => index % 2 === 0 || index === last);
    this.#distance *= 2n;
  }
}

export function momentOfState({ counted, exceptions }: MachineState): Moment {
  return { instructions: counted, exceptions, pending: false };
}
