/**
 * Go to definition: labels (numeric ones too), symbols and macros of any file of the workspace, C functions, included files. From an
 * `EX_TYPE_…` also to the C function that handles it.
 */
import { isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { Location } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import type { Place } from '../indexing/summary.ts';
import { placeOf } from '../indexing/summary.ts';
import { includeAt } from '../navigation/includes.ts';
import { isGlobal, symbolMentions } from '../navigation/mentions.ts';
import { targetAt } from '../navigation/target.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, isOpenable, placeRange } from '../ranges.ts';
import { uriOf } from '../uri.ts';
import type { Workspace } from '../workspace.ts';

export const definition: Provider = {
  capabilities: { definitionProvider: true },
  register(connection, workspace) {
    connection.onDefinition(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const found = locations(definitionsAt(analysis, line, column, workspace), workspace);
      // One place as it is: older clients know nothing else.
      return found.length === 1 ? found[0]! : [...found];
    });
  },
};

/** Where what stands at a 1-based place is defined, the likeliest first. */
export function definitionsAt(analysis: Analysis, line: number, column: number, workspace?: Workspace): readonly Place[] {
  const include = includeAt(analysis, line, column);
  if (include !== undefined) return [{ file: include, line: 1, column: 1, endColumn: 1 }];
  const target = targetAt(analysis, line, column);
  switch (target?.kind) {
    case 'symbol': return symbolDefinitions(analysis, target.name, workspace);
    case 'macro': {
      const type = /^EX_TYPE_(\w+)$/.exec(target.name)?.[1];
      const handler = type === undefined ? undefined : workspace?.index.handlerOfType(type);
      return [...handler === undefined ? [] : [handler], ...target.definitions.map(({ range }) => placeOf(range))];
    }
    case 'parameter': return [parameterPlace(analysis, target)];
    case 'word': return wordDefinitions(target.name, workspace);
    case 'register': case undefined: return [];
  }
}

/** Definitions of a symbol: of this file, else of the files that define it for others, else of a C file. */
export function symbolDefinitions(analysis: Analysis, name: string, workspace?: Workspace): readonly Place[] {
  const mentions = symbolMentions(analysis, name, workspace).filter(({ role }) => role === 'definition');
  const own = mentions.filter(({ file }) => file === analysis.file);
  if (own.length > 0 || isNumericLabel(name)) return own.length > 0 ? own : mentions;
  if (mentions.length > 0) return mentions;
  return workspace !== undefined && isGlobal(analysis, name) ? workspace.index.cFunctions(name) : [];
}

/** Of a word in text that the reader skipped: a global symbol, C function or macro of that name. */
function wordDefinitions(name: string, workspace: Workspace | undefined): readonly Place[] {
  if (workspace === undefined) return [];
  const symbols = workspace.index.definitions(name);
  if (symbols.length > 0) return symbols;
  return [...workspace.index.cFunctions(name), ...workspace.index.macros().filter((macro) => macro.name === name)];
}

function parameterPlace(analysis: Analysis, { name, macro }: { readonly name: string; readonly macro: { readonly range: Parameters<typeof placeOf>[0] } }): Place {
  const { line, endColumn, file } = placeOf(macro.range);
  const head = analysis.text.split('\n')[line - 1] ?? '';
  const at = new RegExp(`(?<![\\w.$])${name.replace(/[.$]/g, '\\$&')}(?![\\w.$])`).exec(head.slice(endColumn - 1))?.index;
  const column = at === undefined ? endColumn : endColumn + at;
  return { file, line, column, endColumn: column + (at === undefined ? 0 : name.length) };
}

/** Those places that a client can open, as it names them. */
export function locations(places: readonly Place[], workspace: Workspace): readonly Location[] {
  return places.filter(({ file }) => isOpenable(file)).map((place) => ({ uri: workspace.documentOf(place.file)?.uri ?? uriOf(place.file), range: placeRange(place) }));
}
