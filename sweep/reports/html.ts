/**
 * Sweeps as one HTML page that needs nothing beside itself: it can be kept as a build's artifact, mailed, opened from disk.
 * Everything that is told is in the markup; the script only paints the heat maps and copies text.
 */
import { readRow } from '../heat.ts';
import type { HeatCell } from '../heat.ts';
import type { SweepFailure, SweepReport } from '../report-schema.ts';
import { FAULT_KINDS, KINDS } from '../space.ts';
import type { FaultKind } from '../space.ts';
import { PAGE_SCRIPT } from './html-script.ts';
import { PAGE_STYLE } from './html-style.ts';
import { entryTable, listing } from './html-listing.ts';
import { caseText, count, counted, escaped, extentText, kindsText, launchEntry, positionText, targetsText } from './words.ts';

export interface HtmlRequest {
  readonly reports: readonly SweepReport[];
  /** Of mcsafe. */
  readonly version: string;
  /** Text of the sources, by the paths that reports name; those that are missing are listed as instructions. */
  readonly sources: ReadonlyMap<string, string>;
}

/** The texts that reports name, as far as `read` has them. */
export function namedSources(reports: readonly SweepReport[], read: (path: string) => string | undefined): ReadonlyMap<string, string> {
  const names = new Set(reports.flatMap(({ coverage }) => coverage.flatMap(({ instructions }) => instructions.flatMap(({ file }) => file ?? []))));
  return new Map([...names].flatMap((name) => {
    const text = read(name);
    return text === undefined ? [] : [[name, text] as const];
  }));
}

export function sweepHtml({ reports, version, sources }: HtmlRequest): string {
  const title = `mcsafe sweep: ${reports.map(({ routine }) => routine).join(', ')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${reports.length > 1 ? overview(reports) : ''}
${reports.map((report, i) => routineSection(report, i, sources)).join('\n')}
</main>
<footer>Written by mcsafe ${escaped(version)}. The page loads nothing from elsewhere.</footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function overview(reports: readonly SweepReport[]): string {
  return `<nav aria-label="Routines"><ul>${reports.map((report, i) => `<li><a href="#routine-${String(i)}">${escaped(report.routine)}</a>: ${verdictText(report)}</li>`).join('')}</ul></nav>`;
}

function routineSection(report: SweepReport, number: number, sources: ReadonlyMap<string, string>): string {
  const id = `routine-${String(number)}`;
  const kept = report.violating === 0;
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title"><code>${escaped(report.routine)}</code></h2>
<p class="verdict ${kept ? 'kept' : 'broken'}"><strong>${verdictText(report)}</strong>: ${report.cases < report.planned ? 'interrupted ' : ''}${escaped(extentText(report))}</p>
${facts(report)}
<h3>Failures</h3>
${kept ? '<p>No promise was broken.</p>' : report.failures.map((failure, i) => failureArticle(report, failure, `${id}-failure-${String(i)}`)).join('\n')}
<h3>Where cases fail</h3>
${heatMaps(report, id)}
${report.coverage.map((coverage, i) => `<details class="target"${i === 0 ? ' open' : ''}><summary>Coverage on ${escaped(coverage.target)}: ${String(coverage.entriesReached)} of ${counted(coverage.entries, 'entry', 'entries')} used, ${String(coverage.accessesFaulted)} of ${counted(coverage.accesses, 'access', 'accesses')} faulted, ${String(coverage.executed)} of ${counted(coverage.total, 'instruction')} ran</summary>
${severityRows(coverage)}
<h3>Exception-table entries</h3>
${entryTable(report, i)}
<h3>Listing</h3>
${listing(report, i, sources, `${id}-${String(i)}`)}
</details>`).join('\n')}
</section>`;
}

function verdictText({ violating, failures }: SweepReport): string {
  return violating === 0 ? 'no violation' : `${count(violating)} violating ${violating === 1 ? 'case' : 'cases'} in ${counted(failures.length, 'class', 'classes')}`;
}

function facts({ program, contract, targets, space, campaign }: SweepReport): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Program', program],
    ['Contract', `${contract.kind} ${Object.entries(contract.arguments).map(([role, register]) => `${role}=${register}`).join(' ')}${contract.returns === undefined ? '' : ` returns=${contract.returns}`} (${contract.origin})`],
    ['Runs on', targets.join('; ')],
    ...Object.entries(contract.promises ?? {}).map(([name, expression]) => ['Promise', `${name}: ${expression}`] as const),
    ['Space', space.axes.join('; ')],
    ...(space.period === undefined ? [] : [['Loop', `observed, not proved: without a fault, lengths ${String(space.period.from)} to ${String(space.period.to)} each take the same branches as the one ${String(space.period.period)} less`] as const]),
    ['Campaign', campaign],
  ];
  return `<dl class="facts">${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`;
}

/** How the kernel graded the machine checks. */
function severityRows({ severityRows: rows }: SweepReport['coverage'][number]): string {
  return rows.length === 0 ? '' : `<p>Machine checks were graded ${rows.map(({ row, severity, message }) => `${escaped(severity)}${row === 0 ? '' : ` by row ${String(row)}`} (${escaped(message)})`).join('; ')}.</p>`;
}

