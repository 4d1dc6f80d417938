/**
 * The one place of `stopAt`: until it is reached, exceptions and fixups are run through.
 */
import type { Delivery } from '../../machine/kernel/delivery.ts';
import type { StopPlace } from '../../machine/scenario/scenario.ts';
import { compareMoments } from '../../machine/timeline/moment.ts';
import type { Moment } from '../../machine/timeline/moment.ts';

/** Stands for the goal among the ids of breakpoints, which begin at 1. */
export const GOAL = 0;

export class Goal {
  readonly #place: StopPlace;
  /** When the instruction was arrived at, ascending: going back and on again does not count twice. */
  readonly #arrivals: Moment[] = [];
  #reached = false;

  constructor(place: StopPlace) {
    this.#place = place;
  }

  get pending(): boolean {
    return !this.#reached;
  }

  /** Why the program is to stop there; empty if nobody said. */
  get why(): string {
    return this.#place.why ?? '';
  }

  /** Where to break, if it is an instruction that is waited for. */
  get address(): bigint | undefined {
    return this.pending && 'address' in this.#place ? this.#place.address : undefined;
  }

  /** An exception is delivered: whether it is the one. */
  delivered({ sequence }: Delivery): boolean {
    if (this.#reached || !('exception' in this.#place) || sequence !== this.#place.exception) return false;
    this.#reached = true;
    return true;
  }

  /** The program is about to execute the instruction at `address`, at `now`: whether it is the one, for the time that was asked for. */
  arrived(address: bigint, now: Moment): boolean {
    if (this.#reached || !('address' in this.#place) || address !== this.#place.address) return false;
    while (this.#arrivals.length > 0 && compareMoments(this.#arrivals.at(-1)!, now) >= 0) this.#arrivals.pop();
    this.#arrivals.push(now);
    if (this.#arrivals.length < this.#place.execution) return false;
    this.#reached = true;
    return true;
  }
}
