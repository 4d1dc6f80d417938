/** Words that all reports use. */
import type { SweepFailure, SweepReport } from '../report-schema.ts';
import { kindFacts, LONG } from '../space.ts';
import type { FaultKind } from '../space.ts';

export function count(number: number): string {
  return number.toLocaleString('en');
}

/** `1 case`, `2,000 cases`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function lengthText(n: number): string {
  return n >= LONG ? `2^32+${String(n - LONG)}` : String(n);
}

export function caseText(one: SweepFailure['smallest']): string {
  return `n=${lengthText(one.n)}, ${faultText(one)}, offsets ${String(one.srcOffset)} and ${String(one.dstOffset)}`;
}

function faultText({ kind, position, second }: SweepFailure['smallest']): string {
  const facts = kindFacts(kind);
  if (facts.position === 'none') return 'no fault';
  if (facts.position === 'execution') return `${kind} at execution ${String(position)} of access ${String(second + 1)} of the routine`;
  return facts.second === undefined ? `${kind} at byte ${String(position)}` : `${kind} at bytes ${String(position)} and ${String(second)}`;
}

/** What the positions of a kind of faults are, for a scale; empty if it has none. */
export function positionText(kind: FaultKind): string {
  return { none: '', byte: 'fault at byte', line: 'fault at byte', execution: 'fault at execution' }[kindFacts(kind).position];
}

/** `mc-byte 17,408, pf-read 2,176` */
export function kindsText(byKind: SweepFailure['byKind']): string {
  return Object.entries(byKind).map(([kind, cases]) => `${kind} ${count(cases)}`).join(', ');
}

/** Which of the campaign's programs break the promise; empty if all do. */
export function targetsText({ targets }: SweepFailure, report: SweepReport): string {
  return targets.length === report.targets.length ? '' : `only on ${targets.map((target) => report.targets[target]!).join(' and on ')}`;
}

/** How much of the space a report is about, in words. */
export function extentText({ cases, planned, space: { size, summary, shard, random } }: SweepReport): string {
  const part = random !== undefined ? `${count(random.count)} drawn at random (seed ${String(random.seed)}) from ${count(size)}: ${summary}`
    : shard !== undefined ? `parts ${shard.parts.join(', ')} of ${String(shard.count)} of ${count(size)}: ${summary}` : `exhaustive for ${summary}`;
  return cases < planned ? `after ${count(cases)} of ${count(planned)} cases` : `${count(cases)} cases, ${part}`;
}

/** The complete entry of launch.json that replays a failure's smallest case. */
export function launchEntry({ routine }: SweepReport, { clause, launch }: SweepFailure): Readonly<Record<string, unknown>> {
  return { type: 'mcsafe', request: 'launch', name: `${routine}: ${clause}`, ...launch };
}

/** Names of the vectors that sweeps raise. */
export const VECTOR_NAMES: Readonly<Record<string, string>> = { 6: '#UD', 13: '#GP', 14: '#PF', 17: '#AC', 18: '#MC' };

/** `#PF 304, #MC 622` */
export function faultsText(faults: Readonly<Record<string, number>>): string {
  return Object.entries(faults).map(([vector, cases]) => `${VECTOR_NAMES[vector] ?? `vector ${vector}`} ${count(cases)}`).join(', ');
}

/** Text for HTML and XML; what XML 1.0 has no place for is shown as U+FFFD. */
export function escaped(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters that are no Char of XML 1.0, section 2.2
  const legal = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
