/**
 * `mcsafe sweep`: a routine against every fault of a space.
 */
import { join } from 'node:path';
import { CampaignError } from '../../host/campaign-error.ts';
import { prepareCampaign, routinesWithEntries } from '../../host/campaign.ts';
import type { CampaignOptions } from '../../host/campaign.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { runCampaign } from '../../host/node/run-campaign.ts';
import { shardFromEnvironment } from '../../host/shards.ts';
import type { Campaign } from '../../sweep/campaign.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { emptyReport } from '../../sweep/units.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sourceAttributes } from '../launch-options.ts';
import type { SourceOptions } from '../launch-options.ts';
import { SweepProgress } from '../sweep-progress.ts';
import { parseReports, reportJson, writeReports } from '../sweep-reports.ts';
import { ResumeFile } from '../sweep-resume.ts';
import { sweepText } from '../sweep-text.ts';

export interface SweepOptions extends Omit<SourceOptions, 'kernel'>, Omit<CampaignOptions, 'source'> {
  /** Parts of a sweep whose number the environment tells. */
  readonly shardCount?: number;
  /** Threads. */
  readonly jobs?: number;
  /** `FORMAT=FILE`. */
  readonly report?: readonly string[];
  /** File to go on from. */
  readonly resume?: string;
  readonly json?: boolean;
}

/** What threads run; beside the bundle of the command. */
const THREAD_SCRIPT = join(__dirname, 'sweep-worker.cjs');

/** Sweeps the routine named, or one after the other all that have entries. */
export async function sweep(argument: string, flags: SweepOptions): Promise<number> {
  const host = nodeHost();
  const files = parseReports(flags.report ?? [], host);
  const options = withShard(flags);
  const resume = options.resume === undefined ? undefined : new ResumeFile(options.resume, host);
  const several = await asCommand(routinesWithEntries(argument, campaignOptions(options), host));
  const interruption = new Interruption();
  const reports: SweepReport[] = [];
  const statuses: number[] = [];
  try {
    for (const routine of several.length < 2 ? [argument] : several) {
      if (interruption.signal.aborted) break;
      try {
        const report = await sweepOne(routine, several.length < 2 ? options : { ...options, forSeveral: true }, { host, resume, signal: interruption.signal });
        reports.push(report);
        statuses.push(report.violating > 0 ? EXIT.FOUND : EXIT.OK);
        if (options.json !== true) process.stdout.write(`${reports.length > 1 ? '\n' : ''}${sweepText(report, report.cases < report.planned)}`);
      } catch (error) {
        if (!(error instanceof CommandError) || several.length < 2) throw error;
        process.stderr.write(`mcsafe: ${error.message}\n`);
        statuses.push(EXIT.FAILED);
      }
    }
  } finally {
    interruption.end();
  }
  if (options.json === true && reports.length > 0) process.stdout.write(reportJson(reports));
  writeReports(files, reports, host);
  return interruption.status ?? [EXIT.FOUND, EXIT.FAILED].find((status) => statuses.includes(status)) ?? EXIT.OK;
}

interface Surroundings {
  readonly host: Host;
  readonly resume: ResumeFile | undefined;
  readonly signal: AbortSignal;
}

async function sweepOne(argument: string, options: SweepOptions, { host, resume, signal }: Surroundings): Promise<SweepReport> {
  const campaign = await prepare(argument, options, host);
  const { unitSize } = campaign;
  const before = resume?.known(emptyReport(campaign), unitSize);
  const progress = new SweepProgress(process.stderr, campaign.total, before?.report.cases ?? 0);
  try {
    return await asCommand(runCampaign(campaign, {
      worker: { argument, options: campaignOptions(options), workingFolder: host.workingFolder, trusted: true, texts: new Map() },
      script: THREAD_SCRIPT, signal, onProgress: progress.update,
      ...(options.jobs === undefined ? {} : { jobs: options.jobs }), ...(before === undefined ? {} : { before }),
      ...(resume === undefined ? {} : { onUnit: (units, report) => { resume.save(unitSize, units, report); } }),
    }));
  } finally {
    progress.end();
    resume?.close();
  }
}

/** As {@link prepareCampaign}, from the flags. Rejects with CommandError. */
export function prepare(argument: string, options: SweepOptions, host: Host): Promise<Campaign> {
  return asCommand(prepareCampaign(argument, campaignOptions(options), host));
}

/** The part that the environment asks for, unless a flag does; said, because it is not what was typed. */
function withShard(options: SweepOptions): SweepOptions {
  if (options.shard !== undefined) {
    if (options.shardCount !== undefined) throw new CommandError('--shard i/n and --shard-count say the same thing; give one of them');
    return options;
  }
  try {
    const found = shardFromEnvironment(process.env, options.shardCount);
    if (found === undefined) return options;
    const shard = `${String(found.shard.index)}/${String(found.shard.count)}`;
    process.stderr.write(`mcsafe: part ${shard}, as ${found.from} says (--shard overrules it)\n`);
    return { ...options, shard };
  } catch (error) {
    if (error instanceof CampaignError) throw new CommandError(error.message);
    throw error;
  }
}

function campaignOptions({ include, define, encoder, contract, n, faults, srcOffsets, dstOffsets, profile, kernel, progress, exceptions, helper, budget, shard, random, seed, forSeveral }: SweepOptions): CampaignOptions {
  const source = sourceAttributes([], {
    ...(include === undefined ? {} : { include }), ...(define === undefined ? {} : { define }), ...(encoder === undefined ? {} : { encoder }),
  });
  const given = { source, contract, n, faults, srcOffsets, dstOffsets, profile, kernel, progress, exceptions, helper, budget, shard, random, seed, forSeveral };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function asCommand<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof CampaignError) throw new CommandError(error.message);
    throw error;
  }
}

/** Exit statuses as a shell gives them to what a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ctrl-C, or the end of a job's time, ends the sweep with what is known; a second one ends it at once. */
class Interruption {
  readonly #controller = new AbortController();
  #status: number | undefined;
  readonly #listeners = Object.entries(SIGNALS).map(([name, status]) => [name, () => {
    this.end();
    this.#status = status;
    this.#controller.abort();
  }] as const);

  constructor() {
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit status, if a signal came. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Signals do again what they do by themselves. */
  end(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
