/**
 * Every place that names a symbol or a macro, over all files of the workspace that can mean the same.
 */
import type { CancellationToken } from 'vscode-languageserver';
import { isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { isFileLocal, visitOccurrences } from '../analysis/occurrences.ts';
import { wordsOf } from '../analysis/words.ts';
import { placeText, Slices } from '../indexing/workspace-index.ts';
import { mentionOf, placeOf, summarize } from '../indexing/summary.ts';
import type { FileSummary, Mention } from '../indexing/summary.ts';
import type { Workspace } from '../workspace.ts';
import type { Target } from './target.ts';

const summaries = new WeakMap<Analysis, FileSummary>();

/** What the index would keep of an analysed file. */
export function summaryOf(analysis: Analysis): FileSummary {
  let known = summaries.get(analysis);
  if (known === undefined) summaries.set(analysis, known = summarize(analysis.unit));
  return known;
}

/** True if other files can mean this symbol of the analysed file. */
export function isGlobal(analysis: Analysis, name: string): boolean {
  return !isFileLocal(name) && summaryOf(analysis).symbols.get(name)?.global !== false;
}

/** Mentions of a symbol in assembler sources: of this file if it stays in it, else of all files. Each place once, this file's first. */
export function symbolMentions(analysis: Analysis, name: string, workspace?: Workspace): readonly Mention[] {
  const found = new Map<string, Mention>();
  const add = (mention: Mention): void => { if (!found.has(placeText(mention))) found.set(placeText(mention), mention); };
  if (!isGlobal(analysis, name)) {
    visitOccurrences(analysis.unit, (unique, range, role) => { if (unique === name) add(mentionOf(writtenName(unique, range.endColumn - range.start.column), range, role)); });
    return [...found.values()];
  }
  for (const mention of summaryOf(analysis).symbols.get(name)?.mentions ?? []) add(mention);
  if (workspace !== undefined) {
    for (const { file, symbol } of workspace.index.global(name)) if (file !== analysis.file) for (const mention of symbol.mentions) add(mention);
  }
  return [...found.values()];
}

/** A text as long as the name stands: numeric labels are written `1`, `1b`, `1f`. */
function writtenName(unique: string, width: number): string {
  return isNumericLabel(unique) ? '0'.repeat(width) : unique;
}

/** Places of a macro's name in code, in the file that defines it and all that read that definition. */
export function macroMentions(analysis: Analysis, target: Extract<Target, { kind: 'macro' }>, workspace?: Workspace): readonly Mention[] {
  const definitions = new Set(target.definitions.map((definition) => placeText(placeOf(definition.range))));
  const files = new Set([analysis.file, ...target.definitions.map(({ range }) => range.start.file)]);
  if (workspace !== undefined) {
    for (const { file, macros, includes } of workspace.index.files) {
      if (!macros.some((macro) => macro.name === target.name && definitions.has(placeText(macro)))) continue;
      files.add(file);
      for (const include of includes) files.add(include);
    }
  }
  for (const { resolved } of analysis.unit.includes) if (resolved !== undefined) files.add(resolved);
  return [...files].flatMap((file): readonly Mention[] => {
    const text = file === analysis.file ? analysis.text : workspace?.text(file);
    if (text === undefined) return [];
    return wordsOf(text, target.name).map(({ line, column }) => {
      const place = { file, line, column, endColumn: column + target.name.length };
      return { ...place, role: definitions.has(placeText(place)) ? 'definition' : 'reference', spelled: true };
    });
  });
}

/** Places of a global symbol's name in the C files of the workspace. Stops early when cancelled. */
export async function cMentions(name: string, workspace: Workspace, token: CancellationToken): Promise<readonly Mention[]> {
  const found: Mention[] = [];
  const slices = new Slices();
  for (const { file, functions } of workspace.index.cFiles) {
    if (await slices.pause() && token.isCancellationRequested) return found;
    const text = workspace.text(file);
    if (text === undefined || !text.includes(name)) continue;
    const own = functions.filter((one) => one.name === name);
    // A static function of that name is another one.
    if (own.some(({ isStatic }) => isStatic)) continue;
    const defined = new Set(own.map(({ line }) => line));
    for (const { line, column } of wordsOf(text, name, 'c')) {
      found.push({ file, line, column, endColumn: column + name.length, role: defined.has(line) ? 'definition' : 'reference', spelled: true });
    }
  }
  return found;
}
