/**
 * What can be said of a source whose includes are not all there: a build makes some headers, and paths may not be configured. What such a
 * header defines, the rest of the text may be made of: a problem counts only where nothing in its line is without explanation.
 */
import { similarMnemonic } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { pushTo } from '../analysis/multimap.ts';
import { lineOf } from '../ranges.ts';

/** Problems that say nothing of a text whose macros are not all known. */
const DEPENDENT = new Set(['undefined-macro', 'undefined-symbol', 'user-error', 'preprocessor', 'cfi', 'unknown-directive', 'not-constant', 'macro-argument', 'symbol-redefined']);
/** Problems of values, which depend on a kernel's configuration. */
const CONFIGURED = new Set(['bad-expression', 'bad-relocation', 'value-out-of-range']);

/** The problems that hold whatever the missing includes define. A missing include is told once, as a hint: it is no mistake in the text. Nor is a missing file of `.incbin`. */
export function withoutConsequences(analysis: Analysis, found: readonly Problem[]): readonly Problem[] {
  const problems = found.map((problem): Problem => (problem.code === 'missing-file' ? { ...problem, severity: 'hint', message: `${problem.message}; until a build has made it, its bytes are missing` } : problem));
  if (!analysis.unconfigured && analysis.unit.includes.every(({ resolved }) => resolved !== undefined) && !problems.some((problem) => isForeignCondition(problem, analysis))) return problems;
  const told = new Set<string>();
  const names = knownNames(analysis);
  const explains = macrosExplained(analysis, names);
  return problems.flatMap((problem): readonly Problem[] => {
    if (problem.code === 'include-not-found') {
      if (told.has(problem.message)) return [];
      told.add(problem.message);
      return [{ ...problem, severity: 'hint', message: `${problem.message}; until then what its macros may have made is not reported` }];
    }
    if (isForeignCondition(problem, analysis)) return [{ ...problem, severity: 'hint', message: `this condition uses a macro that no file here defines: ${problem.message}` }];
    if (analysis.unconfigured && CONFIGURED.has(problem.code)) return [];
    if (problem.severity !== 'error') return [problem];
    return !DEPENDENT.has(problem.code) && isExplained(problem, analysis, names, explains) ? [problem] : [];
  });
}

/** `#if NAME (…)` where nothing defines NAME: it comes from the compiler's command line. In a header, any condition that cannot be worked out. */
function isForeignCondition({ code, range }: Problem, { file, text }: Analysis): boolean {
  if (code !== 'preprocessor') return false;
  if (range.start.file !== file) return true;
  return /^\s*#\s*(?:el)?if\b.*?\b(?!defined\b|__has_)[A-Za-z_]\w*\s*\(/.test(lineOf(text, range.start.line));
}

function knownNames(analysis: Analysis): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name } of analysis.unit.macros) names.add(name);
  for (const statement of analysis.unit.statements) {
    if (statement.kind === 'label') names.add(statement.written);
    else if (statement.kind === 'assignment') names.add(statement.name);
  }
  return names;
}

/**
 * Whether all that a macro of the C preprocessor stands for, down through the macros it is made of and in each of its definitions, has a
 * meaning without the missing includes. By convention what a macro stands for is in capitals: of other words nothing is asked. Names that
 * are no macros need no explanation; macros of assembly are not followed.
 */
function macrosExplained({ unit }: Analysis, names: ReadonlySet<string>): (name: string) => boolean {
  const macros = new Map<string, MacroDefinition[]>();
  for (const macro of unit.macros) if (macro.kind === 'cpp') pushTo(macros, macro.name, macro);
  const known = new Map<string, boolean>();
  const explains = (name: string): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    // A name within its own meaning is no reason for doubt.
    known.set(name, true);
    const result = (macros.get(name) ?? []).every(({ body, parameters }) => [...withoutStrings(body).matchAll(/(?<![\w.%\\@])[A-Z_][A-Z0-9_]*(?![\w.])/g)]
      .every(([word]) => parameters.includes(word) || (names.has(word) && explains(word))));
    known.set(name, result);
    return result;
  };
  return explains;
}

function withoutStrings(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '');
}

/** True if every word of the line means something without the missing includes. */
function isExplained(problem: Problem, { file, text }: Analysis, names: ReadonlySet<string>, explains: (name: string) => boolean): boolean {
  const written = writtenPosition(problem.range.start);
  if (written.file !== file || problem.range.start.expansion !== undefined) return false;
  const line = withoutStrings(lineOf(text, written.line).replace(/(?:\/\/|\/\*|#).*$/, ''));
  return line.split(';').every((statement) => {
    const head = /^\s*(?:[\w.$]+\s*:\s*)*([\w.$]+)/.exec(statement)?.[1] ?? '';
    if (!/^(?:\.\w+|[a-z][a-z0-9]*|)$/.test(head) && !names.has(head) || !explains(head)) return false;
    if (problem.code === 'unknown-mnemonic' && similarMnemonic(head) === undefined) return false;
    const rest = statement.slice(statement.indexOf(head) + head.length).trimStart();
    // Registers are lower case; `%RAX_LP` is made by a macro.
    if (rest.startsWith('(') && !rest.startsWith('(%') || /%\w*[A-Z_]/.test(rest)) return false;
    return [...rest.matchAll(/(?<![\w.%\\@])[A-Za-z_][\w.$]*/g)].every(([word]) => names.has(word) && explains(word));
  });
}
