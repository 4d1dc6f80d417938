/**
 * A run that can be gone through in both directions: checkpoints, and exact re-execution from the nearest one.
 * Rests on the machine being deterministic: the same state gives the same run, to the bit.
 */
import type { Delivery } from '../kernel/delivery.ts';
import type { FixupRecord, Machine, RunRequest, Stop } from '../machine.ts';
import type { WatchedAccess } from '../memory/memory.ts';
import { CheckpointList, momentOfState } from './checkpoints.ts';
import { EditList } from './edits.ts';
import { compareMoments, momentOf, START } from './moment.ts';
import type { Moment } from './moment.ts';

export interface TimelineOptions {
  /** Instructions between two checkpoints at first. Default 10,000: re-executing them takes well under a millisecond. */
  readonly distance?: number;
  /** Checkpoints kept at most. Default 256. */
  readonly checkpoints?: number;
  /** Bytes of guest memory held for them at most, beside that of the first and the last. Default 256 MiB. */
  readonly bytes?: number;
}

/** What a search backwards stops for, as {@link RunRequest} does forwards; breakpoints are the machine's. */
export interface SearchRequest {
  readonly stopsAtBreakpoint: (address: bigint) => boolean;
  readonly stopsOnDelivery: (delivery: Delivery) => boolean;
  readonly stopsOnFixup: (fixup: FixupRecord) => boolean;
  readonly stopsOnWatch: (access: WatchedAccess) => boolean;
}

/** What was found backwards; `start` if nothing was and the run's beginning was reached. */
export type Found =
  | { readonly reason: 'breakpoint'; readonly address: bigint }
  | { readonly reason: 'delivered'; readonly delivery: Delivery }
  | { readonly reason: 'fixup'; readonly fixup: FixupRecord }
  | { readonly reason: 'watch'; readonly access: WatchedAccess; readonly ip: bigint }
  | { readonly reason: 'start' };

const DEFAULT_BYTES = 2 ** 28;

export class Timeline {
  readonly machine: Machine;
  readonly #checkpoints: CheckpointList;
  readonly #edits: EditList;

  /** `machine` stands at the start of its run. */
  constructor(machine: Machine, options: TimelineOptions = {}) {
    this.machine = machine;
    this.#edits = new EditList(machine);
    this.#checkpoints = new CheckpointList(machine, { most: options.checkpoints ?? 256, bytes: options.bytes ?? DEFAULT_BYTES, distance: options.distance ?? 10_000 });
    this.#checkpoints.take();
  }

  get now(): Moment {
    return momentOf(this.machine);
  }

  get atStart(): boolean {
    return compareMoments(this.now, START) === 0;
  }

  /** Number of checkpoints held. */
  get checkpoints(): number {
    return this.#checkpoints.count;
  }

