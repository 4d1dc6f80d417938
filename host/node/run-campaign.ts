/**
 * A campaign from start to end, or to where it is stopped: in this thread if it is short, else in as many as there are cores.
 */
import { existsSync } from 'node:fs';
import type { Campaign } from '../../sweep/campaign.ts';
import { campaignId } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { emptyReport, SlicedWorker, unitCount, Units } from '../../sweep/units.ts';
import type { UnitsRequest } from '../../sweep/units.ts';
import { breathe, defaultJobs, startSweepThreads } from './sweep-workers.ts';
import type { WorkerRequest } from './sweep-workers.ts';

export interface RunRequest extends Pick<UnitsRequest, 'before' | 'onUnit' | 'onProgress'> {
  /** From which a thread makes the same campaign. */
  readonly worker: WorkerRequest;
  /** The bundle that threads run; without the file everything runs in this thread. */
  readonly script: string;
  /** Threads at most. Default: one for each core. */
  readonly jobs?: number;
  /** Stops the run; what is known until then is the result. */
  readonly signal?: AbortSignal;
}

/** The report of all cases, or of those run until the signal. Rejects with CampaignError if a thread fails. */
export async function runCampaign(campaign: Campaign, request: RunRequest): Promise<SweepReport> {
  const { before, onUnit, onProgress, signal } = request;
  const { unitSize, total } = campaign;
  const empty = emptyReport(campaign);
  const left = unitCount(total, unitSize) - (before?.units.length ?? 0);
  const jobs = Math.min(request.jobs ?? defaultJobs(), left);
  const threads = jobs > 1 && existsSync(request.script) ? await startSweepThreads(jobs, request.worker, request.script, campaignId(campaign)) : undefined;
  const units = new Units({
    empty, unitSize, workers: threads?.workers ?? [new SlicedWorker(campaign, () => performance.now(), breathe)],
    ...(before === undefined ? {} : { before }), ...(onUnit === undefined ? {} : { onUnit }), ...(onProgress === undefined ? {} : { onProgress }),
  });
  const stop = (): void => { units.stop(); };
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  try {
    return await units.run();
  } finally {
    signal?.removeEventListener('abort', stop);
    await threads?.close();
  }
}
