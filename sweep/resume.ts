/** What an interrupted campaign leaves behind, so that it can go on: the units that are done and their sum. */
import * as z from 'zod/mini';
import { sweepReportSchema } from './report-schema.ts';
import type { SweepReport } from './report-schema.ts';
import { unitCount } from './units.ts';

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Each routine's, by its name. */
  routines: z.record(z.string(), z.strictObject({
    unitSize: z.int().check(z.minimum(1)),
    units: z.array(z.int().check(z.minimum(0))),
    report: sweepReportSchema,
  })),
});

export type SweepState = z.infer<typeof stateSchema>;
export type RoutineState = SweepState['routines'][string];

export const EMPTY_STATE: SweepState = { version: 1, routines: {} };

/** Why a state cannot be gone on from. */
export class ResumeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ResumeError';
  }
}

/** The state in a file's text. `name` is for messages. Throws ResumeError. */
export function readState(text: string, name: string): SweepState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ResumeError(`${name} is no state of an interrupted sweep: it is not JSON; name another file`);
  }
  const parsed = stateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ResumeError(`${name} is no state of an interrupted sweep: ${issue!.path.map(String).join('.')}: ${issue!.message}`);
}

/** What the state knows of the campaign whose empty report is given; undefined if nothing. Throws ResumeError if it is of another campaign. */
export function resumed(state: SweepState, empty: SweepReport, unitSize: number, name: string): RoutineState | undefined {
  const known = Object.hasOwn(state.routines, empty.routine) ? state.routines[empty.routine] : undefined;
  const other = Object.values(state.routines).find(({ report }) => report.program !== empty.program);
  if (other !== undefined) throw new ResumeError(`${name} is of a sweep of ${other.report.program}, not of ${empty.program}; name another file, or remove it to start over`);
  if (known === undefined) return undefined;
  if (known.report.campaign !== empty.campaign || JSON.stringify(known.report.space.shard) !== JSON.stringify(empty.space.shard) || known.unitSize !== unitSize) {
    throw new ResumeError(`${name} is of another campaign of ${empty.routine}: the program or the options have changed since; name another file, or remove it to start over`);
  }
  const units = unitCount(empty.planned, unitSize);
  const cases = known.units.reduce((sum, unit) => sum + Math.min(unitSize, empty.planned - unit * unitSize), 0);
  if (known.units.some((unit) => unit >= units) || new Set(known.units).size !== known.units.length || known.report.cases !== cases) {
    throw new ResumeError(`${name} does not add up: its units have ${String(cases)} cases, its report ${String(known.report.cases)}; remove it to start over`);
  }
  return known;
}
