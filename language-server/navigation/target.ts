/**
 * What stands at a place of a source: the thing a request about that place is about.
 */
import { isLabelOfNumber, isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { visitOccurrences } from '../analysis/occurrences.ts';
import { holds, lineOf, wordAt } from '../ranges.ts';

export type Target =
  | {
      readonly kind: 'symbol';
      /** Unique, see LabelStatement. */
      readonly name: string;
      readonly range: SourceRange;
      /** Its name is put together by a macro, so that it stands nowhere as it is. */
      readonly made: boolean;
    }
  /** All definitions of the macro's name that this file sees; a use names the one in force first. */
  | { readonly kind: 'macro'; readonly name: string; readonly range: SourceRange; readonly definitions: readonly MacroDefinition[] }
  | { readonly kind: 'register'; readonly name: string; readonly range: SourceRange }
  /** A parameter of the macro whose body this is, with or without its backslash. */
  | { readonly kind: 'parameter'; readonly name: string; readonly range: SourceRange; readonly macro: MacroDefinition }
  | { readonly kind: 'word'; readonly name: string; readonly range: SourceRange };

/** What stands at a 1-based place of the analysed file; undefined on blanks, comments and punctuation. */
export function targetAt(analysis: Analysis, line: number, column: number): Target | undefined {
  const found = wordAt(analysis.text, analysis.file, line, column);
  if (found === undefined) return madeSymbolAt(analysis, line, column);
  const { word, range } = found;
  if (word.startsWith('%')) return { kind: 'register', name: word.slice(1), range };
  const parameter = parameterAt(analysis, word, range);
  if (parameter !== undefined) return parameter;
  const plain = plainName(word, range);
  const macro = macroAt(analysis, plain, line, column);
  const symbol = macro?.uses === true ? undefined : symbolAt(analysis, plain, line, column);
  if (symbol !== undefined) return symbol;
  if (macro !== undefined) return macro.target;
  const made = madeSymbolAt(analysis, line, column);
  if (made !== undefined) return made;
  return isKnownSymbol(analysis, plain.name) ? { kind: 'symbol', ...plain, made: false } : { kind: 'word', ...plain };
}

interface Named {
  readonly name: string;
  readonly range: SourceRange;
}

/** Without the `$` of an immediate and what follows `@`. */
function plainName(word: string, range: SourceRange): Named {
  const from = word.startsWith('$') ? 1 : 0;
  const at = word.indexOf('@', 1);
  const name = word.slice(from, at < 0 ? undefined : at);
  const column = range.start.column + from;
  return { name, range: { start: { ...range.start, column }, endColumn: column + name.length } };
}

function macroAt(analysis: Analysis, { name, range }: Named, line: number, column: number): { readonly target: Target; readonly uses: boolean } | undefined {
  const use = analysis.macroUseAt(line, column);
  const used = use !== undefined && use.definition.name.toLowerCase() === name.toLowerCase() ? use.definition : undefined;
  const all = analysis.unit.macros.filter((macro) => (macro.kind === 'gas' ? macro.name.toLowerCase() === name.toLowerCase() : macro.name === name));
  if (used === undefined && all.length === 0) return undefined;
  const definitions = distinct(used === undefined ? all : [used, ...all]);
  const isDefinition = definitions.some((macro) => macro.range.start.file === analysis.file && holds(macro.range, line, column));
  return { target: { kind: 'macro', name: definitions[0]!.name, range, definitions }, uses: used !== undefined || isDefinition };
}

function distinct(definitions: readonly MacroDefinition[]): readonly MacroDefinition[] {
  const seen = new Set<string>();
  return definitions.filter(({ range: { start } }) => {
    const key = `${start.file}\n${String(start.line)}:${String(start.column)}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The symbol that is spelled here. Occurrences in a macro's body count too: the body is read once for each use. */
function symbolAt(analysis: Analysis, { name, range }: Named, line: number, column: number): Target | undefined {
  const digits = /^(\d+)[bf]?$/.exec(name)?.[1]?.replace(/^0+(?=\d)/, '');
  const matches = (unique: string): boolean => (digits === undefined ? unique === name : isLabelOfNumber(unique, digits));
  let found: string | undefined;
  visitOccurrences(analysis.unit, (unique, place) => {
    if (found === undefined && matches(unique) && place.start.file === analysis.file && holds(place, line, column)) found = unique;
  });
  return found === undefined ? undefined : { kind: 'symbol', name: found, range, made: false };
}

/** A symbol whose name a macro puts together from what stands here: `\name\()_end`, `.Lloop\@`. */
function madeSymbolAt(analysis: Analysis, line: number, column: number): Target | undefined {
  if (!/[\\#]|\bLOCAL\b/i.test(lineOf(analysis.text, line))) return undefined;
  let found: Target | undefined;
  visitOccurrences(analysis.unit, (name, place) => {
    if (found === undefined && !isNumericLabel(name) && place.start.expansion !== undefined && place.start.file === analysis.file && holds(place, line, column)) {
      found = { kind: 'symbol', name, range: place, made: true };
    }
  });
  return found;
}

function isKnownSymbol(analysis: Analysis, name: string): boolean {
  if (analysis.labels.byName(name) !== undefined) return true;
  return analysis.unit.statements.some((statement) => statement.kind === 'assignment' && statement.name === name);
}

function parameterAt(analysis: Analysis, word: string, range: SourceRange): Target | undefined {
  const name = word.replace(/^\\/, '');
  const macro = macroAround(analysis, range.start.line);
  if (macro === undefined) return undefined;
  const parameter = macro.parameters.find((one) => one === name) ?? (word.startsWith('\\') ? macro.parameters.find((one) => name.startsWith(one)) : undefined);
  if (parameter === undefined) return undefined;
  const inHead = range.start.line === macro.range.start.line;
  if (!inHead && macro.kind === 'gas' && !word.startsWith('\\')) return undefined;
  const column = range.start.column + (word.startsWith('\\') ? 1 : 0);
  return { kind: 'parameter', name: parameter, range: { start: { ...range.start, column }, endColumn: column + parameter.length }, macro };
}

/** The assembler's macro in whose definition line `line` stands. */
export function macroAround(analysis: Analysis, line: number): MacroDefinition | undefined {
  return analysis.unit.macros
    .filter((macro) => macro.kind === 'gas' && macro.range.start.file === analysis.file && macro.range.start.line <= line && line <= lastLineOf(analysis, macro))
    .sort((a, b) => b.range.start.line - a.range.start.line)[0];
}

/** The line of the `.endm` of a macro of the analysed file. */
export function lastLineOf(analysis: Analysis, macro: MacroDefinition): number {
  const lines = analysis.text.split('\n');
  let depth = 0;
  for (let line = macro.range.start.line; line <= lines.length; line++) {
    const text = lines[line - 1]!;
    if (/^\s*(?:\w+:\s*)?\.macro\b/i.test(text)) depth++;
    else if (/^\s*\.endm\b/i.test(text) && --depth === 0) return line;
  }
  return lines.length;
}
