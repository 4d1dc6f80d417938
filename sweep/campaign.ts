/**
 * A campaign: a routine, its promises and a space, run case after case. Pure: it starts nothing and knows no clock; whoever drives it
 * calls {@link Campaign.run} for a while, looks at the time, and calls it again.
 */
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { judge } from './clauses.ts';
import type { ClauseName, Promises } from './clauses.ts';
import { Coverage } from './coverage.ts';
import { Failures } from './failures.ts';
import { Reference } from './reference.ts';
import type { SweepTarget } from './reference.ts';
import { Space } from './space.ts';
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
  /** So many cases drawn at random instead of all. */
  readonly random?: { readonly count: number; readonly seed: number };
}

/** Coverage wants every instruction seen; so many cases of one kind and faulting instruction are followed step by step. */
const TRACED_PER_CLASS = 1;

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
  readonly #traced = new Map<string, number>();
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
    for (const end = Math.min(this.total, this.#done + count); this.#done < end; this.#done++) this.#runOne(this.space.caseAt(this.#choice(this.#done)));
  }

  /** What replays a case in the debugger. */
  replay(one: SweepCase): LaunchConfig {
    return this.references[one.target]!.config(one);
  }

  #runOne(one: SweepCase): void {
    const reference = this.references[one.target]!;
    const coverage = this.coverage[one.target]!;
    const machine = reference.run(one);
    const faulted = machine.deliveries;
    for (const { exception } of faulted) coverage.fault(exception.ip, exception.vector);
    const key = `${String(one.target)} ${one.kind} ${faulted.map(({ exception }) => exception.ip.toString(16)).join(' ')} ${faulted.length === 0 ? String(one.n % 512) : ''}`;
    const violations = judge(machine, one, this.request.promises);
    if (violations.length > 0) this.#violating++;
    const told = new Set<ClauseName>();
    for (const violation of violations) {
      if (told.has(violation.clause)) continue;
      told.add(violation.clause);
      this.failures.add(violation, one);
    }
    const traced = this.#traced.get(key) ?? 0;
    if (traced < TRACED_PER_CLASS && violations.every(({ clause }) => clause !== 'ends')) {
      this.#traced.set(key, traced + 1);
      reference.run(one, coverage.execute);
    }
  }
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
