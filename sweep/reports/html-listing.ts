/** The coverage parts of the HTML page: the table of entries, and the source with what happened on each line. */
import type { SweepReport } from '../report-schema.ts';
import { count, counted, escaped, faultsText, VECTOR_NAMES } from './words.ts';

type Covered = SweepReport['coverage'][number]['instructions'][number];

/** Lines without an instruction that are shown around and between those with one. */
const CONTEXT = 2, LONGEST_GAP = 8;

/** Every entry of the routine: how often it was used, by vector, and which promises were broken there. */
export function entryTable(report: SweepReport, target: number): string {
  const entries = report.coverage[target]!.instructions.filter(({ entry }) => entry);
  if (entries.length === 0) return '<p>The routine has none of its own.</p>';
  const vectors = [...new Set(entries.flatMap(({ faults }) => Object.keys(faults)))].sort();
  const rows = entries.map((entry) => {
    const used = Object.keys(entry.faults).length > 0;
    const broken = brokenAt(report, target, entry);
    return `<tr><th scope="row"><code>${escaped(entry.name)}</code></th><td><code>${escaped(entry.text)}</code></td><td>${entry.line === undefined ? '' : String(entry.line)}</td>${
      vectors.map((vector) => `<td>${count(entry.faults[vector] ?? 0)}</td>`).join('')}<td>${!used ? `<span class="missed">never used</span>${entry.unreachable === undefined ? '' : `: ${escaped(entry.unreachable)}`}` : broken === '' ? 'kept' : `<span class="clause">${escaped(broken)}</span>`}</td></tr>`;
  });
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(`Exception-table entries of ${about(report, target)}`)}"><table><thead><tr><th scope="col">Fault site</th><th scope="col">Instruction</th><th scope="col">Line</th>${
    vectors.map((vector) => `<th scope="col">${escaped(VECTOR_NAMES[vector] ?? `vector ${vector}`)}</th>`).join('')}<th scope="col">Promises</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** The routine's source, or its instructions where there is none, each line with what ran and what faulted. */
export function listing(report: SweepReport, target: number, sources: ReadonlyMap<string, string>, id: string): string {
  const { instructions } = report.coverage[target]!;
  const files = [...new Set(instructions.map(({ file }) => file))];
  return files.map((file, i) => {
    const own = instructions.filter((instruction) => instruction.file === file);
    const text = file === undefined ? undefined : sources.get(file);
    const rows = text === undefined ? own.map((one) => row(report, target, one.name, one.text, [one])) : sourceRows(report, target, text.split('\n'), own);
    const name = file ?? 'instructions without a source';
    return `<div class="wide listing" tabindex="0" role="region" aria-label="${escaped(`Listing of ${about(report, target)}, ${name}`)}" id="${id}-file-${String(i)}"><table><caption>${escaped(name)}</caption><thead><tr><th scope="col">${text === undefined ? 'Place' : 'Line'}</th><th scope="col">Ran</th><th scope="col">Faults</th><th scope="col">Code</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
  }).join('\n');
}

/** Sets the tables of one routine and CPU apart from those of others. */
function about({ routine, targets }: SweepReport, target: number): string {
  return `${routine} on ${targets[target]!}`;
}

function sourceRows(report: SweepReport, target: number, lines: readonly string[], instructions: readonly Covered[]): readonly string[] {
  const byLine = new Map<number, Covered[]>();
  for (const one of instructions) byLine.set(one.line!, [...byLine.get(one.line!) ?? [], one]);
  const numbers = [...byLine.keys()].sort((a, b) => a - b);
  const rows: string[] = [];
  let next = Math.max(1, numbers[0]! - CONTEXT);
  for (const number of numbers) {
    if (number - next > LONGEST_GAP) {
      rows.push('<tr class="gap"><td>…</td><td></td><td></td><td></td></tr>');
      next = number - CONTEXT;
    }
    for (; next <= number; next++) rows.push(row(report, target, String(next), lines[next - 1] ?? '', byLine.get(next) ?? []));
  }
  for (const end = Math.min(lines.length, next + CONTEXT - 1); next <= end; next++) rows.push(row(report, target, String(next), lines[next - 1]!, []));
  return rows;
}

/** One line and the instructions it became: several where it is the use of a macro. */
function row(report: SweepReport, target: number, name: string, text: string, instructions: readonly Covered[]): string {
  const ran = instructions.filter(({ executed }) => executed).length;
  const state = instructions.length === 0 ? 'plain' : ran === instructions.length ? 'ran' : ran === 0 ? 'missed' : 'partly';
  const broken = [...new Set(instructions.flatMap((one) => brokenAt(report, target, one).split(', ').filter((clause) => clause !== '')))];
  const words = { plain: '', ran: 'ran', missed: 'never ran', partly: `${String(ran)} of ${counted(instructions.length, 'instruction')}` }[state];
  const unfaulted = instructions.some(({ access, faults, entry }) => (access || entry) && Object.keys(faults).length === 0);
  const reasons = [...new Set(instructions.flatMap(({ unreachable }) => unreachable ?? []))];
  const faults = [
    ...instructions.map((one) => faultsText(one.faults)).filter((one) => one !== ''),
    ...(unfaulted ? [`<span class="missed">never faulted</span>${reasons.length === 0 ? '' : ` (${escaped(reasons.join(', '))})`}`] : []),
  ].join('; ');
  const entry = instructions.some((one) => one.entry) ? ' <span class="entry">entry</span>' : '';
  const marks = broken.length === 0 ? '' : ` <span class="clause">${escaped(broken.join(', '))}</span>`;
  return `<tr class="${state}${broken.length === 0 ? '' : ' broken'}"><th scope="row">${escaped(name)}</th><td>${words}</td><td>${faults}${entry}${marks}</td><td><code>${escaped(text)}</code></td></tr>`;
}

function brokenAt({ failures }: SweepReport, target: number, { address }: Covered): string {
  return failures.filter(({ instruction, targets }) => instruction.address === address && targets.includes(target)).map(({ clause }) => clause).join(', ');
}
