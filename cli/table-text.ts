/**
 * A table report for the terminal.
 */
import { relative } from 'node:path';
import pc from 'picocolors';
import type { ReportedEntry, ReportedRange, TableReport } from '../assembly/extable/report-schema.ts';

/** The whole report, or (for a check) its findings alone. */
export function tableText(report: TableReport, generation: string, findingsOnly: boolean): string {
  const { file, tables, entries, ranges, findings } = report;
  const found = findings.map(({ severity, code, message }) => `${severity === 'error' ? pc.red(severity) : pc.yellow(severity)}: ${message} [${code}]`);
  if (findingsOnly) return lines(found.length === 0 ? [`${file}: ${counted(entries.length, 'entry', 'entries')}, ${counted(ranges.length, 'range', 'ranges')}, no findings`] : found);
  if (tables.length === 0 && ranges.length === 0) return lines([`${file}: no exception table`]);
  return lines([
    ...tables.flatMap((table) => [
      `${pc.bold(table.section)}: ${counted(table.entries, 'entry', 'entries')} of ${String(table.stride)} bytes, layout "${table.layout}" (${table.kernels})`,
      ...table.evidence.map((line) => pc.dim(`  ${line}`)),
    ]),
    pc.dim(`judged by the rules of kernel ${generation}`),
    ...entries.flatMap(entryLines),
    ...ranges.map(rangeLine),
    ...found,
  ]);
}

function entryLines(entry: ReportedEntry): readonly string[] {
  const { recoverable, descriptor } = entry;
  const handler = descriptor === undefined ? entry.handler ?? entry.typeName : `handler ${descriptor.handler} for vectors ${descriptor.vectors.join(', ') || 'none'}`;
  return [
    `${String(entry.index).padStart(3)}  ${placeText(entry.site)}  ${pc.cyan(entry.instruction?.text ?? '(not decoded)')}`,
    `     → ${placeText(entry.target)}  ${handler}${entry.writes.length === 0 ? '' : `, writes ${entry.writes.join(', ')}`}`,
    ...(recoverable === undefined ? [] : [`     #MC recoverable: ${recoverable.answer}, because ${recoverable.because}`]),
  ];
}

function rangeLine({ index, start, length, descriptor }: ReportedRange): string {
  const handler = descriptor === undefined ? 'no descriptor' : `handler ${descriptor.handler} for vectors ${descriptor.vectors.join(', ') || 'none'}`;
  return `range ${String(index)}: ${placeText(start)}, ${length === 0 ? 'length not yet filled in' : `${String(length)} bytes`}, ${handler}`;
}

function placeText({ symbol, source }: ReportedEntry['site']): string {
  return source === undefined ? symbol : `${symbol} (${relative('', source.file)}:${String(source.line)})`;
}

function counted(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

function lines(list: readonly string[]): string {
  return `${list.join('\n')}\n`;
}
