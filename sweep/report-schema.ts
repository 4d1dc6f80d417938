/** The report of a campaign, or of a part of one, as data. */
import * as z from 'zod/mini';
import { launchSchema } from '../machine/scenario/schema.ts';
import { CLAUSES } from './judging/clauses.ts';
import type { ClauseName } from './judging/clauses.ts';
import { MAX_CELLS } from './heat.ts';
import { FAULT_KINDS } from './space.ts';

const count = z.int().check(z.minimum(0));

const placeFields = {
  address: z.string(),
  name: z.string(),
  text: z.string(),
  file: z.optional(z.string()),
  line: z.optional(z.int()),
};

const caseSchema = z.strictObject({
  index: count, target: count, kind: z.enum(FAULT_KINDS), n: count, srcOffset: count, dstOffset: count, position: count, second: count,
});

const failureSchema = z.strictObject({
  clause: z.enum(Object.keys(CLAUSES) as ClauseName[]),
  promise: z.string(),
  instruction: z.strictObject(placeFields),
  cases: count,
  byKind: z.partialRecord(z.enum(FAULT_KINDS), count),
  targets: z.array(count),
  smallest: caseSchema,
  message: z.string(),
  launch: launchSchema,
});

const coverageSchema = z.strictObject({
  target: z.string(),
  instructions: z.array(z.strictObject({
    ...placeFields, executed: z.boolean(), access: z.boolean(), entry: z.boolean(), faults: z.record(z.string(), count), unreachable: z.optional(z.string()),
  })),
  executed: count, total: count, entriesReached: count, entries: count, accessesFaulted: count, accesses: count,
  /** Rows of the kernel's severity table by which machine checks were graded. */
  severityRows: z.array(z.strictObject({ row: count, severity: z.string(), message: z.string() })),
});

/** See heat.ts. */
const heatSchema = z.strictObject({
  from: count, step: count, lengthStep: count, positionStep: count,
  rows: z.partialRecord(z.enum(FAULT_KINDS), z.array(z.string().check(z.regex(/^(\d{1,15}(\/\d{1,15})?( \d{1,15}(\/\d{1,15})?){0,65})?$/))).check(z.maxLength(MAX_CELLS + 1))),
});

export const sweepReportSchema = z.strictObject({
  version: z.literal(1),
  /** The same for all parts of one campaign, and for nothing else. */
  campaign: z.string(),
  program: z.string(),
  routine: z.string(),
  contract: z.strictObject({
    kind: z.string(), arguments: z.record(z.string(), z.string()), returns: z.optional(z.string()), answer: z.optional(z.string()), trap: z.optional(z.string()), machineCheckBit: z.optional(count),
    clobbers: z.optional(z.array(z.string())), promises: z.optional(z.record(z.string(), z.string())), user: z.array(z.string()), origin: z.string(),
    progress: z.optional(count), maxExceptions: count, helpers: z.array(z.string()),
  }),
  targets: z.array(z.string()),
  space: z.strictObject({
    size: count,
    axes: z.array(z.string()),
    /** The axes in one line. */
    summary: z.string(),
    /** Observed in runs without a fault: from length `from` on, up to `to`, each takes the same branches as the one `period` less. */
    period: z.optional(z.strictObject({ from: count, period: count, to: count })),
    shard: z.optional(z.strictObject({ parts: z.array(count), count })),
    random: z.optional(z.strictObject({ count, seed: count })),
  }),
  /** Cases run, cases that were to be run, cases that broke a promise. */
  cases: count,
  planned: count,
  violating: count,
  failures: z.array(failureSchema),
  heat: heatSchema,
  coverage: z.array(coverageSchema),
});

export type SweepReport = z.infer<typeof sweepReportSchema>;
export type SweepFailure = SweepReport['failures'][number];

/** JSON Schema (draft 7) of what `mcsafe sweep --json` prints: the report of one routine, or an array for several. */
export function sweepReportJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(z.union([sweepReportSchema, z.array(sweepReportSchema).check(z.minLength(2))]), { target: 'draft-7', io: 'input', reused: 'ref' });
}
