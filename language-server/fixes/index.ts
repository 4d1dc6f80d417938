/** Every fixer, and the fixes of a finding. */
import type { Problem } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { coverFixes, duplicateFixes, labelFixes, nameFixes, typeFixes } from './entries.ts';
import { exitFixes } from './exits.ts';
import type { Edit, Fix, Fixer } from './fix.ts';
import { spellingFixes } from './spelling.ts';
import { suppression, unusedFixes } from './suppression.ts';
import { rangeFixes, symbolFixes } from './symbol-attributes.ts';

const FIXERS: readonly Fixer[] = [exitFixes, symbolFixes, rangeFixes, labelFixes, typeFixes, coverFixes, nameFixes, duplicateFixes, spellingFixes, unusedFixes];

/** Ways to put `problem` right, the best first; the comment that silences it last. */
export function fixesOf(problem: Problem, analysis: Analysis): readonly Fix[] {
  const found = FIXERS.filter(({ codes }) => codes.includes(problem.code)).flatMap((fixer) => fixer.fixes(problem, analysis));
  const comment = suppression(problem, analysis);
  return comment === undefined ? found : [...found, comment];
}

/** The edits of every safe fix of `problems` that do not touch each other, each once. */
export function safeEdits(problems: readonly Problem[], analysis: Analysis): readonly Edit[] {
  const taken: Edit[] = [];
  for (const problem of problems) {
    const fix = fixesOf(problem, analysis).find(({ safe }) => safe === true);
    if (fix === undefined) continue;
    const fresh = fix.edits.filter((edit) => !taken.some((other) => JSON.stringify(other) === JSON.stringify(edit)));
    if (fresh.every((edit) => taken.every((other) => apart(edit, other)))) taken.push(...fresh);
  }
  return taken;
}

/** Two insertions at one place do not touch; anything that takes text away must be apart. */
function apart(a: Edit, b: Edit): boolean {
  const before = (one: Edit, other: Edit): boolean => one.endLine < other.line || (one.endLine === other.line && one.endColumn <= other.column);
  return before(a, b) || before(b, a);
}

/** `text` with `edits` made. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const lines = text.split('\n');
  const starts: number[] = [];
  let offset = 0;
  for (const line of lines) {
    starts.push(offset);
    offset += line.length + 1;
  }
  const at = (line: number, column: number): number => (line > lines.length ? text.length : starts[line - 1]! + column - 1);
  // From the end on, so that earlier offsets stay; of insertions at one place the first stays first.
  return edits.map((edit, index) => ({ edit, index, from: at(edit.line, edit.column), to: at(edit.endLine, edit.endColumn) }))
    .sort((a, b) => b.from - a.from || b.index - a.index)
    .reduce((result, { edit, from, to }) => result.slice(0, from) + edit.text + result.slice(to), text);
}
