/**
 * A campaign in units: pieces of fixed size that are run each for itself, by whoever is free, and added up. What a unit shows depends on
 * its cases alone (see {@link Campaign.begin}), so the sum is the same whatever the number of workers and whichever unit ended first.
 */
import type { Campaign } from './campaign.ts';
import { addReports } from './merge.ts';
import { campaignReport } from './report.ts';
import type { SweepReport } from './report-schema.ts';

/** How far a unit is. */
export interface UnitProgress {
  readonly done: number;
  readonly violating: number;
}

/** Somebody who runs units, one at a time. This folder starts none; it is handed them. */
export interface UnitWorker {
  /** The report of the cases `from` to `to` (excluded); of fewer if it was stopped. Rejects if the worker dies. */
  run(from: number, to: number, onProgress: (progress: UnitProgress) => void): Promise<SweepReport>;
  /** Ends the unit that is being run after the cases in hand. */
  stop(): void;
}

export interface UnitsRequest {
  /** Report of no case, with everything that is known before the first. */
  readonly empty: SweepReport;
  readonly unitSize: number;
  readonly workers: readonly UnitWorker[];
  /** What was done earlier: units by their numbers, and their sum. */
  readonly before?: { readonly units: readonly number[]; readonly report: SweepReport };
  /** Called after each whole unit with the numbers of those that are done and their sum. */
  readonly onUnit?: (units: readonly number[], report: SweepReport) => void;
  /** Called often: cases run and cases that broke a promise, of all units together. */
  readonly onProgress?: (progress: UnitProgress) => void;
}

/** How many units a campaign of `total` cases has. */
export function unitCount(total: number, unitSize: number): number {
  return Math.ceil(total / unitSize);
}

/** Report of no case of the campaign. */
export function emptyReport(campaign: Campaign): SweepReport {
  campaign.begin(0, 0);
  return { ...campaignReport(campaign), planned: campaign.total };
}

/** Runs what is left of a campaign. */
export class Units {
  readonly #request: UnitsRequest;
  readonly #done: number[];
  readonly #queue: number[];
  /** Cases of units in hand. */
  readonly #inHand = new Map<UnitWorker, UnitProgress>();
  /** The sum of whole units, and of parts of units that were stopped. */
  #whole: SweepReport;
  readonly #parts: SweepReport[] = [];
  #stopped = false;

  constructor(request: UnitsRequest) {
    this.#request = request;
    const { before, empty, unitSize } = request;
    const done = new Set(before?.units);
    this.#done = [...done];
    this.#queue = Array.from({ length: unitCount(empty.planned, unitSize) }, (_, unit) => unit).filter((unit) => !done.has(unit));
    this.#whole = before?.report ?? empty;
  }

  /** To the end, or to {@link stop}; then of the cases run until then. */
  async run(): Promise<SweepReport> {
    const { workers } = this.#request;
    await Promise.all(workers.slice(0, Math.max(1, this.#queue.length)).map((worker) => this.#work(worker)));
    return this.#sum([this.#whole, ...this.#parts]);
  }

  /** Ends the run soon; nothing of what is known is lost. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#request.workers) worker.stop();
  }

  async #work(worker: UnitWorker): Promise<void> {
    const { unitSize, empty: { planned }, onUnit } = this.#request;
    for (let unit = this.#next(); unit !== undefined; unit = this.#next()) {
      const from = unit * unitSize, to = Math.min(planned, from + unitSize);
      const report = await worker.run(from, to, (progress) => {
        this.#inHand.set(worker, progress);
        this.#tell();
      });
      this.#inHand.delete(worker);
      if (report.cases === to - from) {
        this.#whole = this.#sum([this.#whole, report]);
        this.#done.push(unit);
        onUnit?.(this.#done, this.#whole);
      } else this.#parts.push(report);
      this.#tell();
    }
  }

  #next(): number | undefined {
    return this.#stopped ? undefined : this.#queue.shift();
  }

  /** Units are planned one by one, the campaign as a whole. */
  #sum(reports: readonly SweepReport[]): SweepReport {
    return { ...addReports(reports), planned: this.#request.empty.planned };
  }

  #tell(): void {
    const reports = [this.#whole, ...this.#parts];
    const inHand = [...this.#inHand.values()];
    this.#request.onProgress?.({
      done: sum(reports.map(({ cases }) => cases)) + sum(inHand.map(({ done }) => done)),
      violating: sum(reports.map(({ violating }) => violating)) + sum(inHand.map(({ violating }) => violating)),
    });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Time between two looks at the keyboard and the clock, ms. */
const SLICE_MS = 100;

/** A worker in the thread that asks: runs a slice of time, breathes, runs the next. */
export class SlicedWorker implements UnitWorker {
  readonly #campaign: Campaign;
  readonly #clock: () => number;
  readonly #breathe: () => Promise<void>;
  #stopped = false;
  /** Cases of the next slice. */
  #chunk = 16;

  /** `clock` in ms; `breathe` lets everything else of the thread have its turn. */
  constructor(campaign: Campaign, clock: () => number, breathe: () => Promise<void>) {
    this.#campaign = campaign;
    this.#clock = clock;
    this.#breathe = breathe;
  }

  async run(from: number, to: number, onProgress: (progress: UnitProgress) => void): Promise<SweepReport> {
    const campaign = this.#campaign;
    campaign.begin(from, to);
    while (!campaign.finished && !this.#stopped) {
      const before = this.#clock();
      campaign.run(this.#chunk);
      this.#chunk = Math.max(1, Math.min(2 ** 20, Math.round(this.#chunk * Math.min(4, SLICE_MS / Math.max(this.#clock() - before, 1)))));
      onProgress({ done: campaign.done, violating: campaign.violating });
      await this.#breathe();
    }
    return campaignReport(campaign);
  }

  stop(): void {
    this.#stopped = true;
  }
}
