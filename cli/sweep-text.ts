/**
 * The report of a sweep for the terminal.
 */
import { relative } from 'node:path';
import pc from 'picocolors';
import type { SweepFailure, SweepReport } from '../sweep/report-schema.ts';

/** What a sweep found, each failure class with its smallest case. `interrupted`: it was stopped before its end. */
export function sweepText(report: SweepReport, interrupted: boolean): string {
  const lines = [
    `${pc.bold(report.routine)} in ${shown(report.program)}: contract ${report.contract.kind} (${report.contract.origin})`,
    ...report.space.axes.map((axis) => `  ${axis}`),
    ...(report.targets.length === 1 ? [`  ${report.targets[0]!}`] : report.targets.map((target) => `  on ${target}`)),
    ...report.failures.flatMap((failure) => ['', ...failureLines(failure, report)]),
    '',
    ...coverageLines(report),
    verdict(report, interrupted),
  ];
  return `${lines.join('\n')}\n`;
}

function failureLines({ clause, promise, instruction, cases, byKind, targets, smallest, message, launch }: SweepFailure, report: SweepReport): readonly string[] {
  const place = instruction.file === undefined ? '' : `  ${shown(instruction.file)}:${String(instruction.line)}`;
  const kinds = Object.entries(byKind).map(([kind, count]) => `${kind} ${count.toLocaleString('en')}`).join(', ');
  const where = targets.length === report.targets.length ? '' : `; only on ${targets.map((target) => report.targets[target]!).join(' and on ')}`;
  return [
    `${pc.red(clause)}: not kept: ${promise}`,
    `  at ${instruction.name}  ${instruction.text}${place}`,
    `  ${cases.toLocaleString('en')} ${cases === 1 ? 'case' : 'cases'} (${kinds})${where}`,
    `  smallest: ${caseText(smallest)}: ${message}`,
    `  replay: ${JSON.stringify({ type: 'mcsafe', request: 'launch', name: `${report.routine}: ${clause}`, ...launch })}`,
  ];
}

function caseText({ kind, n, position, srcOffset, dstOffset }: SweepFailure['smallest']): string {
  const length = n >= 2 ** 32 ? `2^32+${String(n - 2 ** 32)}` : String(n);
  return `n=${length}, ${kind === 'none' ? 'no fault' : `${kind} at byte ${String(position)}`}, offsets ${String(srcOffset)} and ${String(dstOffset)}`;
}

function coverageLines({ coverage, targets }: SweepReport): readonly string[] {
  return coverage.flatMap(({ target, instructions, executed, total, entriesReached, entries, accessesFaulted, accesses }) => {
    const missed = instructions.filter(({ executed: ran, entry, access, faults }) => !ran || ((entry || access) && Object.keys(faults).length === 0));
    return [
      `coverage${targets.length === 1 ? '' : ` on ${target}`}: ${String(entriesReached)} of ${String(entries)} entries used, ${String(accessesFaulted)} of ${String(accesses)} accesses faulted, ${String(executed)} of ${String(total)} instructions ran`,
      ...missed.map(({ name, text, executed: ran, unreachable, file, line }) =>
        `  ${ran ? 'never faulted' : 'never ran'}: ${name}  ${text}${file === undefined ? '' : `  ${shown(file)}:${String(line)}`}${unreachable === undefined ? '' : ` (${unreachable})`}`),
    ];
  });
}

function verdict({ cases, planned, violating, space: { size, summary, shard, random }, failures }: SweepReport, interrupted: boolean): string {
  const part = random !== undefined ? `${String(random.count)} drawn at random (seed ${String(random.seed)}) from ${size.toLocaleString('en')}: ${summary}`
    : shard !== undefined ? `parts ${shard.parts.join(', ')} of ${String(shard.count)} of ${size.toLocaleString('en')}: ${summary}` : `exhaustive for ${summary}`;
  const run = interrupted ? `${pc.yellow('interrupted')} after ${cases.toLocaleString('en')} of ${planned.toLocaleString('en')} cases` : `${cases.toLocaleString('en')} cases, ${part}`;
  return violating === 0 ? `${pc.green('no violation')}: ${run}`
    : `${pc.red(`${violating.toLocaleString('en')} violating cases`)} in ${String(failures.length)} ${failures.length === 1 ? 'class' : 'classes'}: ${run}`;
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
