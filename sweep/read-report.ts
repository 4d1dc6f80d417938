/** Reports as `mcsafe sweep --json` writes them, read again. */
import * as z from 'zod/mini';
import { sweepReportSchema } from './report-schema.ts';
import type { SweepReport } from './report-schema.ts';

/** Why a text is no report. */
export class ReportError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReportError';
  }
}

const reportsSchema = z.array(sweepReportSchema).check(z.minLength(1));

/** The reports in a file's text: one, or an array of them. `name` is for messages. Throws ReportError. */
export function readReports(text: string, name: string): readonly SweepReport[] {
  if (text.trim() === '') throw new ReportError(`${name} is empty: the sweep that was to write it did not come to its end`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ReportError(`${name} is no report of mcsafe sweep --json: it is not JSON, or was cut off`);
  }
  const parsed = reportsSchema.safeParse(Array.isArray(value) ? value : [value]);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ReportError(`${name} is no report of mcsafe sweep --json: ${issue!.path.slice(1).map(String).join('.')}: ${issue!.message}`);
}
