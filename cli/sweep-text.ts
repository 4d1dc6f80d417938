/**
 * The report of a sweep for the terminal.
 */
import { relative } from 'node:path';
import pc from 'picocolors';
import type { SweepFailure, SweepReport } from '../sweep/report-schema.ts';
import { caseText, count, counted, extentText, kindsText, launchEntry, targetsText } from '../sweep/reports/words.ts';

/** What a sweep found, each failure class with its smallest case. `interrupted`: it was stopped before its end. */
export function sweepText(report: SweepReport, interrupted: boolean): string {
  const lines = [
    `${pc.bold(report.routine)} in ${shown(report.program)}: contract ${report.contract.kind} (${report.contract.origin})`,
    ...report.space.axes.map((axis) => `  ${axis}`),
    ...periodLines(report),
    ...(report.targets.length === 1 ? [`  ${report.targets[0]!}`] : report.targets.map((target) => `  on ${target}`)),
    ...report.failures.flatMap((failure) => ['', ...failureLines(failure, report)]),
    '',
    ...coverageLines(report),
    verdict(report, interrupted),
  ];
  return `${lines.join('\n')}\n`;
}

function periodLines({ space: { period } }: SweepReport): readonly string[] {
  return period === undefined ? [] : [`  observed, not proved: from length ${String(period.from)} to ${String(period.to)} each takes the same branches as the one ${String(period.period)} less; longer ones should add rounds, but no path`];
}

function failureLines(failure: SweepFailure, report: SweepReport): readonly string[] {
  const { clause, promise, instruction, cases, byKind, smallest, message } = failure;
  const place = instruction.file === undefined ? '' : `  ${shown(instruction.file)}:${String(instruction.line)}`;
  const where = targetsText(failure, report);
  return [
    `${pc.red(clause)}: not kept: ${promise}`,
    `  at ${instruction.name}  ${instruction.text}${place}`,
    `  ${counted(cases, 'case')} (${kindsText(byKind)})${where === '' ? '' : `; ${where}`}`,
    `  smallest: ${caseText(smallest)}: ${message}`,
    `  replay: ${JSON.stringify(launchEntry(report, failure))}`,
  ];
}

function coverageLines({ coverage, targets }: SweepReport): readonly string[] {
  const lacks = coverage.map(({ instructions }) => new Set(instructions.filter(isMissed).map(missedLine)));
  return [
    ...coverage.map(({ target, executed, total, entriesReached, entries, accessesFaulted, accesses }) =>
      `coverage${targets.length === 1 ? '' : ` on ${target}`}: ${String(entriesReached)} of ${String(entries)} entries used, ${String(accessesFaulted)} of ${String(accesses)} accesses faulted, ${String(executed)} of ${String(total)} instructions ran`),
    ...severityLines(coverage),
    // What one CPU does not reach another one may.
    ...[...lacks[0] ?? []].filter((line) => lacks.every((missed) => missed.has(line))),
  ];
}

/** How the kernel graded the machine checks, on all CPUs together. */
function severityLines(coverage: SweepReport['coverage']): readonly string[] {
  const rows = new Map(coverage.flatMap(({ severityRows }) => severityRows).map((row) => [row.row, row]));
  return [...rows.values()].sort((a, b) => a.row - b.row).map(({ row, severity, message }) => `  machine checks graded ${severity}${row === 0 ? '' : ` by row ${String(row)}`}: ${message}`);
}

type CoveredInstruction = SweepReport['coverage'][number]['instructions'][number];

function isMissed({ executed, entry, access, faults }: CoveredInstruction): boolean {
  return !executed || ((entry || access) && Object.keys(faults).length === 0);
}

function missedLine({ name, text, executed, unreachable, file, line }: CoveredInstruction): string {
  return `  ${executed ? 'never faulted' : 'never ran'}: ${name}  ${text}${file === undefined ? '' : `  ${shown(file)}:${String(line)}`}${unreachable === undefined ? '' : ` (${unreachable})`}`;
}

function verdict(report: SweepReport, interrupted: boolean): string {
  const { violating, failures } = report;
  const run = `${interrupted ? `${pc.yellow('interrupted')} ` : ''}${extentText(report)}`;
  return violating === 0 ? `${pc.green('no violation')}: ${run}`
    : `${pc.red(`${count(violating)} violating ${violating === 1 ? 'case' : 'cases'}`)} in ${counted(failures.length, 'class', 'classes')}: ${run}`;
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
