/**
 * `mcsafe sweep merge`: the JSON reports of a campaign's shards as one.
 */
import { nodeHost } from '../../host/node/host.ts';
import { mergeReports, MergeError } from '../../sweep/merge.ts';
import { readReports, ReportError } from '../../sweep/read-report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { parseReports, reportJson, writeReports } from '../sweep-reports.ts';
import { sweepText } from '../sweep-text.ts';

export interface MergeOptions {
  readonly json?: boolean;
  readonly report?: readonly string[];
}

/** Merges what can be read; a file that cannot be is named, left out, and makes the status that of a failure. */
export function sweepMerge(names: readonly string[], { json, report = [] }: MergeOptions): Promise<number> {
  const host = nodeHost();
  const files = parseReports(report, host);
  const { reports, unreadable } = merged(names);
  for (const message of unreadable) process.stderr.write(`mcsafe: ${message}; left out\n`);
  if (reports.length === 0) throw new CommandError('none of the files could be read');
  process.stdout.write(json === true ? reportJson(reports) : reports.map((one) => sweepText(one, false)).join('\n'));
  writeReports(files, reports, host);
  return Promise.resolve(unreadable.length > 0 ? EXIT.FAILED : reports.some(({ violating }) => violating > 0) ? EXIT.FOUND : EXIT.OK);
}

/**
 * The merged reports of the files, one for each routine that they are about, and what is wrong with files that cannot be read or are of no whole part.
 * Throws CommandError where the parts do not belong together.
 */
export function merged(names: readonly string[]): { readonly reports: readonly SweepReport[]; readonly unreadable: readonly string[] } {
  const host = nodeHost();
  const parts: { readonly name: string; readonly reports: readonly SweepReport[] }[] = [];
  const unreadable: string[] = [];
  for (const name of names) {
    const bytes = host.files.read(host.resolve(host.workingFolder, name));
    try {
      if (bytes === undefined) throw new ReportError(`cannot read ${name}`);
      const reports = readReports(new TextDecoder().decode(bytes), name);
      const unfinished = reports.find(({ cases, planned }) => cases < planned);
      if (unfinished !== undefined) throw new ReportError(`${name} was interrupted after ${String(unfinished.cases)} of ${String(unfinished.planned)} cases of ${unfinished.routine}; run that part again`);
      parts.push({ name, reports });
    } catch (error) {
      if (!(error instanceof ReportError)) throw error;
      unreadable.push(error.message);
    }
  }
  try {
    return { unreadable, reports: mergeReports(parts) };
  } catch (error) {
    if (error instanceof MergeError) throw new CommandError(error.message);
    throw error;
  }
}
