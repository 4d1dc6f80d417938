/**
 * Symbols of all sources of the workspace: routines, data, constants, macros, C functions that assembly names. A client that can ask again
 * is given the ranges when it does.
 */
import { SymbolKind } from 'vscode-languageserver';
import type { WorkspaceSymbol } from 'vscode-languageserver';
import type { Place, SymbolSummary } from '../indexing/summary.ts';
import { placeText, Slices } from '../indexing/workspace-index.ts';
import type { Provider } from '../provider.ts';
import { isOpenable, placeRange } from '../ranges.ts';
import { pathOf } from '../uri.ts';
import type { Workspace } from '../workspace.ts';
import type { CancellationToken } from 'vscode-languageserver';

/** More than anybody reads. */
const MOST = 500;
const KIND: Readonly<Record<SymbolSummary['kind'], SymbolKind>> = { function: SymbolKind.Function, data: SymbolKind.Variable, constant: SymbolKind.Constant };

export const workspaceSymbols: Provider = {
  capabilities: { workspaceSymbolProvider: { resolveProvider: true } },
  register(connection, workspace) {
    let lazy = false;
    workspace.onInitialize(({ capabilities }) => { lazy = capabilities.workspace?.symbol?.resolveSupport?.properties.includes('location.range') ?? false; });
    connection.onWorkspaceSymbol(async ({ query }, token) => {
      await workspace.indexed();
      return (await symbolsLike(query, workspace, token)).map(({ name, kind, container, place }): WorkspaceSymbol => {
        const range = placeRange(place);
        const uri = workspace.uriOf(place.file);
        return { name, kind, ...(container === undefined ? {} : { containerName: container }), ...(lazy ? { location: { uri }, data: range } : { location: { uri, range } }) };
      });
    });
    connection.onWorkspaceSymbolResolve((symbol) => {
      if ('range' in symbol.location || symbol.data === undefined) return symbol;
      return { ...symbol, location: { uri: symbol.location.uri, range: symbol.data as ReturnType<typeof placeRange> } };
    });
  },
};

interface Found {
  readonly name: string;
  readonly kind: SymbolKind;
  readonly container?: string;
  readonly place: Place;
  readonly rank: number;
}

/** Those whose name has the letters of `query` in order, whole words and beginnings first. */
async function symbolsLike(query: string, workspace: Workspace, token: CancellationToken): Promise<readonly Found[]> {
  const found = new Map<string, Found>();
  const slices = new Slices();
  const add = (name: string, kind: SymbolKind, place: Place, container?: string): void => {
    const rank = rankOf(name, query);
    if (rank === undefined || !isOpenable(place.file)) return;
    found.set(`${placeText(place)} ${name}`, { name, kind, place, rank, ...(container === undefined ? {} : { container }) });
  };
  for (const { symbols, macros, file } of workspace.index.files) {
    if (await slices.pause() && token.isCancellationRequested) return [];
    for (const symbol of symbols.values()) {
      if (!symbol.defined) continue;
      for (const mention of symbol.mentions) if (mention.role === 'definition') add(symbol.name, KIND[symbol.kind], mention, shortName(file));
    }
    for (const macro of macros) if (workspace.contains(macro.file)) add(macro.name, SymbolKind.Constant, macro, shortName(macro.file));
  }
  for (const { functions, file } of workspace.index.cFiles) {
    if (await slices.pause() && token.isCancellationRequested) return [];
    for (const one of functions) add(one.name, SymbolKind.Function, one, shortName(file));
  }
  return [...found.values()].sort((a, b) => a.rank - b.rank || a.name.length - b.name.length || (a.name < b.name ? -1 : 1)).slice(0, MOST);
}

function shortName(path: string): string {
  const plain = pathOf(path);
  return plain.slice(plain.lastIndexOf('/') + 1);
}

/** 0 the whole name, 1 its beginning, 2 a part, 3 the letters in order; undefined for none of these. */
function rankOf(name: string, query: string): number | undefined {
  const lower = name.toLowerCase();
  const wanted = query.toLowerCase();
  if (lower === wanted) return 0;
  const at = lower.indexOf(wanted);
  if (at >= 0) return at === 0 ? 1 : 2;
  let from = 0;
  for (const letter of wanted) {
    from = lower.indexOf(letter, from) + 1;
    if (from === 0) return undefined;
  }
  return 3;
}
