/**
 * A campaign: a routine, its promises and a space, run case after case. Pure: it starts nothing and knows no clock; whoever drives it
 * calls {@link Campaign.run} for a while, looks at the time, and calls it again.
 */
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { judge } from './clauses.ts';
import type { ClauseName, Promises, Violation } from './clauses.ts';
import { Coverage } from './coverage.ts';
import { FastRuns } from './fast-runs.ts';
import { Failures } from './failures.ts';
import { Reference } from './reference.ts';
import type { SweepTarget } from './reference.ts';
import { LONG, Space } from './space.ts';
import type { SpaceAxes, SweepCase } from './space.ts';

/** The i-th of `count` parts, `index` from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export interface CampaignRequest {
  readonly targets: readonly SweepTarget[];
  readonly promises: Promises;
  readonly axes: Omit<SpaceAxes, 'targets'>;
  readonly shard?: Shard;
  /** False: everything runs on the ordinary machine. The results are the same. */
  readonly driver?: boolean;
  /** So many cases drawn at random instead of all. */
  readonly random?: { readonly count: number; readonly seed: number };
}

/** A driver and what is known of its answers. */
interface FastClass {
  readonly runs: FastRuns;
  /** Cases still to be run by the ordinary machine before the driver starts. */
  untaught: number;
  readonly signatures: Map<string, { readonly violations: readonly Violation[]; readonly certain: number }>;
  kept: number;
  /** False once the ordinary machine found a violation where the driver found none. */
  trusted: boolean;
}

/** Cases handed to a driver at once. */
const MAX_BATCH = 8192;
/** One in so many of the cases a driver vouches for runs on the ordinary machine too. */
const CHECKED_EVERY = 4999;
/** So many cases with one signature must have broken the same promises at the same places before others are taken to do so. */
const SURE_AFTER = 3;
/** For coverage, cases are followed step by step once for each length modulo this. */
const TRACED_LENGTHS = 32;

export class Campaign {
  readonly request: CampaignRequest;
  readonly space: Space;
  readonly references: readonly Reference[];
  readonly failures = new Failures();
  /** Cases this campaign runs: of its shard, or its random choice. */
  readonly total: number;
  readonly coverage: readonly Coverage[];
  #done = 0;
  #violating = 0;
  readonly #traced = new Set<string>();
  readonly #fast = new Map<string, FastClass | undefined>();
  readonly #choice: (number: number) => number;

  constructor(request: CampaignRequest) {
    this.request = request;
    this.space = new Space({ ...request.axes, targets: request.targets.length });
    this.references = request.targets.map((target) => new Reference(target, request.promises.contract));
    this.coverage = this.references.map((reference) => new Coverage(reference.target.image, reference.table, entryOf(reference)));
    const { shard = { index: 1, count: 1 }, random } = request;
    const all = random === undefined ? this.space.size : Math.min(random.count, this.space.size === 0 ? 0 : random.count);
    this.total = Math.max(0, Math.ceil((all - (shard.index - 1)) / shard.count));
    const inShard = (number: number): number => number * shard.count + shard.index - 1;
    this.#choice = random === undefined ? inShard : (number) => randomIndex(random.seed, inShard(number), this.space.size);
  }

  /** Cases run so far. */
  get done(): number {
    return this.#done;
  }

  /** Cases that broke a promise. */
  get violating(): number {
    return this.#violating;
  }

  get finished(): boolean {
    return this.#done >= this.total;
  }

