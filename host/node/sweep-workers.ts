/**
 * Worker threads for sweeps: each prepares the campaign for itself and then runs units of it.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SweepReport } from '../../sweep/report-schema.ts';
import type { UnitProgress, UnitWorker } from '../../sweep/units.ts';
import type { CampaignOptions } from '../campaign.ts';
import { CampaignError } from '../campaign-error.ts';
import type { Host } from '../host.ts';

/** What a thread is told at its start. */
export interface WorkerRequest {
  /** `FILE` or `FILE:routine`. */
  readonly argument: string;
  readonly options: CampaignOptions;
  readonly workingFolder: string;
  readonly trusted: boolean;
  /** Files whose text is not what the disk has. */
  readonly texts: ReadonlyMap<string, string>;
}

export type ToWorker = 'stop' | { readonly from: number; readonly to: number };
export type FromWorker = { readonly ready: string } | { readonly progress: UnitProgress } | { readonly report: SweepReport };

/** Threads worth starting: as many as the machine, or the limits this process runs under, have cores. */
export function defaultJobs(): number {
  return availableParallelism();
}

export interface SweepThreads {
  readonly workers: readonly UnitWorker[];
  close(): Promise<void>;
}

/**
 * Starts `count` threads that run `script` (the bundle of sweep-worker.ts) and waits until all are ready. Rejects with CampaignError if one
 * cannot start, or reads another campaign than `campaign`: then a file has changed meanwhile.
 */
export async function startSweepThreads(count: number, request: WorkerRequest, script: string, campaign: string): Promise<SweepThreads> {
  const threads = Array.from({ length: count }, () => new SweepThread(script, request));
  const close = async (): Promise<void> => { await Promise.all(threads.map((thread) => thread.close())); };
  try {
    const ready = await Promise.all(threads.map((thread) => thread.ready));
    if (ready.some((id) => id !== campaign)) throw new CampaignError('the program changed while it was read; sweep it again');
  } catch (error) {
    await close();
    throw error;
  }
  return { workers: threads, close };
}

class SweepThread implements UnitWorker {
  readonly ready: Promise<string>;
  readonly #thread: Worker;
  #onMessage: (message: FromWorker) => void = () => undefined;
  #onFailure: (error: Error) => void = () => undefined;
  #failure: Error | undefined;

  constructor(script: string, request: WorkerRequest) {
    this.#thread = new Worker(script, { workerData: request });
    this.#thread.on('message', (message: FromWorker) => { this.#onMessage(message); });
    const fail = (why: string): void => { this.#onFailure(this.#failure ??= new CampaignError(why)); };
    this.#thread.on('error', (error) => { fail(`a worker thread failed: ${error instanceof Error ? error.message : String(error)}`); });
    this.#thread.on('exit', () => { fail('a worker thread ended before its work did'); });
    this.ready = this.#answer((message) => ('ready' in message ? message.ready : undefined));
  }

  run(from: number, to: number, onProgress: (progress: UnitProgress) => void): Promise<SweepReport> {
    this.#thread.postMessage({ from, to } satisfies ToWorker);
    return this.#answer((message) => {
      if ('progress' in message) onProgress(message.progress);
      return 'report' in message ? message.report : undefined;
    });
  }

  stop(): void {
    this.#thread.postMessage('stop' satisfies ToWorker);
  }

  async close(): Promise<void> {
    this.#onFailure = () => undefined;
    await this.#thread.terminate();
  }

  /** Resolves with the first message that `read` makes something of. */
  #answer<T>(read: (message: FromWorker) => T | undefined): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#onFailure = reject;
      this.#onMessage = (message) => {
        const answer = read(message);
        if (answer !== undefined) resolve(answer);
      };
    });
  }
}

/** Lets messages, signals and timers have their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}

/** The host with some files' texts replaced, as an editor has them. */
export function withTexts(host: Host, texts: ReadonlyMap<string, string>): Host {
  return texts.size === 0 ? host : { ...host, files: { ...host.files, read: (path) => (texts.has(path) ? new TextEncoder().encode(texts.get(path)) : host.files.read(path)) } };
}