  /** As {@link Machine.run}, with checkpoints taken on the way. */
  run(request: RunRequest): Stop {
    let left = BigInt(request.limit);
    for (;;) {
      if (this.#checkpoints.due === 0n) this.#checkpoints.take();
      const { due } = this.#checkpoints;
      // A state that cannot be saved now (a handler runs) is saved at the end of the next stretch.
      const stretch = due === 0n || due > left ? left : due;
      const before = this.machine.counted;
      const stop = this.#stretch({ ...request, limit: Number(stretch) });
      left -= this.machine.counted - before;
      if (stop.reason !== 'limit' || left <= 0n) return stop;
    }
  }

  /** Back to the start of the run, which may from here on be another one. */
  restart(): void {
    this.#checkpoints.clear();
    this.#edits.clear();
    this.machine.restart();
    this.#checkpoints.take();
  }

  /**
   * Registers, memory or poison were changed from outside. What was recorded of the future belongs to a run that will not be; the change
   * itself is part of the history: whoever goes back before it and forwards again finds it made.
   */
  edited(): void {
    const { now } = this;
    this.#checkpoints.forgetFrom(now);
    this.#edits.note(now);
    this.#checkpoints.take();
  }

  /** Takes a pending delivery to its end: to a landing pad, into a handler of the program, or to the end of the run. */
  finishDelivery(): void {
    const { machine } = this;
    if (machine.delivery === undefined) return;
    while (machine.delivery !== undefined) machine.advance();
    this.#edits.apply(this.now);
  }

  /** Goes to a moment that lies before the present or at it. Registers and memory are then those of that moment, to the byte. */
  goTo(moment: Moment): void {
    const state = this.#checkpoints.before(moment);
    if (state === undefined) throw new RangeError('this moment lies before the history that is kept');
    this.machine.restore(state);
    this.#replay(moment, () => undefined);
  }

  /** One instruction, or one delivery, back. False if the machine stands at the start already. */
  stepBack(): boolean {
    const moment = this.#previous();
    if (moment === undefined) return false;
    this.goTo(moment);
    return true;
  }

  /**
   * Searches backwards for the last moment before the present at which a run would have stopped, and goes there.
   * Yields between stretches of a few thousand instructions, so that the caller can look up; if the caller gives up, the machine
   * stands at some earlier moment.
   */
  *searchBack(request: SearchRequest): Generator<undefined, Found> {
    let until = this.now;
    for (;;) {
      const state = this.#checkpoints.strictlyBefore(until);
      if (state === undefined) break;
      this.machine.restore(state);
      let last: { readonly moment: Moment; readonly found: Found } | undefined;
      this.#replay(until, (found) => {
        const moment = this.now;
        if (compareMoments(moment, until) < 0 && compareMoments(moment, START) > 0) last = { moment, found };
      }, request);
      if (last !== undefined) {
        this.goTo(last.moment);
        return this.#fresh(last.found);
      }
      until = momentOfState(state);
      yield;
    }
    this.goTo(START);
    return { reason: 'start' };
  }

  /** Deliveries and fixups are new objects after a replay. */
  #fresh(found: Found): Found {
    if (found.reason === 'delivered') return { reason: 'delivered', delivery: this.machine.delivery ?? found.delivery };
    if (found.reason === 'fixup') return { reason: 'fixup', fixup: this.machine.fixups.at(-1) ?? found.fixup };
    return found;
  }

  /** As {@link Machine.run}, but not past the next moment at which the machine was changed from outside; there the change is made again. */
  #stretch(request: RunRequest): Stop {
    const edit = this.#edits.after(this.now);
    if (edit === undefined) return this.machine.run(request);
    const distance = edit.moment.instructions - this.machine.counted;
    if (distance === 0n) return this.#towardsEditHere(request);
    const stop = this.machine.run({ ...request, limit: Math.min(request.limit, Number(distance)) });
    this.#edits.apply(this.now);
    return stop;
  }

  /** The change has the present's count: an exception lies between, or the end of one. */
  #towardsEditHere(request: RunRequest): Stop {
    const { machine } = this;
    if (machine.delivery === undefined) {
      const stop = machine.run({ ...request, limit: 1, stopOnDelivery: () => true });
      this.#edits.apply(this.now);
      return stop.reason === 'delivered' && request.stopOnDelivery?.(stop.delivery) !== true ? { reason: 'limit' } : stop;
    }
    const before = machine.fixups.length;
    this.finishDelivery();
    const fixup = machine.fixups.at(-1);
    if (machine.ended === undefined && request.stopOnFixup === true && fixup !== undefined && machine.fixups.length > before) return { reason: 'fixup', fixup };
    // Not an instruction further: only whether there is a breakpoint here.
    return machine.run({ ...request, limit: 0 });
  }

  /** Runs on from an earlier state to `moment`, telling what it passes. */
  #replay(moment: Moment, passed: (found: Found) => void, request?: SearchRequest): void {
    const { machine } = this;
    while (machine.counted < moment.instructions || machine.deliveries.length < moment.exceptions) {
      const left = moment.instructions - machine.counted;
      const stop = this.#stretch({
        limit: left > 0n ? Number(left) : 1,
        stopOnFixup: request !== undefined,
        stopOnWatch: request !== undefined,
        stopOnDelivery: (delivery) => {
          if (request?.stopsOnDelivery(delivery) === true) return true;
          // At the moment's own count the run must not go past its exception.
          return machine.counted === moment.instructions && delivery.sequence >= moment.exceptions;
        },
      });
      if (stop.reason === 'breakpoint' && request?.stopsAtBreakpoint(stop.address) === true) passed({ reason: 'breakpoint', address: stop.address });
      else if (stop.reason === 'watch' && request !== undefined) this.#watched(stop, passed, request);
      else if (stop.reason === 'fixup' && request?.stopsOnFixup(stop.fixup) === true) passed({ reason: 'fixup', fixup: stop.fixup });
      else if (stop.reason === 'delivered') {
        if (request?.stopsOnDelivery(stop.delivery) === true) passed({ reason: 'delivered', delivery: stop.delivery });
        if (isAt(machine, moment)) return;
        this.#settle(passed, request);
      } else if (machine.ended !== undefined) return;
    }
    if (!moment.pending) this.finishDelivery();
  }

  /** Behind an access to watched memory, where a breakpoint may stand too. */
  #watched({ access, ip }: Extract<Stop, { reason: 'watch' }>, passed: (found: Found) => void, request: SearchRequest): void {
    const { rip } = this.machine.registers;
    if (request.stopsOnWatch(access)) passed({ reason: 'watch', access, ip });
    else if (request.stopsAtBreakpoint(rip)) passed({ reason: 'breakpoint', address: rip });
  }

  /** Takes a delivery to its end. */
  #settle(passed: (found: Found) => void, request: SearchRequest | undefined): void {
    const { machine } = this;
    const before = machine.fixups.length;
    this.finishDelivery();
    const fixup = machine.fixups.at(-1);
    if (fixup !== undefined && machine.fixups.length > before && request?.stopsOnFixup(fixup) === true) passed({ reason: 'fixup', fixup });
  }

  /** The moment before the present; undefined at the start. */
  #previous(): Moment | undefined {
    const { instructions, exceptions, pending } = this.now;
    if (pending) return { instructions, exceptions: exceptions - 1, pending: false };
    if (exceptions > 0 && this.#deliveredAt(exceptions) === instructions) return { instructions, exceptions, pending: true };
    return instructions === 0n ? undefined : { instructions: instructions - 1n, exceptions, pending: false };
  }

  /** The count at which an exception was delivered, if the machine still stands there. */
  #deliveredAt(sequence: number): bigint | undefined {
    const { machine } = this;
    return machine.deliveries.length === sequence ? machine.counted - machine.position.instructions : undefined;
  }
}

function isAt(machine: Machine, moment: Moment): boolean {
  return moment.pending && compareMoments(momentOf(machine), moment) === 0;
}
