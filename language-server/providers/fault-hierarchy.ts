/**
 * What happens at a fault, as a type hierarchy: routine, access, entry, landing pad, handler. Subtypes go the way of the fault, supertypes
 * back. It is a type hierarchy, and no call hierarchy, so that an editor shows the two side by side.
 */
import type { CancellationToken } from 'vscode-languageserver';
import { SymbolKind } from 'vscode-languageserver';
import type { TypeHierarchyItem } from 'vscode-languageserver';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { handlerType, handlerTypeName } from '../../fault-model/handler-types.ts';
import { vectorFacts } from '../../fault-model/vectors.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Analysis, EntrySite, InstructionSite, ObjectPlace, Routine } from '../analysis/analysis.ts';
import { placeText } from '../analysis/describe.ts';
import type { CFunction } from '../indexing/c-source.ts';
import { Slices } from '../indexing/workspace-index.ts';
import { routineRange } from '../navigation/routines.ts';
import { targetAt } from '../navigation/target.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, placeRange, shownRange, toRange } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';

/** What an item carries from one request to the next. */
type ItemData =
  | { readonly kind: 'routine'; readonly file: string; readonly name: string }
  | { readonly kind: 'access' | 'landing'; readonly file: string; readonly place: ObjectPlace }
  | { readonly kind: 'entry'; readonly file: string; readonly index: number }
  /** `handler`: the C function's name, if the workspace has one. */
  | { readonly kind: 'handler'; readonly file: string; readonly type: number; readonly descriptor?: string; readonly handler?: string };

export const faultHierarchy: Provider = {
  capabilities: { typeHierarchyProvider: true },
  register(connection, workspace) {
    const { typeHierarchy } = connection.languages;
    const hierarchy = new FaultHierarchy(workspace);
    typeHierarchy.onPrepare(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const items = hierarchy.prepare(analysis, line, column);
      return items.length === 0 ? null : items;
    });
    typeHierarchy.onSubtypes(async ({ item }) => {
      await workspace.indexed();
      return hierarchy.subtypes(item.data as ItemData);
    });
    typeHierarchy.onSupertypes(async ({ item }, token) => {
      await workspace.indexed();
      return hierarchy.supertypes(item.data as ItemData, token);
    });
  },
};

