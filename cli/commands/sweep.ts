/**
 * `mcsafe sweep`: a routine against every fault of a space.
 */
import { CampaignError, prepareCampaign, routinesWithEntries } from '../../host/campaign.ts';
import type { CampaignOptions } from '../../host/campaign.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import type { Campaign } from '../../sweep/campaign.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sourceAttributes } from '../launch-options.ts';
import type { SourceOptions } from '../launch-options.ts';
import { sweepText } from '../sweep-text.ts';

export interface SweepOptions extends Omit<SourceOptions, 'kernel'>, Omit<CampaignOptions, 'source'> {
  readonly json?: boolean;
}

/** Time between two looks at the keyboard and the clock, ms. */
const SLICE_MS = 100;

/** Sweeps the routine named, or one after the other all that have entries. One report can hold one routine, and so can a shard. */
export async function sweep(argument: string, options: SweepOptions): Promise<number> {
  const host = nodeHost();
  const several = await asCommand(routinesWithEntries(argument, campaignOptions(options), host));
  if (options.json === true || options.shard !== undefined || several.length < 2) {
    const [, ...others] = several;
    if (others.length > 0) process.stderr.write(`mcsafe: not swept: ${others.join(', ')}; a report is of one routine, the first unless FILE:routine names another\n`);
    return sweepOne(argument, options, host);
  }
  const statuses: number[] = [];
  for (const routine of several) {
    try {
      statuses.push(await sweepOne(routine, options, host));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      process.stderr.write(`mcsafe: ${error.message}\n`);
      statuses.push(EXIT.FAILED);
    }
    process.stdout.write('\n');
  }
  return [EXIT.FOUND, EXIT.FAILED].find((status) => statuses.includes(status)) ?? EXIT.OK;
}

async function sweepOne(argument: string, options: SweepOptions, host: Host): Promise<number> {
  const { report, interrupted } = await drive(await prepare(argument, options, host));
  process.stdout.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : sweepText(report, interrupted));
  return report.violating > 0 ? EXIT.FOUND : interrupted ? EXIT.FAILED : EXIT.OK;
}

/** As {@link prepareCampaign}, from the flags. Rejects with CommandError. */
export function prepare(argument: string, options: SweepOptions, host: Host): Promise<Campaign> {
  return asCommand(prepareCampaign(argument, campaignOptions(options), host));
}

function campaignOptions({ include, define, encoder, json: _json, ...options }: SweepOptions): CampaignOptions {
  const source = sourceAttributes([], {
    ...(include === undefined ? {} : { include }), ...(define === undefined ? {} : { define }), ...(encoder === undefined ? {} : { encoder }),
  });
  return { ...options, source };
}

async function asCommand<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof CampaignError) throw new CommandError(error.message);
    throw error;
  }
}

/** Runs the campaign to its end or to Ctrl-C, with a line of progress on a terminal. */
async function drive(campaign: Campaign): Promise<{ readonly report: SweepReport; readonly interrupted: boolean }> {
  let interrupted = false;
  const stop = (): void => { interrupted = true; };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const start = performance.now();
  let chunk = 16;
  try {
    while (!campaign.finished && !interrupted) {
      const before = performance.now();
      campaign.run(chunk);
      const took = performance.now() - before;
      chunk = Math.max(1, Math.min(2 ** 20, Math.round(chunk * Math.min(4, SLICE_MS / Math.max(took, 1)))));
      if (process.stderr.isTTY) process.stderr.write(`\r${progressLine(campaign, (performance.now() - start) / 1000)}\u001b[K`);
      await new Promise((resolve) => { setTimeout(resolve, 0); });
    }
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
  return { report: campaignReport(campaign), interrupted: !campaign.finished };
}

function progressLine({ done, total, violating }: Campaign, seconds: number): string {
  const rate = done / Math.max(seconds, 0.001);
  const left = Math.ceil((total - done) / Math.max(rate, 1));
  return `${String(Math.floor((100 * done) / total))} %  ${done.toLocaleString('en')} of ${total.toLocaleString('en')} cases  ${Math.round(rate).toLocaleString('en')}/s  ${String(left)} s left${violating === 0 ? '' : `  ${violating.toLocaleString('en')} violations`}`;
}
