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
  const count = first.report.space.shard?.count ?? 1;
  const { size, axes, summary, random } = first.report.space;
  return {
    ...addReports(parts.map(({ report }) => report)),
    space: { size, axes, summary, ...(random === undefined ? {} : { random }), ...(seen.size === count ? {} : { shard: { parts: [...seen.keys()].sort((a, b) => a - b), count } }) },
  };
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
    const key = `${failure.clause} ${failure.instruction.address}`;
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
  const instructions = first.instructions.map((instruction, i) => ({
    ...instruction,
    executed: parts.some((part) => part.instructions[i]!.executed),
    faults: parts.map((part) => part.instructions[i]!.faults).reduce((a, b) => addCounts(a, b)),
  }));
  const faulted = ({ faults }: { readonly faults: Readonly<Record<string, number>> }): boolean => Object.keys(faults).length > 0;
  return {
    ...first, instructions, executed: instructions.filter(({ executed }) => executed).length,
    entriesReached: instructions.filter((one) => one.entry && faulted(one)).length,
    accessesFaulted: instructions.filter((one) => one.access && faulted(one)).length,
  };
}

/** Keys in the order given, so that the sum is the same whichever came first; numbers need none. */
function addCounts<K extends string>(a: Partial<Record<K, number>>, b: Partial<Record<K, number>>, order?: readonly K[]): Record<K, number> {
  const keys = order?.filter((key) => key in a || key in b) ?? [...new Set([...Object.keys(a), ...Object.keys(b)])] as K[];
  return Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)])) as Record<K, number>;
}