class FaultHierarchy {
  readonly #workspace: Workspace;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The items for a 1-based place of a file; none where nothing faults, lands or handles. */
  prepare(analysis: Analysis, line: number, column: number): TypeHierarchyItem[] {
    const target = targetAt(analysis, line, column);
    const type = /^EX_TYPE_(\w+)$/.exec(target?.name ?? '')?.[1];
    const typed = type === undefined ? undefined : analysis.entries.find((entry) => handlerTypeName(entry.type) === `EX_TYPE_${type}`);
    if (typed !== undefined) return [this.#handler(typed, analysis)];
    if (target?.kind === 'symbol') {
      const label = analysis.labels.byName(target.name);
      const routine = analysis.routines.find(({ name }) => name === target.name);
      if (label !== undefined && analysis.entries.some(({ fixup }) => isSame(fixup, label))) return this.#landing(label, analysis);
      const site = label === undefined ? undefined : analysis.instructionAt(label);
      if (site !== undefined && site.entries.length > 0 && routine === undefined) return this.#access(site, analysis);
      if (routine !== undefined && coveredIn(routine, analysis).length > 0) return this.#routine(routine, analysis);
    }
    const entries = analysis.entries.filter(({ range }) => range.start.file === analysis.file && range.start.line === line);
    if (entries.length > 0) return entries.flatMap((entry) => this.#entry(entry, analysis));
    return analysis.instructionsOnLine(line).filter((site) => site.entries.length > 0).flatMap((site) => this.#access(site, analysis));
  }

  /** Where a fault goes from here. */
  subtypes(data: ItemData): TypeHierarchyItem[] {
    const analysis = this.#workspace.analysisOfFile(data.file);
    if (analysis === undefined) return [];
    switch (data.kind) {
      case 'routine': {
        const routine = analysis.routines.find(({ name }) => name === data.name);
        return routine === undefined ? [] : coveredIn(routine, analysis).flatMap((site) => this.#access(site, analysis));
      }
      case 'access': return (analysis.instructionAt(data.place)?.entries ?? []).flatMap((entry) => this.#entry(entry, analysis));
      case 'entry': {
        const entry = analysis.entries[data.index];
        return entry === undefined ? [] : entry.fixup === undefined || entry.isDescriptor ? [this.#handler(entry, analysis)] : this.#landing(entry.fixup, analysis);
      }
      case 'landing': return distinct(analysis.entries.filter(({ fixup }) => isSame(fixup, data.place)).map((entry) => this.#handler(entry, analysis)));
      case 'handler': return [];
    }
  }

  /** Where a fault comes from. */
  async supertypes(data: ItemData, token: CancellationToken): Promise<TypeHierarchyItem[]> {
    if (data.kind === 'handler') return this.#handledBy(data, token);
    const analysis = this.#workspace.analysisOfFile(data.file);
    if (analysis === undefined) return [];
    switch (data.kind) {
      case 'routine': return [];
      case 'access': {
        const routine = analysis.instructionAt(data.place)?.routine;
        return routine === undefined ? [] : this.#routine(routine, analysis);
      }
      case 'entry': {
        const place = analysis.entries[data.index]?.insn;
        const site = place === undefined ? undefined : analysis.instructionAt(place);
        return site === undefined ? [] : this.#access(site, analysis);
      }
      case 'landing': return analysis.entries.filter(({ fixup }) => isSame(fixup, data.place)).flatMap((entry) => this.#entry(entry, analysis));
    }
  }

  /** Landing pads whose entries a handler takes, in all files of the workspace with entries. */
  async #handledBy(data: Extract<ItemData, { kind: 'handler' }>, token: CancellationToken): Promise<TypeHierarchyItem[]> {
    const found: TypeHierarchyItem[] = [];
    const slices = new Slices();
    const files = new Set([data.file, ...[...this.#workspace.index.files].filter(({ hasEntries }) => hasEntries).map(({ file }) => file)]);
    for (const file of files) {
      if (await slices.pause() && token.isCancellationRequested) return found;
      const analysis = this.#workspace.analysisOfFile(file);
      for (const entry of analysis?.entries ?? []) {
        if (entry.type !== data.type || (data.descriptor !== undefined && entry.fixupName !== data.descriptor)) continue;
        found.push(...entry.isDescriptor || entry.fixup === undefined ? this.#entry(entry, analysis!) : this.#landing(entry.fixup, analysis!));
      }
    }
    return distinct(found);
  }

  #item(analysis: Analysis, name: string, kind: SymbolKind, shown: SourceRange | undefined, detail: string, data: ItemData): TypeHierarchyItem[] {
    const place = shown === undefined ? undefined : shownRange(shown, analysis.file);
    if (place === undefined) return [];
    const range = toRange(place);
    return [{ name, kind, detail, uri: this.#workspace.uriOf(analysis.file), range, selectionRange: range, data }];
  }

  #routine(routine: Routine, analysis: Analysis): TypeHierarchyItem[] {
    const ranges = routineRange(routine, analysis);
    if (ranges === undefined) return [];
    const covered = coveredIn(routine, analysis).length;
    return [{
      name: routine.name, kind: SymbolKind.Function, detail: `${String(covered)} covered ${covered === 1 ? 'access' : 'accesses'}`, uri: this.#workspace.uriOf(analysis.file), ...ranges,
      data: { kind: 'routine', file: analysis.file, name: routine.name } satisfies ItemData,
    }];
  }

  #access(site: InstructionSite, analysis: Analysis): TypeHierarchyItem[] {
    const vectors = [...new Set(site.instruction.faults.map(({ vector }) => vectorFacts(vector).mnemonic))].join(' ');
    const { section, offset } = site;
    return this.#item(analysis, site.instruction.text, SymbolKind.Event, site.statement.range, `access, ${placeText(analysis, site)}${vectors === '' ? '' : `: ${vectors}`}`, { kind: 'access', file: analysis.file, place: { section, offset } });
  }

  #entry(entry: EntrySite, analysis: Analysis): TypeHierarchyItem[] {
    return this.#item(analysis, entry.macro ?? entry.table, SymbolKind.Object, entry.range, `entry, ${entryTypeText(entry)}`, { kind: 'entry', file: analysis.file, index: analysis.entries.indexOf(entry) });
  }

  #landing({ section, offset }: ObjectPlace, analysis: Analysis): TypeHierarchyItem[] {
    const [label] = analysis.labels.at({ section, offset });
    const site = analysis.instructionAt({ section, offset });
    const range = label?.range ?? site?.statement.range;
    return this.#item(analysis, label?.written ?? placeText(analysis, { section, offset }), SymbolKind.Key, range, `landing pad, ${placeText(analysis, { section, offset })}`, { kind: 'landing', file: analysis.file, place: { section, offset } });
  }

  /** The C function that takes an entry; where the workspace has none, what is known of the type. */
  #handler(entry: EntrySite, analysis: Analysis): TypeHierarchyItem {
    const { index } = this.#workspace;
    const found: CFunction | undefined = entry.isDescriptor ? index.handlerOfDescriptor(entry.fixupName) : index.handlerOfType(handlerTypeName(entry.type).replace(/^EX_TYPE_/, ''));
    const data: ItemData = {
      kind: 'handler', file: analysis.file, type: entry.type,
      ...(entry.isDescriptor ? { descriptor: entry.fixupName } : {}), ...(found === undefined ? {} : { handler: found.name }),
    };
    if (found !== undefined) {
      const selectionRange = placeRange(found);
      const range = { start: { line: found.line - 1, character: 0 }, end: { line: found.lastLine, character: 0 } };
      return { name: found.name, kind: SymbolKind.Function, detail: `handler, ${entry.isDescriptor ? entry.fixupName : handlerTypeName(entry.type)}`, uri: this.#workspace.uriOf(found.file), range, selectionRange, data };
    }
    const summary = handlerType(entry.type)?.summary;
    const place = toRange(shownRange(entry.range, analysis.file) ?? entry.range);
    return {
      name: entry.isDescriptor ? entry.fixupName : handlerTypeName(entry.type), kind: SymbolKind.Function, detail: `handler${summary === undefined ? '' : `: ${summary}`}`,
      uri: this.#workspace.uriOf(analysis.file), range: place, selectionRange: place, data,
    };
  }
}

function coveredIn(routine: Routine, analysis: Analysis): readonly InstructionSite[] {
  return analysis.instructions.filter((site) => site.routine === routine && site.entries.length > 0);
}

function isSame(a: ObjectPlace | undefined, b: ObjectPlace): boolean {
  return a !== undefined && a.section === b.section && a.offset === b.offset;
}

function distinct(items: readonly TypeHierarchyItem[]): TypeHierarchyItem[] {
  const seen = new Set<string>();
  return items.filter(({ uri, name, selectionRange: { start } }) => {
    const key = `${uri}\n${name}\n${String(start.line)}:${String(start.character)}`;
    return !seen.has(key) && seen.add(key);
  });
}
