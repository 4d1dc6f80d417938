/**
 * Call hierarchy: which routine calls which, jumps to other routines (tail calls) included, C functions too as far as they name routines.
 */
import type { CancellationToken } from 'vscode-languageserver';
import { SymbolKind } from 'vscode-languageserver';
import type { CallHierarchyItem, Range } from 'vscode-languageserver';
import type { Analysis, Routine } from '../analysis/analysis.ts';
import { callsOf } from '../navigation/calls.ts';
import type { Call } from '../navigation/calls.ts';
import { routineAt, routineRange } from '../navigation/routines.ts';
import { cMentions, isGlobal } from '../navigation/mentions.ts';
import { targetAt } from '../navigation/target.ts';
import type { CFunction } from '../indexing/c-source.ts';
import { Slices } from '../indexing/workspace-index.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, placeRange, shownRange, toRange } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';

/** What an item carries from one request to the next. */
interface ItemData {
  readonly file: string;
  readonly name: string;
  readonly kind: 'routine' | 'c' | 'external';
}

export const callHierarchy: Provider = {
  capabilities: { callHierarchyProvider: true },
  register(connection, workspace) {
    const hierarchy = new Hierarchy(workspace);
    connection.languages.callHierarchy.onPrepare(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const target = targetAt(analysis, line, column);
      const named = target?.kind === 'symbol' ? hierarchy.itemOf(target.name, analysis) : undefined;
      const around = routineAt(analysis, line);
      const item = named ?? (around === undefined ? undefined : routineItem(around, analysis, workspace));
      return item === undefined ? null : [item];
    });
    connection.languages.callHierarchy.onOutgoingCalls(({ item }) => hierarchy.outgoing(item.data as ItemData));
    connection.languages.callHierarchy.onIncomingCalls(async ({ item }, token) => {
      await workspace.indexed();
      return hierarchy.incoming(item.data as ItemData, token);
    });
  },
};

function routineItem(routine: Routine, analysis: Analysis, workspace: Workspace): CallHierarchyItem | undefined {
  const ranges = routineRange(routine, analysis);
  if (ranges === undefined) return undefined;
  const data: ItemData = { file: analysis.file, name: routine.name, kind: 'routine' };
  return { name: routine.name, kind: SymbolKind.Function, uri: workspace.uriOf(analysis.file), ...ranges, data };
}

function cItem(one: CFunction, workspace: Workspace): CallHierarchyItem {
  const selectionRange = placeRange(one);
  const data: ItemData = { file: one.file, name: one.name, kind: 'c' };
  return { name: one.name, kind: SymbolKind.Function, detail: one.prototype, uri: workspace.uriOf(one.file), range: { start: { line: one.line - 1, character: 0 }, end: { line: one.lastLine, character: 0 } }, selectionRange, data };
}

class Hierarchy {
  readonly #workspace: Workspace;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The item of the routine that `name` means in a file; undefined for a symbol that is no code. */
  itemOf(name: string, analysis: Analysis): CallHierarchyItem | undefined {
    const own = analysis.routines.find((routine) => routine.name === name);
    if (own !== undefined) return routineItem(own, analysis, this.#workspace);
    if (!isGlobal(analysis, name)) return undefined;
    for (const { file } of this.#workspace.index.definitions(name)) {
      const other = this.#workspace.analysisOfFile(file);
      const routine = other?.routines.find((one) => one.name === name);
      if (other !== undefined && routine !== undefined) return routineItem(routine, other, this.#workspace);
    }
    const [inC] = this.#workspace.index.cFunctions(name);
    return inC === undefined ? undefined : cItem(inC, this.#workspace);
  }

  outgoing(data: ItemData): { readonly to: CallHierarchyItem; readonly fromRanges: Range[] }[] | null {
    const analysis = data.kind === 'routine' ? this.#workspace.analysisOfFile(data.file) : undefined;
    const routine = analysis?.routines.find(({ name }) => name === data.name);
    if (analysis === undefined || routine === undefined) return [];
    const byCallee = new Map<string, Call[]>();
    for (const call of callsOf(analysis, routine)) byCallee.set(call.callee, [...byCallee.get(call.callee) ?? [], call]);
    return [...byCallee].map(([callee, calls]) => {
      const fromRanges = rangesOf(calls, analysis);
      const to = this.itemOf(callee, analysis) ?? externalItem(callee, analysis, fromRanges, this.#workspace);
      return { to: calls.every(({ tail }) => tail) ? { ...to, detail: to.detail === undefined ? 'tail jump' : `tail jump: ${to.detail}` } : to, fromRanges };
    });
  }

  async incoming(data: ItemData, token: CancellationToken): Promise<{ readonly from: CallHierarchyItem; readonly fromRanges: Range[] }[]> {
    const found: { readonly from: CallHierarchyItem; readonly fromRanges: Range[] }[] = [];
    const slices = new Slices();
    const home = data.kind === 'c' ? undefined : this.#workspace.analysisOfFile(data.file);
    const global = home === undefined || isGlobal(home, data.name);
    const callers = global ? this.#workspace.index.global(data.name).filter(({ symbol }) => symbol.mentions.some(({ role }) => role === 'call' || role === 'jump')).map(({ file }) => file) : [];
    for (const file of new Set([...home === undefined ? [] : [home.file], ...callers])) {
      if (await slices.pause() && token.isCancellationRequested) return found;
      const analysis = file === home?.file ? home : this.#workspace.analysisOfFile(file);
      for (const routine of analysis?.routines ?? []) {
        const calls = callsOf(analysis!, routine).filter(({ callee }) => callee === data.name);
        const from = calls.length === 0 ? undefined : routineItem(routine, analysis!, this.#workspace);
        if (from !== undefined) found.push({ from, fromRanges: rangesOf(calls, analysis!) });
      }
    }
    if (global) found.push(...await this.#incomingFromC(data.name, token));
    return found;
  }

  async #incomingFromC(name: string, token: CancellationToken): Promise<{ readonly from: CallHierarchyItem; readonly fromRanges: Range[] }[]> {
    const byCaller = new Map<CFunction, Range[]>();
    const callers = new Map([...this.#workspace.index.cFiles].map(({ file, functions }) => [file, functions]));
    for (const mention of await cMentions(name, this.#workspace, token)) {
      const caller = callers.get(mention.file)?.find((one) => one.line <= mention.line && mention.line <= one.lastLine && one.name !== name);
      if (caller !== undefined) byCaller.set(caller, [...byCaller.get(caller) ?? [], placeRange(mention)]);
    }
    return [...byCaller].map(([caller, fromRanges]) => ({ from: cItem(caller, this.#workspace), fromRanges }));
  }
}

function rangesOf(calls: readonly Call[], analysis: Analysis): Range[] {
  const ranges = calls.flatMap(({ site }) => shownRange(site.statement.range, analysis.file) ?? []).map(toRange);
  const seen = new Set<string>();
  return ranges.filter((range) => !seen.has(JSON.stringify(range)) && seen.add(JSON.stringify(range)));
}

/** A function that no file of the workspace defines: shown where it is called. */
function externalItem(name: string, analysis: Analysis, [first]: readonly Range[], workspace: Workspace): CallHierarchyItem {
  const range = first ?? { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  const data: ItemData = { file: analysis.file, name, kind: 'external' };
  return { name, kind: SymbolKind.Function, detail: 'not defined in the workspace', uri: workspace.uriOf(analysis.file), range, selectionRange: range, data };
}
