/**
 * What is shown of a file: what the reader, the assembler and the checks found, less what comments silence, at the severities that the settings say.
 */
import { writtenPosition } from '../../assembly/source.ts';
import type { CommentDirective } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Level } from '../../host/settings.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { CHECKS, checkAll } from './index.ts';
import { withoutConsequences } from './incomplete.ts';
import { READER_CODES } from './reader-codes.ts';

/** Every code there is, with the severity it has unless the settings say otherwise. */
export const CODES: ReadonlyMap<string, Problem['severity']> = new Map([
  ...CHECKS.flatMap(({ codes, severity }) => codes.map((code) => [code, severity] as const)),
  ...Object.entries(READER_CODES),
]);

/** A `mcsafe: ignore CODE` comment, one for each code it names. */
export interface Suppression {
  readonly code: string;
  readonly directive: CommentDirective;
  /** The code's own place in the comment. */
  readonly range: Problem['range'];
}

/**
 * In the order they were found, each once: a problem of a macro's body is told for each use, not for each statement.
 * Nothing is told of files for other machines.
 */
export function report(analysis: Analysis, severity: Readonly<Record<string, Level>> = {}): readonly Problem[] {
  if (analysis.foreign !== undefined) return [];
  const suppressions = suppressionsOf(analysis);
  const used = new Set<Suppression>();
  const shown: Problem[] = [];
  const seen = new Set<string>();
  for (const problem of withoutConsequences(analysis, [...analysis.problems, ...findingsOf(analysis)])) {
    const { start } = problem.range;
    const key = `${start.file}\n${placeKey(start)}\n${problem.code}\n${problem.message}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const by = suppressions.filter((one) => silences(one, problem));
    for (const one of by) used.add(one);
    if (by.length === 0) shown.push(problem);
  }
  // Where an include is missing, what is silenced may lie in there.
  const complete = analysis.unit.includes.every(({ resolved }) => resolved !== undefined);
  for (const one of suppressions) if (!used.has(one) && (complete || !CODES.has(one.code))) shown.push(unused(one));
  return shown.flatMap((problem): readonly Problem[] => {
    const level = severity[problem.code] ?? problem.severity;
    return level === 'off' ? [] : [level === problem.severity ? problem : { ...problem, severity: level }];
  });
}

const findings = new WeakMap<Analysis, readonly Problem[]>();

/** What the checks find, worked out once: diagnostics and code actions both ask. */
function findingsOf(analysis: Analysis): readonly Problem[] {
  let found = findings.get(analysis);
  if (found === undefined) findings.set(analysis, found = checkAll(analysis));
  return found;
}

/** The written place with the lines of the macros on the way. */
function placeKey(start: Problem['range']['start']): string {
  const written = writtenPosition(start);
  return `${written.file}\n${String(written.line)}:${String(written.column)} ${String(start.line)}:${String(start.column)}`;
}

/** What the comments of the file itself silence. Codes end at the first word that looks like none. */
export function suppressionsOf(analysis: Analysis): readonly Suppression[] {
  return analysis.directives.filter(({ range }) => range.start.file === analysis.file).flatMap((directive): readonly Suppression[] => {
    const verb = /^ignore(?=[\s,]|$)/.exec(directive.text);
    if (verb === null) return [];
    const { start } = directive.range;
    return [...directive.text.matchAll(/[^\s,]+/g)].slice(1).flatMap((match, index): readonly Suppression[] => {
      const [code] = match;
      if (!CODES.has(code) && index > 0) return [];
      const column = start.column + match.index;
      return [{ code, directive, range: { start: { ...start, column }, endColumn: column + code.length } }];
    });
  });
}

/** It silences its own line and the next. */
function silences({ code, directive: { range } }: Suppression, problem: Problem): boolean {
  if (code !== problem.code) return false;
  const written = writtenPosition(problem.range.start);
  return written.file === range.start.file && (written.line === range.start.line || written.line === range.start.line + 1);
}

function unused({ code, range }: Suppression): Problem {
  return {
    severity: READER_CODES['unused-suppression']!, code: 'unused-suppression', range,
    message: CODES.has(code) ? `nothing here is ${code}: the comment silences nothing` : `there is no diagnostic \`${code}\``,
  };
}
