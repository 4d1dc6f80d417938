/** Reports of the parts of one campaign, put together: the same numbers as if it had run in one piece. */
import { compareCases } from './failures.ts';
import type { SweepFailure, SweepReport } from './report-schema.ts';

/** Why parts cannot be put together. */
export class MergeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MergeError';
  }
}

/** Merges reports; the names (of files) are for messages. Throws MergeError for parts of different campaigns and for a part given twice. */
export function mergeReports(parts: readonly { readonly name: string; readonly report: SweepReport }[]): SweepReport {
  const [first] = parts;
  if (first === undefined) throw new MergeError('no report to merge');
  const seen = new Map<number, string>();
  for (const { name, report } of parts) {
    if (report.campaign !== first.report.campaign) throw new MergeError(`${name} is of another campaign (${report.campaign}) than ${first.name} (${first.report.campaign})`);
    if (report.cases !== report.planned) throw new MergeError(`${name} was interrupted after ${String(report.cases)} of ${String(report.planned)} cases; run that part again`);
    for (const part of report.space.shard?.parts ?? [1]) {
      const other = seen.get(part);
      if (other !== undefined) throw new MergeError(`part ${String(part)} is in ${other} and in ${name}`);
      seen.set(part, name);
    }
  }
  const reports = parts.map(({ report }) => report);
  const total = (of: (report: SweepReport) => number): number => reports.reduce((sum, report) => sum + of(report), 0);
  const count = first.report.space.shard?.count ?? 1;
  const { size, axes, random } = first.report.space;
  return {
    ...first.report,
    space: { size, axes, ...(random === undefined ? {} : { random }), ...(seen.size === count ? {} : { shard: { parts: [...seen.keys()].sort((a, b) => a - b), count } }) },
    cases: total(({ cases }) => cases), planned: total(({ planned }) => planned), violating: total(({ violating }) => violating),
    failures: mergeFailures(reports.flatMap(({ failures }) => failures)),
    coverage: first.report.coverage.map((_part, i) => mergeCoverage(reports.map(({ coverage }) => coverage[i]!))),
  };
}

function mergeFailures(failures: readonly SweepFailure[]): SweepFailure[] {
  const classes = new Map<string, SweepFailure>();
  for (const failure of failures) {
    const key = `${failure.clause} ${failure.instruction.address}`;
    const known = classes.get(key);
    if (known === undefined) {
      classes.set(key, failure);
      continue;
    }
    const smaller = compareCases(failure.smallest, known.smallest) < 0 ? failure : known;
    classes.set(key, {
      ...smaller, cases: known.cases + failure.cases, byKind: added(known.byKind, failure.byKind),
      targets: [...new Set([...known.targets, ...failure.targets])].sort((a, b) => a - b),
    });
  }
  return [...classes.values()].sort((a, b) => compareCases(a.smallest, b.smallest));
}

type CoverageOfTarget = SweepReport['coverage'][number];

function mergeCoverage(parts: readonly CoverageOfTarget[]): CoverageOfTarget {
  const first = parts[0]!;
  const instructions = first.instructions.map((instruction, i) => ({
    ...instruction,
    executed: parts.some((part) => part.instructions[i]!.executed),
    faults: parts.map((part) => part.instructions[i]!.faults).reduce(added),
  }));
  const faulted = ({ faults }: { readonly faults: Readonly<Record<string, number>> }): boolean => Object.keys(faults).length > 0;
  return {
    ...first, instructions, executed: instructions.filter(({ executed }) => executed).length,
    entriesReached: instructions.filter((one) => one.entry && faulted(one)).length,
    accessesFaulted: instructions.filter((one) => one.access && faulted(one)).length,
  };
}

function added<K extends string>(a: Partial<Record<K, number>>, b: Partial<Record<K, number>>): Record<K, number> {
  const sum = { ...a } as Record<K, number>;
  for (const [key, value] of Object.entries(b) as [K, number][]) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}
