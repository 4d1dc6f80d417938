/** Reports of the parts of one campaign, put together: the same numbers as if it had run in one piece. */
import { compareCases, compareClasses } from './failures.ts';
import { addHeat } from './heat.ts';
import { FAULT_KINDS } from './space.ts';
import type { SweepFailure, SweepReport } from './report-schema.ts';

/** Why parts cannot be put together. */
export class MergeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MergeError';
  }
}

/** What one file holds: the reports of one part, one for each routine swept. The name is for messages. */
export interface ReportPart {
  readonly name: string;
  readonly reports: readonly SweepReport[];
}

/**
 * Merges the parts, routine by routine. Throws MergeError for parts of different campaigns, for a part given twice and for one that does
 * not fit the others although it says that it does.
 */
export function mergeReports(parts: readonly ReportPart[]): readonly SweepReport[] {
  const [first] = parts;
  if (first === undefined) return [];
  for (const { name, reports } of parts) {
    const strange = reports.find(({ campaign }) => !first.reports.some((other) => other.campaign === campaign));
    if (strange !== undefined) {
      const expected = first.reports.find(({ routine }) => routine === strange.routine) ?? first.reports[0]!;
      throw new MergeError(`${name} is of another campaign (${strange.routine}, ${strange.campaign}) than ${first.name} (${expected.routine}, ${expected.campaign}): the program or the options differ`);
    }
    const absent = first.reports.find(({ campaign }) => !reports.some((other) => other.campaign === campaign));
    if (absent !== undefined) throw new MergeError(`${name} has no report of ${absent.routine}, which ${first.name} has`);
  }
  return first.reports.map(({ campaign }) => mergeRoutine(parts.map(({ name, reports }) => ({ name, report: reports.find((one) => one.campaign === campaign)! }))));
}

function mergeRoutine(parts: readonly { readonly name: string; readonly report: SweepReport }[]): SweepReport {
  const first = parts[0]!;
  const seen = new Map<number, string>();
  const count = first.report.space.shard?.count ?? 1;
  for (const { name, report } of parts) {
    const parts = report.space.shard?.count ?? 1;
    if (parts !== count) throw new MergeError(`${name} is of a sweep in ${parts === 1 ? 'one piece' : `${String(parts)} parts`}, ${first.name} of one in ${String(count)}`);
    if (!fits(report, first.report)) throw new MergeError(`${name} says that it is of the same campaign as ${first.name}, but has another space or other instructions; it was changed`);
    for (const part of report.space.shard?.parts ?? [1]) {
      const other = seen.get(part);
      if (other !== undefined) throw new MergeError(`part ${String(part)} is in ${other} and in ${name}`);
      seen.set(part, name);
    }
  }
  const { size, axes, summary, period, random } = first.report.space;
  return {
    ...addReports(parts.map(({ report }) => report)),
    space: { size, axes, summary, ...(period === undefined ? {} : { period }), ...(random === undefined ? {} : { random }), ...(seen.size === count ? {} : { shard: { parts: [...seen.keys()].sort((a, b) => a - b), count } }) },
  };
}

/** Whether two reports are about the same cases and the same instructions. */
function fits(a: SweepReport, b: SweepReport): boolean {
  return a.space.size === b.space.size && a.coverage.length === b.coverage.length
    && a.coverage.every(({ instructions }, i) => instructions.length === b.coverage[i]!.instructions.length && instructions.every(({ address }, j) => address === b.coverage[i]!.instructions[j]!.address));
}

/** What all of them found together. They must be of one campaign, and no case may be in two; in which order they come makes no difference. */
export function addReports(reports: readonly SweepReport[]): SweepReport {
  const first = reports[0]!;
  const total = (of: (report: SweepReport) => number): number => reports.reduce((sum, report) => sum + of(report), 0);
  return {
    ...first,
    cases: total(({ cases }) => cases), planned: total(({ planned }) => planned), violating: total(({ violating }) => violating),
    failures: addFailures(reports.flatMap(({ failures }) => failures)),
    heat: { ...first.heat, rows: Object.fromEntries(Object.entries(addHeat(reports.map(({ heat }) => heat)).rows).map(([kind, rows]) => [kind, [...rows]])) },
    coverage: first.coverage.map((_part, i) => addCoverage(reports.map(({ coverage }) => coverage[i]!))),
  };
}

function addFailures(failures: readonly SweepFailure[]): SweepFailure[] {
  const classes = new Map<string, SweepFailure>();
  for (const failure of failures) {
    const key = `${failure.clause} ${failure.promise} ${failure.instruction.address}`;
    const known = classes.get(key);
    if (known === undefined) {
      classes.set(key, failure);
      continue;
    }
    const smaller = compareCases(failure.smallest, known.smallest) < 0 ? failure : known;
    classes.set(key, {
      ...smaller, cases: known.cases + failure.cases, byKind: addCounts(known.byKind, failure.byKind, FAULT_KINDS),
      targets: [...new Set([...known.targets, ...failure.targets])].sort((a, b) => a - b),
    });
  }
  return [...classes.values()].sort((a, b) => compareClasses(a, b) || Number(BigInt(a.instruction.address) - BigInt(b.instruction.address)));
}

type CoverageOfTarget = SweepReport['coverage'][number];

function addCoverage(parts: readonly CoverageOfTarget[]): CoverageOfTarget {
  const first = parts[0]!;
  const instructions = first.instructions.map(({ unreachable, ...instruction }, i) => ({
    ...instruction,
    // A reason that another part disproves is none.
    ...(unreachable !== undefined && parts.every((part) => part.instructions[i]!.unreachable === unreachable) ? { unreachable } : {}),
    executed: parts.some((part) => part.instructions[i]!.executed),
    faults: parts.map((part) => part.instructions[i]!.faults).reduce((a, b) => addCounts(a, b)),
  }));
  const faulted = ({ faults }: { readonly faults: Readonly<Record<string, number>> }): boolean => Object.keys(faults).length > 0;
  return {
    ...first, instructions,
    severityRows: [...new Map(parts.flatMap(({ severityRows }) => severityRows).map((row) => [row.row, row])).values()].sort((a, b) => a.row - b.row),
    executed: instructions.filter(({ executed }) => executed).length,
    entriesReached: instructions.filter((one) => one.entry && faulted(one)).length,
    accessesFaulted: instructions.filter((one) => one.access && faulted(one)).length,
  };
}

/** Keys in the order given, so that the sum is the same whichever came first; numbers need none. */
function addCounts<K extends string>(a: Partial<Record<K, number>>, b: Partial<Record<K, number>>, order?: readonly K[]): Record<K, number> {
  const keys = order?.filter((key) => key in a || key in b) ?? [...new Set([...Object.keys(a), ...Object.keys(b)])] as K[];
  return Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)])) as Record<K, number>;
}