function failureArticle(report: SweepReport, failure: SweepFailure, id: string): string {
  const { clause, promise, instruction, cases, byKind, smallest, message } = failure;
  const where = targetsText(failure, report);
  const launch = JSON.stringify(launchEntry(report, failure), undefined, 2);
  return `<article class="failure" aria-labelledby="${id}">
<h4 id="${id}"><span class="clause">${escaped(clause)}</span> at <code>${escaped(instruction.name)}</code></h4>
<p>Not kept: ${escaped(promise)}.</p>
<p><code class="instruction">${escaped(instruction.text)}</code>${instruction.file === undefined ? '' : ` <span class="place">${escaped(instruction.file)}:${String(instruction.line)}</span>`}</p>
<p><strong>Smallest case:</strong> ${escaped(caseText(smallest))}: ${escaped(message)}.</p>
<p>${counted(cases, 'case')} (${escaped(kindsText(byKind))})${where === '' ? '' : `; ${escaped(where)}`}.</p>
<details><summary>Launch configuration that replays the smallest case</summary>
<button type="button" class="copy" data-copies="${id}-launch">Copy</button>
<pre id="${id}-launch" tabindex="0" aria-label="Launch configuration">${escaped(launch)}</pre>
</details>
</article>`;
}

/** Cells of one kind, as the script paints them and the table tells them. */
function heatMaps(report: SweepReport, id: string): string {
  const { heat } = report;
  const kinds = FAULT_KINDS.map((kind) => ({ kind, rows: (heat.rows[kind] ?? []).map(readRow) })).filter(({ rows }) => rows.some(({ length }) => length > 0));
  if (kinds.length === 0) return '<p>No case was run.</p>';
  const data = JSON.stringify({ from: heat.from, step: heat.step, lengthStep: heat.lengthStep, positionStep: heat.positionStep, rows: heat.rows }).replaceAll('<', '\\u003c');
  return `<p>Each cell is ${heat.lengthStep === heat.step ? 'one length' : `${String(heat.lengthStep / heat.step)} lengths`} and ${heat.positionStep === 1 ? 'one fault position' : `${String(heat.positionStep)} fault positions`}, over all alignments${report.targets.length > 1 ? ', CPUs and kernels' : ''}. Point at a cell, or move with the arrow keys, to read its counts.</p>
<p class="legend" aria-hidden="true"><span class="swatch none"></span>no case <span class="swatch kept"></span>all kept <span class="swatch few"></span>some break a promise <span class="swatch all"></span>all do</p>
<script type="application/json" id="${id}-heat">${data}</script>
${mapGroups(kinds, id)}
<details><summary>The same as a table</summary>${kinds.map(({ kind, rows }) => heatTable(kind, rows, report)).join('\n')}</details>`;
}

interface KindCells {
  readonly kind: FaultKind;
  readonly rows: readonly (readonly HeatCell[])[];
}

/** Kinds with failures first; the others out of the way, unless there are none but them. */
function mapGroups(kinds: readonly KindCells[], id: string): string {
  const broken = kinds.filter(({ rows }) => sumOf(rows.flat()).violating > 0);
  const kept = kinds.filter((kind) => !broken.includes(kind));
  const maps = (some: readonly KindCells[]): string => `<div class="maps">${some.map(({ kind, rows }) => heatMap(kind, rows, id)).join('\n')}</div>`;
  if (broken.length === 0 || kept.length === 0) return maps(kinds);
  return `${maps(broken)}
<details><summary>Faults that broke no promise: ${kept.map(({ kind }) => kind).join(', ')}</summary>${maps(kept)}</details>`;
}

function heatMap(kind: FaultKind, rows: readonly (readonly HeatCell[])[], id: string): string {
  const all = sumOf(rows.flat());
  const label = `${kind}: ${counted(all.cases, 'case')}, ${count(all.violating)} of them violating; the table below tells where`;
  return `<figure><figcaption><span title="${KINDS[kind].text}">${kind}</span>: ${all.violating === 0 ? 'all kept' : `${count(all.violating)} of ${counted(all.cases, 'case')} violate`}</figcaption>
<canvas class="heat" role="img" tabindex="0" data-heat="${id}-heat" data-kind="${kind}" data-position="${positionText(kind)}" aria-label="${escaped(label)}"></canvas>
<output aria-live="polite">&nbsp;</output></figure>`;
}

function heatTable(kind: FaultKind, rows: readonly (readonly HeatCell[])[], { heat: { from, step, lengthStep, positionStep } }: SweepReport): string {
  const body = rows.flatMap((row, i) => {
    const { cases, violating } = sumOf(row);
    if (cases === 0) return [];
    const lengths = i === rows.length - 1 ? '4 GiB and more' : rangeText(from + i * lengthStep, lengthStep - step + 1);
    return [`<tr><th scope="row">${lengths}</th><td>${count(cases)}</td><td>${count(violating)}</td><td>${violating === 0 || kind === 'none' ? '' : positionsText(row, positionStep)}</td></tr>`];
  });
  return `<table><caption>${kind}: ${KINDS[kind].text}</caption><thead><tr><th scope="col">Length</th><th scope="col">Cases</th><th scope="col">Violating</th><th scope="col">Positions that violate</th></tr></thead><tbody>${body.join('')}</tbody></table>`;
}

/** `8 to 15, 24 to 31`: neighbouring cells are told as one range. */
function positionsText(row: readonly HeatCell[], step: number): string {
  const ranges: { from: number; cells: number }[] = [];
  for (const [i, { violating }] of row.entries()) {
    if (violating === 0) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last.from + last.cells === i) last.cells++;
    else ranges.push({ from: i, cells: 1 });
  }
  return ranges.map(({ from, cells }) => rangeText(from * step, cells * step)).join(', ');
}

function rangeText(from: number, size: number): string {
  return size === 1 ? String(from) : `${String(from)} to ${String(from + size - 1)}`;
}

function sumOf(cells: readonly HeatCell[]): HeatCell {
  return { cases: cells.reduce((sum, { cases }) => sum + cases, 0), violating: cells.reduce((sum, { violating }) => sum + violating, 0) };
}
