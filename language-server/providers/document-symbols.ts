/**
 * The outline: routines with the labels inside them, macros, and data labels.
 */
import { SymbolKind } from 'vscode-languageserver';
import type { DocumentSymbol, SymbolInformation } from 'vscode-languageserver';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis, Routine } from '../analysis/analysis.ts';
import type { Label } from '../analysis/labels.ts';
import { symbolKinds } from '../kinds.ts';
import { routineRange } from '../navigation/routines.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toRange } from '../ranges.ts';

export const documentSymbols: Provider = {
  capabilities: { documentSymbolProvider: true },
  register(connection, workspace) {
    let nested = false;
    let kindFor = symbolKinds(undefined);
    workspace.onInitialize(({ capabilities: { textDocument } }) => {
      nested = textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport === true;
      kindFor = symbolKinds(textDocument?.documentSymbol?.symbolKind?.valueSet);
    });
    connection.onDocumentSymbol(({ textDocument: { uri } }) => {
      const analysis = workspace.analysis(uri);
      const found = analysis === undefined ? [] : outline(analysis).map((symbol) => shown(symbol, kindFor));
      return nested ? [...found] : found.flatMap((symbol) => flat(symbol, uri));
    });
  },
};

/** A symbol and those in it with kinds that the client knows. */
function shown(symbol: DocumentSymbol, kindFor: (kind: SymbolKind) => SymbolKind): DocumentSymbol {
  return { ...symbol, kind: kindFor(symbol.kind), ...(symbol.children === undefined ? {} : { children: symbol.children.map((child) => shown(child, kindFor)) }) };
}

/** A symbol and those in it, for clients that know no nesting. */
function flat({ name, kind, range, children = [] }: DocumentSymbol, uri: string, container?: string): SymbolInformation[] {
  const own = { name, kind, location: { uri, range }, ...(container === undefined ? {} : { containerName: container }) };
  return [own, ...children.flatMap((child) => flat(child, uri, name))];
}

/** In document order; labels nest in the routine they stand in. */
export function outline(analysis: Analysis): readonly DocumentSymbol[] {
  const routines = analysis.routines.flatMap((routine) => routineSymbol(routine, analysis));
  const named = new Set(analysis.routines.map((routine) => routine.name));
  const inside = (label: Label): boolean => analysis.routines.some((routine) => isIn(label, routine));
  const others = analysis.labels.all.filter((label) => !named.has(label.name) && !inside(label)).flatMap((label) => labelSymbol(label, SymbolKind.Variable, analysis));
  const macros = analysis.unit.macros.filter((macro) => macro.range.start.file === analysis.file).map((macro): DocumentSymbol => {
    const range = toRange(macro.range);
    return { name: macro.name, kind: SymbolKind.Constant, detail: macro.kind === 'cpp' ? '#define' : '.macro', range, selectionRange: range };
  });
  return [...routines, ...others, ...macros].sort((a, b) => a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character);
}

function isIn(label: Label, routine: Routine): boolean {
  return label.section === routine.section && label.offset >= routine.start && label.offset < routine.end;
}

function routineSymbol(routine: Routine, analysis: Analysis): readonly DocumentSymbol[] {
  const ranges = routineRange(routine, analysis);
  if (ranges === undefined) return [];
  const end = ranges.range.end.line + 1;
  const children = analysis.labels.all
    .filter((label) => label.name !== routine.name && isIn(label, routine) && writtenPosition(label.range.start).line <= end)
    .flatMap((label) => labelSymbol(label, SymbolKind.Key, analysis));
  const covered = analysis.instructions.filter((site) => site.routine === routine && site.entries.length > 0).length;
  return [{
    name: routine.name, kind: routine.isFunction ? SymbolKind.Function : SymbolKind.Method, ...ranges, children,
    ...(covered === 0 ? {} : { detail: `${String(covered)} covered` }),
  }];
}

function labelSymbol(label: Label, kind: SymbolKind, analysis: Analysis): readonly DocumentSymbol[] {
  const shown = shownRange(label.range, analysis.file);
  if (shown === undefined) return [];
  const range = toRange(shown);
  return [{ name: label.written, kind, range, selectionRange: range }];
}
