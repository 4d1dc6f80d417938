/**
 * A campaign from start to end, or to where it is stopped: in this thread if it is short, else in as many as there are cores.
 */
import { existsSync } from 'node:fs';
import type { Campaign } from '../../sweep/campaign.ts';
import { campaignId } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { emptyReport, SlicedWorker, unitCount, Units } from '../../sweep/units.ts';
import type { UnitsRequest, UnitWorker } from '../../sweep/units.ts';
import { breathe, defaultJobs, startSweepThreads } from './sweep-workers.ts';
import type { WorkerRequest } from './sweep-workers.ts';

/** Most sweeps are over before threads are up: so long, ms, a sweep has to show that it is not one of them. What it does then of a unit that is not finished is done again. */
const HEAD_START_MS = 500;

export interface RunRequest extends Pick<UnitsRequest, 'before' | 'onUnit' | 'onProgress'> {
  /** From which a thread makes the same campaign. */
  readonly worker: WorkerRequest;
  /** The bundle that threads run; without the file everything runs in this thread. */
  readonly script: string;
  /** Threads, started at once. Default: one for each core, once the sweep has run for a moment. */
  readonly jobs?: number;
  /** Stops the run; what is known until then is the result. */
  readonly signal?: AbortSignal;
}

/** The report of all cases, or of those run until the signal. Rejects with CampaignError if a thread fails. */
export async function runCampaign(campaign: Campaign, request: RunRequest): Promise<SweepReport> {
  const { signal } = request;
  const { unitSize, total } = campaign;
  const empty = emptyReport(campaign);
  let { before } = request;
  const run = (workers: readonly UnitWorker[], stopped: AbortSignal | undefined): Promise<SweepReport> => runUnits({
    empty, unitSize, workers, ...(before === undefined ? {} : { before }),
    onUnit: (units, report) => {
      before = { units: [...units], report };
      request.onUnit?.(units, report);
    },
    ...(request.onProgress === undefined ? {} : { onProgress: request.onProgress }),
  }, stopped);
  const here = (): UnitWorker => new SlicedWorker(campaign, () => performance.now(), breathe);
  const jobs = (): number => Math.min(request.jobs ?? defaultJobs(), unitCount(total, unitSize) - (before?.units.length ?? 0));
  if (jobs() <= 1 || !existsSync(request.script)) return run([here()], signal);
  if (request.jobs === undefined) {
    const report = await run([here()], AbortSignal.any([AbortSignal.timeout(HEAD_START_MS), ...signal === undefined ? [] : [signal]]));
    if (report.cases === report.planned || signal?.aborted === true) return report;
  }
  const threads = await startSweepThreads(jobs(), request.worker, request.script, campaignId(campaign));
  try {
    return await run(threads.workers, signal);
  } finally {
    await threads.close();
  }
}

async function runUnits(request: UnitsRequest, signal: AbortSignal | undefined): Promise<SweepReport> {
  const units = new Units(request);
  const stop = (): void => { units.stop(); };
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  try {
    return await units.run();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
