/**
 * `mcsafe sweep merge`: the JSON reports of a campaign's shards as one.
 */
import { nodeHost } from '../../host/node/host.ts';
import { mergeReports, MergeError } from '../../sweep/merge.ts';
import { sweepReportSchema } from '../../sweep/report-schema.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sweepText } from '../sweep-text.ts';

export function sweepMerge(files: readonly string[], { json }: { readonly json?: boolean }): Promise<number> {
  const report = merged(files);
  process.stdout.write(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : sweepText(report, false));
  return Promise.resolve(report.violating > 0 ? EXIT.FOUND : EXIT.OK);
}

/** The merged report of the files. Throws CommandError where a file cannot be read or the parts do not belong together. */
export function merged(files: readonly string[]): SweepReport {
  try {
    return mergeReports(files.map((name) => ({ name, report: readReport(name) })));
  } catch (error) {
    if (error instanceof MergeError) throw new CommandError(error.message);
    throw error;
  }
}

function readReport(name: string): SweepReport {
  const host = nodeHost();
  const bytes = host.files.read(host.resolve(host.workingFolder, name));
  if (bytes === undefined) throw new CommandError(`cannot read ${name}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new CommandError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = sweepReportSchema.safeParse(value);
  if (!parsed.success) throw new CommandError(`${name} is no report of mcsafe sweep --json: ${parsed.error.issues[0]!.path.join('.')}: ${parsed.error.issues[0]!.message}`);
  return parsed.data;
}
