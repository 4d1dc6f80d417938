/**
 * `--report FORMAT=FILE`: the reports of a sweep as files. What each format looks like is in sweep/reports/.
 */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Host } from '../host/host.ts';
import { writeFile } from '../host/node/output.ts';
import type { SweepReport } from '../sweep/report-schema.ts';
import { namedSources, sweepHtml } from '../sweep/reports/html.ts';
import { sweepJunit } from '../sweep/reports/junit.ts';
import { sweepSarif } from '../sweep/reports/sarif.ts';
import { CommandError } from './exit-codes.ts';
import { VERSION } from './version.ts';

type Writer = (reports: readonly SweepReport[], host: Host) => string;

export const REPORT_FORMATS = {
  json: (reports: readonly SweepReport[]): string => reportJson(reports),
  junit: (reports: readonly SweepReport[]): string => sweepJunit(reports),
  sarif: (reports: readonly SweepReport[]): string => `${JSON.stringify(sweepSarif(reports, VERSION), undefined, 2)}\n`,
  html: (reports: readonly SweepReport[], host: Host): string => sweepHtml({ reports, version: VERSION, sources: namedSources(reports, (path) => text(host.files.read(path))) }),
} as const satisfies Readonly<Record<string, Writer>>;
export type ReportFormat = keyof typeof REPORT_FORMATS;

export interface ReportFile {
  readonly format: ReportFormat;
  /** Absolute. */
  readonly path: string;
}

/** `html=out.html`, each; several may be separated by commas. Throws CommandError for what is none, and for a file that cannot be written. */
export function parseReports(texts: readonly string[], host: Host): readonly ReportFile[] {
  const files = texts.flatMap((text) => text.split(',')).map((text): ReportFile => {
    const equals = text.indexOf('=');
    const format = text.slice(0, Math.max(0, equals));
    const name = text.slice(equals + 1);
    if (!Object.hasOwn(REPORT_FORMATS, format) || name === '') throw new CommandError(`--report wants FORMAT=FILE with ${Object.keys(REPORT_FORMATS).join(', ')} as the format, not "${text}"`);
    return { format: format as ReportFormat, path: host.resolve(host.workingFolder, name) };
  });
  const twice = files.find(({ path }, i) => files.findIndex((other) => other.path === path) !== i);
  if (twice !== undefined) throw new CommandError(`--report: ${twice.path} is to hold two reports`);
  for (const { path } of files) checkWritable(path);
  return files;
}

/** Writes the reports. Throws CommandError if one cannot be written, after the others. */
export function writeReports(files: readonly ReportFile[], reports: readonly SweepReport[], host: Host): void {
  const failures = files.flatMap(({ format, path }) => {
    try {
      writeFile(path, (REPORT_FORMATS[format] as Writer)(reports, host));
      return [];
    } catch (error) {
      return [`cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  if (failures.length > 0) throw new CommandError(failures.join('\n'));
}

/** One object for one routine, an array for several. */
export function reportJson(reports: readonly SweepReport[]): string {
  return `${JSON.stringify(reports.length === 1 ? reports[0] : reports, undefined, 2)}\n`;
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** To be told before an hour of work, not after it. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch {
    throw new CommandError(`cannot write ${path}: the folder ${dirname(path)} is not there, or not writable`);
  }
}
