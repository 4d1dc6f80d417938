/**
 * A campaign: a routine, its promises and a space, run case after case. Pure: it starts nothing and knows no clock; whoever drives it
 * calls {@link Campaign.run} for a while, looks at the time, and calls it again.
 */
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { judge } from './judging/judge.ts';
import type { Promises, Violation } from './judging/clauses.ts';
import { Coverage } from './coverage.ts';
import { FastRuns } from './fast-runs.ts';
import type { Doubt } from './fast-runs.ts';
import { classKey, compareCases, Failures } from './failures.ts';
import type { FailureClass } from './failures.ts';
import { Heat } from './heat.ts';
import { observePeriod } from './period.ts';
import type { Period } from './period.ts';
import { Reference } from './reference.ts';
import type { SweepTarget } from './reference.ts';
import { LONG, Space, SpaceError } from './space.ts';
import type { SpaceAxes, SweepCase } from './space.ts';

/** The i-th of `count` parts, `index` from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export interface CampaignRequest {
  readonly targets: readonly SweepTarget[];
  /** What was left out of what was asked for, and why; to be printed with the space. */
  readonly notes?: readonly string[];
  readonly promises: Promises;
  readonly axes: Omit<SpaceAxes, 'targets'>;
  readonly shard?: Shard;
  /** False: everything runs on the ordinary machine. True: even few cases are driven. The results are the same. */
  readonly driver?: boolean;
  /** So many cases drawn at random instead of all. */
  readonly random?: { readonly count: number; readonly seed: number };
}

/** A case that the driver did not vouch for, or (without a signature) one to check it by. */
interface DoubtfulCase {
  readonly index: number;
  /** See {@link Doubt.signature}; undefined for one that the driver vouches for, to check it by. */
  readonly signature: number | undefined;
}

/** What the ordinary machine found in the cases of one signature. */
interface Known {
  readonly violations: readonly Violation[];
  readonly classes: readonly FailureClass[];
  /** How often in a row that was the same. */
  readonly certain: number;
}

/** Cases that one driver runs, or none. */
interface Group {
  readonly fast: FastClass | undefined;
  readonly cases: readonly number[];
}

/** A driver and what is known of its answers. */
interface FastClass {
  readonly runs: FastRuns;
  /** Cases still to be run by the ordinary machine before the driver starts. */
  untaught: number;
  readonly signatures: Map<number, Known>;
  /** Signatures of faults that taught nothing. */
  readonly hopeless: Set<number>;
  kept: number;
  /** False once the ordinary machine found a violation where the driver found none. */
  trusted: boolean;
}

/** Cases looked at together, sorted by the driver that runs them. */
const CHUNK = 16384;
/** So many of them at most are the ordinary machine's, which takes its time. */
const MAX_ORDINARY = 512;
/** For fewer cases than this no driver is made. */
const FEW = 64;
/** One in so many of the cases a driver vouches for runs on the ordinary machine too. */
const CHECKED_EVERY = 4999;
/** So many cases with one signature must have broken the same promises at the same places before others are taken to do so. */
const SURE_AFTER = 3;
/** See {@link Campaign.unitSize}. */
const DRIVEN_UNIT = 2 ** 15, SLOW_UNIT = 2 ** 9;
/** For coverage, runs are followed step by step once for each length modulo this: without a fault, and for each place of a fault. */
const TRACED_LENGTHS = { clean: 32, faulting: 8 } as const;
/** Branches and faults over which a run without end is followed. */
const ENDLESS_PIECES = 4096;

export class Campaign {
  readonly request: CampaignRequest;
  readonly space: Space;
  readonly references: readonly Reference[];
  /** Cases this campaign consists of: of its shard, or its random choice. */
  readonly total: number;
  #failures = new Failures();
  #coverage: readonly Coverage[];
  #heat: Heat;
  /** The part that is being run: numbers from `#from` on, `#to` excluded, `#done` of which are done. */
  #from = 0;
  #to: number;
  #done = 0;
  #violating = 0;
  #period: { readonly seen: Period | undefined } | undefined;
  readonly #traced = new Set<string>();
  readonly #fast = new Map<number, FastClass | undefined>();
  readonly #choice: (number: number) => number;

