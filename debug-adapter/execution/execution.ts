/**
 * Runs the machine in slices short enough that the adapter always answers, and says why it stands still.
 */
import type { Delivery } from '../../machine/kernel/delivery.ts';
import type { FixupRecord, Machine, Stop } from '../../machine/machine.ts';
import type { WatchArea, WatchedAccess } from '../../machine/memory/memory.ts';
import { undefinedFlags } from '../../machine/timeline/flag-origins.ts';
import type { UndefinedFlag } from '../../machine/timeline/flag-origins.ts';
import { Timeline } from '../../machine/timeline/timeline.ts';
import type { Found, TimelineOptions } from '../../machine/timeline/timeline.ts';
import { stepBack } from './backwards.ts';
import type { SteppedBack } from './backwards.ts';
import { nextTurn } from './next-turn.ts';
import { HandlerPlan } from './plan.ts';
import type { Granularity, Plan, Stretch } from './plan.ts';
import { showPhases } from './show-phases.ts';

/** Milliseconds the machine may run before messages are looked at again. */
const SLICE = 8;
/** One call of the machine: few enough instructions to stay far below a slice, adapted as it is measured. */
const SMALLEST_BURST = 1_000, LARGEST_BURST = 1 << 24;

/** Why the program stands still. */
export type StopCause =
  | { readonly kind: 'entry' | 'step' | 'pause' }
  | { readonly kind: 'breakpoint'; readonly address: bigint; readonly breakpoints: readonly number[] }
  /** The instruction at `ip` has touched memory that a data breakpoint is set on. */
  | { readonly kind: 'watch'; readonly access: WatchedAccess; readonly ip: bigint; readonly breakpoints: readonly number[] }
  | { readonly kind: 'delivered'; readonly delivery: Delivery }
  | { readonly kind: 'fixup'; readonly fixup: FixupRecord; readonly stepped: boolean }
  /** The run is over, but its last state can still be looked at. */
  | { readonly kind: 'ended'; readonly stop: Stop };

/** What the execution asks and tells its surroundings. */
export interface ExecutionListener {
  stopsOnDelivery(delivery: Delivery): boolean;
  stopsOnFixup(): boolean;
  /** Whether the end of the run is to be shown before the session is over. */
  stopsOnEnd(stop: Stop): boolean;
  userBreakpoints(): Iterable<bigint>;
  /** The areas of the user's data breakpoints. */
  userWatches(): readonly WatchArea[];
  /** The data breakpoints that mean this access. */
  touched(access: WatchedAccess): readonly number[];
  /** As `touched`, for a run backwards. */
  wouldTouch(access: WatchedAccess): readonly number[];
  /** The breakpoints at `address` that mean it (conditions hold, hit counts reached); none: run on. */
  hit(address: bigint): readonly number[];
  /** As `hit`, for a run backwards: nothing is counted and nothing logged. */
  wouldHit(address: bigint): readonly number[];
  onFixup(fixup: FixupRecord): void;
  onDelivery(delivery: Delivery): void;
  onStopped(cause: StopCause): void;
  onEnded(stop: Stop): void;
}

export class Execution {
  readonly #machine: Machine;
  readonly #timeline: Timeline;
  readonly #listener: ExecutionListener;
  #running = false;
  #pause = false;
  #disposed = false;
  #cause: StopCause | undefined;
  #burst = SMALLEST_BURST;
  #temporary: readonly bigint[] = [];
  #reported = 0;
  #finished = false;
  #plan: Plan | undefined;
  /** Of the present stop, once somebody asked. */
  #undefinedFlags: readonly UndefinedFlag[] | undefined;