  /** Runs up to `count` further cases. */
  run(count: number): void {
    for (const end = Math.min(this.total, this.#done + count); this.#done < end;) {
      const batch = this.#batch(end);
      const fast = this.#fastFor(batch[0]!);
      // The first ones teach the driver what the handlers do.
      const slow = fast === undefined ? batch.length : Math.min(batch.length, fast.untaught);
      for (const one of batch.slice(0, slow)) this.#runSlow(one, fast);
      if (fast !== undefined && slow < batch.length) this.#runFast(batch.slice(slow), fast);
      this.#done += batch.length;
    }
  }

  /** What replays a case in the debugger. */
  replay(one: SweepCase): LaunchConfig {
    return this.references[one.target]!.config(one);
  }

  /** The cases from here on that the same driver runs, at most up to the number `end`. */
  #batch(end: number): readonly SweepCase[] {
    const first = this.space.caseAt(this.#choice(this.#done));
    const batch = [first];
    while (batch.length < MAX_BATCH && this.#done + batch.length < end) {
      const next = this.space.caseAt(this.#choice(this.#done + batch.length));
      if (next.target !== first.target || next.kind !== first.kind || (next.n >= LONG) !== (first.n >= LONG)) break;
      batch.push(next);
    }
    return batch;
  }

  #fastFor({ target, kind, n }: SweepCase): FastClass | undefined {
    const key = `${String(target)} ${kind} ${n >= LONG ? 'long' : ''}`;
    if (!this.#fast.has(key)) {
      const runs = this.request.driver === false ? undefined : FastRuns.create(this.references[target]!, this.request.promises, kind, n >= LONG, this.space.axes);
      this.#fast.set(key, runs === undefined ? undefined : { runs, untaught: 1, signatures: new Map(), kept: 0, trusted: true });
    }
    const found = this.#fast.get(key);
    return found?.trusted === true ? found : undefined;
  }

  #runFast(cases: readonly SweepCase[], fast: FastClass): void {
    const coverage = this.coverage[cases[0]!.target]!;
    const followed: SweepCase[] = [];
    const doubtful: { readonly one: SweepCase; readonly signature: string }[] = [];
    fast.runs.run(cases, ({ kept, signature }, one) => {
      if (!kept) doubtful.push({ one, signature });
      else if (this.#isNewPath(one)) followed.push(one);
      else if (fast.kept++ % CHECKED_EVERY === 0) doubtful.push({ one, signature: '' });
    }, (address, vector, count) => { coverage.fault(address, vector, count); });
    for (const one of followed) this.references[one.target]!.run(one, coverage.execute);
    for (const [i, { one, signature }] of doubtful.entries()) {
      if (!this.#settle(one, signature, fast)) continue;
      // The driver knows more now: it may vouch for the others.
      const others = doubtful.slice(i + 1);
      if (others.length > 0) this.#runFast(others.map((other) => other.one), fast);
      return;
    }
  }

  /** The first case of its kind and length (modulo a few words) whose fault is at the very end, so that most of the routine runs. */
  #isNewPath({ target, kind, n, position }: SweepCase): boolean {
    if (n >= LONG || (kind !== 'none' && position < n - 1)) return false;
    const key = `${String(target)} ${kind} whole ${String(n % TRACED_LENGTHS)}`;
    if (this.#traced.has(key)) return false;
    this.#traced.add(key);
    return true;
  }

  /** A case that the driver could not vouch for, or one to check it by: as the ordinary machine has judged its like, or judged now. True if the driver learned from it. */
  #settle(one: SweepCase, signature: string, fast: FastClass): boolean {
    const known = fast.signatures.get(signature);
    if (signature !== '' && known !== undefined && known.certain >= SURE_AFTER && !known.violations.some((violation) => this.failures.isSmaller(violation, one))) {
      this.#record(known.violations, one);
      return false;
    }
    const { violations, learned } = this.#runSlow(one, fast);
    if (signature === '') {
      if (violations.length > 0) fast.trusted = false;
      return learned;
    }
    const same = known !== undefined && violations.length > 0 && sameBreach(known.violations, violations);
    fast.signatures.set(signature, { violations, certain: same ? known.certain + 1 : 0 });
    return learned;
  }

  #runSlow(one: SweepCase, fast: FastClass | undefined): { readonly violations: readonly Violation[]; readonly learned: boolean } {
    const reference = this.references[one.target]!;
    const coverage = this.coverage[one.target]!;
    const machine = reference.run(one);
    const faulted = machine.deliveries;
    for (const { exception } of faulted) if (fast?.runs.knows(exception.ip) !== true) coverage.fault(exception.ip, exception.vector);
    const violations = judge(machine, one, this.request.promises);
    const learned = fast !== undefined && violations.every(({ clause }) => clause !== 'resume') && fast.runs.learn(machine);
    if (fast !== undefined && fast.untaught > 0) fast.untaught--;
    this.#record(violations, one);
    const key = `${String(one.target)} ${one.kind} ${faulted.map(({ exception }) => exception.ip.toString(16)).join(' ')} ${faulted.length === 0 ? String(one.n % TRACED_LENGTHS) : ''}`;
    if (!this.#traced.has(key) && violations.every(({ clause }) => clause !== 'ends')) {
      this.#traced.add(key);
      reference.run(one, coverage.execute);
    }
    return { violations, learned };
  }

  #record(violations: readonly Violation[], one: SweepCase): void {
    if (violations.length > 0) this.#violating++;
    const told = new Set<ClauseName>();
    for (const violation of violations) {
      if (told.has(violation.clause)) continue;
      told.add(violation.clause);
      this.failures.add(violation, one);
    }
  }
}

function sameBreach(a: readonly Violation[], b: readonly Violation[]): boolean {
  return a.length === b.length && a.every(({ clause, at }, i) => b[i]!.clause === clause && b[i]!.at === at);
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