  constructor(request: CampaignRequest) {
    this.request = request;
    this.space = new Space({ ...request.axes, targets: request.targets.length });
    this.references = request.targets.map((target) => new Reference(target, request.promises.contract));
    this.#coverage = this.#newCoverage();
    this.#heat = new Heat(this.space.axes);
    const { shard = { index: 1, count: 1 }, random } = request;
    if (this.space.size > Number.MAX_SAFE_INTEGER) throw new SpaceError(`the space has some ${this.space.size.toExponential(0)} cases, which cannot be numbered; narrow it (-n, --faults, --src-offsets)`);
    const all = random === undefined ? this.space.size : Math.min(random.count, this.space.size === 0 ? 0 : random.count);
    this.total = Math.max(0, Math.ceil((all - (shard.index - 1)) / shard.count));
    this.#to = this.total;
    const inShard = (number: number): number => number * shard.count + shard.index - 1;
    this.#choice = random === undefined ? inShard : (number) => randomIndex(random.seed, inShard(number), this.space.size);
  }

  /**
   * Starts over with the cases from number `from` on, `to` excluded. Nothing is kept of what violations looked like before, so that what
   * these cases show depends on nothing but themselves: not on the thread that runs them, nor on what it ran before.
   */
  begin(from: number, to: number): void {
    if (!(from >= 0 && from <= to && to <= this.total)) throw new RangeError(`cases ${String(from)} to ${String(to)} are not among ${String(this.total)}`);
    this.#from = from;
    this.#to = to;
    this.#done = 0;
    this.#violating = 0;
    this.#failures = new Failures();
    this.#coverage = this.#newCoverage();
    this.#heat = new Heat(this.space.axes);
    this.#traced.clear();
    for (const fast of this.#fast.values()) {
      fast?.signatures.clear();
      if (fast !== undefined) fast.kept = 0;
    }
  }

  get failures(): Failures {
    return this.#failures;
  }

  get coverage(): readonly Coverage[] {
    return this.#coverage;
  }

  get heat(): Heat {
    return this.#heat;
  }

  /** Cases run so far, of the part begun last. */
  get done(): number {
    return this.#done;
  }

  /** Cases of the part begun last; of the campaign if none was. */
  get planned(): number {
    return this.#to - this.#from;
  }

  /** Cases that broke a promise. */
  get violating(): number {
    return this.#violating;
  }

  get finished(): boolean {
    return this.#done >= this.planned;
  }