  constructor(machine: Machine, listener: ExecutionListener, history: TimelineOptions) {
    this.#machine = machine;
    this.#timeline = new Timeline(machine, history);
    this.#listener = listener;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Why it stands still; undefined while it runs and before it has started. */
  get cause(): StopCause | undefined {
    return this.#running ? undefined : this.#cause;
  }

  /** The run is over and its end has been told: there is nothing left to run. */
  get finished(): boolean {
    return this.#finished;
  }

  dispose(): void {
    this.#disposed = true;
  }

  /** Stops at the first instruction without running it. */
  stopAtEntry(cause: StopCause): void {
    this.#stopped(cause);
  }

  /** Starts to run; returns at once. */
  start(plan: Plan): void {
    this.#running = true;
    this.#pause = false;
    this.#plan = plan;
    void this.#loop();
  }

  /** Goes a step back, or runs backwards to what would have stopped the program; returns at once. */
  startBack(goal: Granularity | 'continue'): void {
    this.#running = true;
    this.#pause = false;
    void this.#loopBack(goal);
  }

  get atStart(): boolean {
    return this.#timeline.atStart;
  }

  /** Registers, memory or poison were changed by the user: what was recorded of the future does not hold any more, the change is part of the history. */
  edited(): void {
    this.#timeline.edited();
    // What was there before is not how the present came to be.
    this.#undefinedFlags = [];
  }

  /** The flags that hold no defined value where the program stands; none after the user changed something there. */
  get undefinedFlags(): readonly UndefinedFlag[] {
    if (this.#running) return [];
    if (this.#undefinedFlags === undefined) {
      this.#undefinedFlags = undefinedFlags(this.#timeline);
      showPhases(this.#machine);
    }
    return this.#undefinedFlags;
  }

  /** Asks a running program to stand still; it does so within a slice. */
  pause(): void {
    this.#pause = true;
  }

  /** Tells the machine the user's breakpoints, after they have changed. */
  breakpointsChanged(): void {
    this.#machine.setBreakpoints([...this.#listener.userBreakpoints(), ...this.#temporary]);
    this.#machine.memory.watch(this.#listener.userWatches());
  }

  async #loop(): Promise<void> {
    // The response to the request that started this goes out first.
    await nextTurn();
    while (!this.#disposed) {
      if (this.#pause) {
        this.#stopped({ kind: 'pause' });
        return;
      }
      const until = performance.now() + SLICE;
      do {
        if (this.#advance(this.#plan!)) return;
      } while (performance.now() < until);
      await nextTurn();
    }
  }

  async #loopBack(goal: Granularity | 'continue'): Promise<void> {
    await nextTurn();
    const stops = {
      stopsAtBreakpoint: (address: bigint) => this.#listener.wouldHit(address).length > 0,
      stopsOnDelivery: (delivery: Delivery) => this.#listener.stopsOnDelivery(delivery),
      stopsOnFixup: () => this.#listener.stopsOnFixup(),
      stopsOnWatch: (access: WatchedAccess) => this.#listener.wouldTouch(access).length > 0,
    };
    const search: Generator<undefined, Found | SteppedBack> = goal === 'continue'
      ? this.#timeline.searchBack(stops)
      : stepBack(this.#timeline, goal, { stops, setTemporary: (addresses) => { this.#setTemporary(addresses); } });
    let until = performance.now() + SLICE;
    while (!this.#disposed) {
      const step = search.next();
      if (step.done === true) {
        this.#wentBack();
        this.#stopped(this.#causeOf(step.value));
        return;
      }
      if (this.#pause) {
        this.#wentBack();
        this.#stopped({ kind: 'pause' });
        return;
      }
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + SLICE;
    }
  }

  #causeOf(found: Found | SteppedBack): StopCause {
    switch (found.reason) {
      case 'start':
        return { kind: 'entry' };
      case 'step':
        return { kind: 'step' };
      case 'breakpoint':
        return { kind: 'breakpoint', address: found.address, breakpoints: this.#listener.wouldHit(found.address) };
      case 'watch':
        return { kind: 'watch', access: found.access, ip: found.ip, breakpoints: this.#listener.wouldTouch(found.access) };
      case 'delivered':
        showPhases(this.#machine);
        return { kind: 'delivered', delivery: found.delivery };
      case 'fixup':
        this.#listener.onFixup(found.fixup);
        return { kind: 'fixup', fixup: found.fixup, stepped: false };
    }
  }

  /** Fixups that lie ahead again will be told again when they are reached. */
  #wentBack(): void {
    this.#reported = this.#machine.fixups.length;
  }

  /** One call of the machine. True if the program stands still now. */
  #advance(plan: Plan): boolean {
    const machine = this.#machine;
    if (machine.delivery !== undefined && plan.kind === 'step') return this.#finishDelivery(plan);
    const { single, endsAtFixup, temporary } = plan.prepare(machine);
    this.#setTemporary(temporary);
    const limit = single ? 1 : this.#burst;
    const started = performance.now();
    const stop = this.#timeline.run({ limit, stopOnFixup: true, stopOnWatch: true, stopOnDelivery: (delivery) => this.#listener.stopsOnDelivery(delivery) });
    if (!single) this.#adapt(performance.now() - started);
    return this.#consider(stop, plan, endsAtFixup);
  }

  #consider(stop: Stop, plan: Plan, endsAtFixup: Stretch['endsAtFixup']): boolean {
    switch (stop.reason) {
      case 'limit':
        return plan.arrived(this.#machine) && this.#stopped({ kind: 'step' });
      case 'breakpoint':
        return this.#atBreakpoint(stop.address) || (plan.arrived(this.#machine) && this.#stopped({ kind: 'step' }));
      case 'watch': {
        const breakpoints = this.#listener.touched(stop.access);
        if (breakpoints.length > 0) return this.#stopped({ kind: 'watch', access: stop.access, ip: stop.ip, breakpoints });
        // A breakpoint would not stop the run that starts on it.
        return this.#atBreakpoint(this.#machine.registers.rip) || (plan.arrived(this.#machine) && this.#stopped({ kind: 'step' }));
      }
      case 'delivered':
        showPhases(this.#machine);
        this.#listener.onDelivery(stop.delivery);
        return this.#stopped({ kind: 'delivered', delivery: stop.delivery });
      case 'fixup':
        this.#reportFixups();
        if (this.#listener.stopsOnFixup() || endsAtFixup === true || (endsAtFixup !== false && endsAtFixup(stop.fixup))) return this.#stopped({ kind: 'fixup', fixup: stop.fixup, stepped: plan.kind === 'step' });
        // A breakpoint on the landing pad would not stop the run that starts on it.
        return this.#atBreakpoint(stop.fixup.to);
      default:
        return this.#ended(stop);
    }
  }

  /**
   * A step from a delivery goes to its end: the landing pad, its first instruction not yet run. If a function of the program handles it,
   * a step into stops at that function's first instruction.
   */
  #finishDelivery(plan: Plan): boolean {
    const machine = this.#machine;
    const { delivery } = machine;
    this.#timeline.finishDelivery();
    if (machine.ended !== undefined) return this.#ended(machine.ended);
    if (delivery?.phases.at(-1)?.phase === 'entered') {
      if (plan.intoHandlers === true) return this.#stopped({ kind: 'step' });
      this.#plan = new HandlerPlan(delivery);
      return false;
    }
    this.#reportFixups();
    const fixup = machine.fixups.at(-1);
    return this.#stopped(fixup !== undefined && fixup.delivery === delivery ? { kind: 'fixup', fixup, stepped: true } : { kind: 'step' });
  }

  #atBreakpoint(address: bigint): boolean {
    const breakpoints = this.#listener.hit(address);
    return breakpoints.length > 0 && this.#stopped({ kind: 'breakpoint', address, breakpoints });
  }

  #ended(stop: Stop): boolean {
    this.#reportFixups();
    // Ended before and shown: whoever runs on from there wants it over.
    const shown = this.#cause?.kind === 'ended';
    if (!shown && this.#listener.stopsOnEnd(stop)) return this.#stopped({ kind: 'ended', stop });
    this.#running = false;
    this.#finished = true;
    this.#cause = { kind: 'ended', stop };
    this.#listener.onEnded(stop);
    return true;
  }

  #stopped(cause: StopCause): true {
    this.#running = false;
    this.#undefinedFlags = undefined;
    this.#cause = cause;
    this.#setTemporary([]);
    this.#listener.onStopped(cause);
    return true;
  }

  /** Every fixup is told once, in order, before the stop that follows it. */
  #reportFixups(): void {
    const { fixups } = this.#machine;
    for (; this.#reported < fixups.length; this.#reported++) this.#listener.onFixup(fixups[this.#reported]!);
  }

  #setTemporary(addresses: readonly bigint[]): void {
    if (addresses.length === this.#temporary.length && addresses.every((address, index) => address === this.#temporary[index])) return;
    this.#temporary = addresses;
    this.breakpointsChanged();
  }

  /** Aims at a quarter of a slice for each call. */
  #adapt(milliseconds: number): void {
    if (milliseconds > SLICE / 2) this.#burst = Math.max(SMALLEST_BURST, this.#burst >> 1);
    else if (milliseconds < SLICE / 8) this.#burst = Math.min(LARGEST_BURST, this.#burst << 1);
  }
}