  /** Runs up to `count` further cases. */
  run(count: number): void {
    const one = { ...FIRST_CASE };
    for (const end = Math.min(this.planned, this.#done + count); this.#done < end;) {
      for (const { fast, cases } of this.#chunk(end)) {
        // The first ones teach the driver what the handlers do.
        const ordinary = fast === undefined ? cases.length : Math.min(cases.length, fast.untaught);
        for (let i = 0; i < ordinary; i++) this.#runSlow(this.space.caseAt(cases[i]!), fast);
        if (fast !== undefined && ordinary < cases.length) this.#runFast(cases.slice(ordinary), fast);
        for (const index of cases) this.#heat.ran(this.space.read(index, one));
        this.#done += cases.length;
      }
    }
  }

  /** Which lengths add no new path, on the first CPU and kernel; looked for when first asked, but not for a part of the campaign. */
  get period(): Period | undefined {
    if (this.planned !== this.total && this.#to !== 0) return undefined;
    const { kinds, lengths } = this.space.axes;
    this.#period ??= { seen: kinds.includes('none') && 'n' in this.request.promises.contract.arguments ? observePeriod(this.references[0]!, lengths) : undefined };
    return this.#period.seen;
  }

  /** What replays a case in the debugger. */
  replay(one: SweepCase): LaunchConfig {
    return this.references[one.target]!.config(one);
  }

  /** Cases of a part that is worth a thread's while and short enough to be lost: about a second's work at most. */
  get unitSize(): number {
    return this.request.driver !== false && this.references.every((reference) => this.space.axes.kinds.some((kind) => FastRuns.fits(reference, this.request.promises, kind))) ? DRIVEN_UNIT : SLOW_UNIT;
  }

  #newCoverage(): readonly Coverage[] {
    return this.references.map((reference) => new Coverage(reference.target.image, reference.table, entryOf(reference), reference.target.config.kernelGeneration ?? ''));
  }

  /** The next cases, at most up to the number `end` of the part, by the driver that runs them. */
  #chunk(end: number): readonly Group[] {
    const groups = new Map<number, { readonly driven: boolean; readonly cases: number[] }>();
    let ordinary = 0;
    for (let number = this.#done; number < end && number < this.#done + CHUNK && ordinary < MAX_ORDINARY; number++) {
      const index = this.#choice(this.#from + number);
      const key = this.space.classOf(index);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, group = { driven: this.#isDriven(this.space.caseAt(index)), cases: [] });
      group.cases.push(index);
      if (!group.driven) ordinary++;
    }
    return [...groups].map(([key, { driven, cases }]) =>
      ({ cases, fast: driven && (cases.length >= FEW || this.request.driver === true || this.#fast.has(key)) ? this.#fastFor(this.space.caseAt(cases[0]!), key) : undefined }));
  }

  #isDriven({ target, kind }: SweepCase): boolean {
    return this.request.driver !== false && FastRuns.fits(this.references[target]!, this.request.promises, kind);
  }

  #fastFor({ target, kind, n }: SweepCase, key: number): FastClass | undefined {
    if (!this.#fast.has(key)) {
      const runs = this.request.driver === false ? undefined : FastRuns.create(this.references[target]!, this.request.promises, kind, n >= LONG, this.space.axes);
      this.#fast.set(key, runs === undefined ? undefined : { runs, untaught: 1, signatures: new Map(), hopeless: new Set(), kept: 0, trusted: true });
    }
    const found = this.#fast.get(key);
    return found?.trusted === true ? found : undefined;
  }

  #runFast(cases: readonly number[], fast: FastClass): void {
    const { space } = this;
    const { target } = space.caseAt(cases[0]!);
    const coverage = this.coverage[target]!;
    const { doubtful, followed } = this.#driven(cases, fast, coverage);
    for (const index of followed) this.references[target]!.trace(space.caseAt(index), coverage.execute);
    for (const [i, { index, signature }] of doubtful.entries()) {
      if (!this.#settle(space.caseAt(index), signature, fast)) continue;
      // The driver knows more now: it may vouch for the others.
      const others = doubtful.slice(i + 1);
      if (others.length > 0) this.#runFast(others.map((other) => other.index), fast);
      return;
    }
  }

  /** What the driver says of the cases once it knows all it can be taught about their faults: a count made before would depend on what it happened to know. */
  #driven(cases: readonly number[], fast: FastClass, coverage: Coverage): { readonly doubtful: readonly DoubtfulCase[]; readonly followed: readonly number[] } {
    const { space } = this;
    const one = { ...FIRST_CASE };
    for (;;) {
      const doubtful: (Doubt & { readonly index: number })[] = [];
      const ends: { readonly index: number; readonly key: string }[] = [];
      const kept: number[] = [];
      const faults: (readonly [address: bigint, vector: number, count: number])[] = [];
      let seen = fast.kept;
      fast.runs.run(cases.length, (i, into) => space.read(cases[i]!, into), (i, doubt, firstFault) => {
        const index = cases[i]!;
        if (doubt !== undefined) {
          doubtful.push({ index, ...doubt });
          return;
        }
        const key = pathOf(space.read(index, one), firstFault);
        if (key !== undefined && !this.#traced.has(key)) ends.push({ index, key });
        else if (seen++ % CHECKED_EVERY === 0) kept.push(index);
      }, (...fault) => { faults.push(fault); });
      const learned = doubtful.some(({ strange, signature, index }) => {
        if (!strange || fast.hopeless.has(signature)) return false;
        if (fast.runs.learn(this.references[space.caseAt(index).target]!.run(space.caseAt(index)))) return true;
        fast.hopeless.add(signature);
        return false;
      });
      if (learned) continue;
      for (const fault of faults) coverage.fault(...fault);
      fast.kept = seen;
      const followed = ends.filter(({ key }) => !this.#traced.has(key) && this.#traced.add(key)).map(({ index }) => index);
      return { followed, doubtful: [...doubtful, ...kept.map((index) => ({ index, signature: undefined }))] };
    }
  }

  /** A case that the driver could not vouch for, or one to check it by: as the ordinary machine has judged its like, or judged now. True if the driver learned from it. */
  #settle(one: SweepCase, signature: number | undefined, fast: FastClass): boolean {
    const known = signature === undefined ? undefined : fast.signatures.get(signature);
    if (known !== undefined && known.certain >= SURE_AFTER && !known.classes.some(({ smallest }) => compareCases(one, smallest) < 0)) {
      this.#violated(one);
      this.failures.again(known.classes, one);
      return false;
    }
    const { violations, classes, learned } = this.#runSlow(one, fast);
    if (signature === undefined) {
      if (violations.length > 0) fast.trusted = false;
      return learned;
    }
    const same = known !== undefined && violations.length > 0 && sameBreach(known.violations, violations);
    fast.signatures.set(signature, { violations, classes, certain: same ? known.certain + 1 : 0 });
    return learned;
  }

  #runSlow(one: SweepCase, fast: FastClass | undefined): Omit<Known, 'certain'> & { readonly learned: boolean } {
    const reference = this.references[one.target]!;
    const coverage = this.coverage[one.target]!;
    const machine = reference.run(one);
    const faulted = machine.deliveries;
    coverage.graded(faulted);
    for (const { exception } of faulted) if (fast?.runs.knows(exception.ip) !== true) coverage.fault(exception.ip, exception.vector);
    const violations = judge(machine, one, this.request.promises);
    const learned = fast !== undefined && violations.every(({ clause }) => clause !== 'resume') && fast.runs.learn(machine);
    if (fast !== undefined && fast.untaught > 0) fast.untaught--;
    const classes = this.failures.add(violations, one);
    if (violations.length > 0) this.#violated(one);
    const key = `${String(one.target)} ${one.kind} ${faulted.map(({ exception }) => exception.ip.toString(16)).join(' ')} ${faulted.length === 0 ? String(one.n % TRACED_LENGTHS.clean) : ''}`;
    if (!this.#traced.has(key)) {
      this.#traced.add(key);
      reference.trace(one, coverage.execute, machine.ended?.reason === 'budget' ? ENDLESS_PIECES : undefined);
    }
    return { violations, classes, learned };
  }

  #violated(one: SweepCase): void {
    this.#violating++;
    this.#heat.violated(one);
  }
}

const FIRST_CASE: SweepCase = { index: 0, target: 0, kind: 'none', n: 0, srcOffset: 0, dstOffset: 0, position: 0, second: 0 };

/** What a run is followed for, if it is one that shows most of the routine: without a fault, or with one at the very end. One of each is enough. */
function pathOf({ target, kind, n, position, second }: SweepCase, firstFault: () => bigint): string | undefined {
  if (kind === 'none') return n >= LONG ? undefined : `${String(target)} ${String(n % TRACED_LENGTHS.clean)}`;
  if (n >= LONG || position < n - 1 || (second > 0 && second < n - 1)) return undefined;
  return `${String(target)} ${firstFault().toString(16)} ${String(n % TRACED_LENGTHS.faulting)}`;
}

function sameBreach(a: readonly Violation[], b: readonly Violation[]): boolean {
  return a.length === b.length && a.every((violation, i) => classKey(violation) === classKey(b[i]!));
}

function entryOf({ target: { image, config } }: Reference): bigint {
  return image.symbols.find(({ name }) => name === config.entry)?.address ?? 0n;
}

/** The number-th of the cases that `seed` chooses: splitmix64, so that any of them can be had without the ones before. */
function randomIndex(seed: number, number: number, size: number): number {
  let z = BigInt.asUintN(64, BigInt(seed) + BigInt(number + 1) * 0x9e37_79b9_7f4a_7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  z ^= z >> 31n;
  return Number(z % BigInt(size));
}
