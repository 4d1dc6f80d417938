/**
 * Go to implementation, along a fault: from an instruction with entries to its landing pads, from an entry to its landing pad and the C
 * function that handles its type, from a landing pad to that function.
 */
import { handlerTypeName } from '../../fault-model/handler-types.ts';
import type { Analysis, EntrySite } from '../analysis/analysis.ts';
import { placeOf } from '../indexing/summary.ts';
import type { Place } from '../indexing/summary.ts';
import { targetAt } from '../navigation/target.ts';
import type { Provider } from '../provider.ts';
import { fromPosition } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';
import { locations } from './definition.ts';

export const implementation: Provider = {
  capabilities: { implementationProvider: true },
  register(connection, workspace) {
    connection.onImplementation(async ({ textDocument, position }, token) => {
      await workspace.indexed();
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined || token.isCancellationRequested) return null;
      const { line, column } = fromPosition(analysis.file, position);
      return [...locations(faultPlaces(analysis, line, column, workspace), workspace)];
    });
  },
};

/** Where a fault at a 1-based place of the file goes. */
export function faultPlaces(analysis: Analysis, line: number, column: number, workspace: Workspace): readonly Place[] {
  const target = targetAt(analysis, line, column);
  const label = target?.kind === 'symbol' ? analysis.labels.byName(target.name) : undefined;
  const landing = label === undefined ? [] : analysis.entries.filter(({ fixup }) => fixup?.section === label.section && fixup.offset === label.offset);
  if (landing.length > 0) return distinct(landing.flatMap((entry) => handlersOf(entry, workspace)));
  const here = analysis.entries.filter(({ range }) => range.start.file === analysis.file && range.start.line === line);
  if (here.length > 0) return distinct(here.flatMap((entry) => [...landingOf(entry, analysis), ...handlersOf(entry, workspace)]));
  const named = label === undefined ? undefined : analysis.instructionAt(label);
  const sites = named !== undefined && named.entries.length > 0 ? [named] : analysis.instructionsOnLine(line);
  return distinct(sites.flatMap(({ entries }) => entries.flatMap((entry) => [...landingOf(entry, analysis), ...entry.isDescriptor ? handlersOf(entry, workspace) : []])));
}

function landingOf({ fixup, isDescriptor }: EntrySite, analysis: Analysis): readonly Place[] {
  if (fixup === undefined || isDescriptor) return [];
  const range = analysis.labels.at(fixup)[0]?.range ?? analysis.instructionAt(fixup)?.statement.range;
  return range === undefined ? [] : [placeOf(range)];
}

function handlersOf(entry: EntrySite, { index }: Workspace): readonly Place[] {
  const found = entry.isDescriptor ? index.handlerOfDescriptor(entry.fixupName) : index.handlerOfType(handlerTypeName(entry.type).replace(/^EX_TYPE_/, ''));
  return found === undefined ? [] : [found];
}

function distinct(places: readonly Place[]): readonly Place[] {
  return [...new Map(places.map((place) => [`${place.file}\n${String(place.line)}:${String(place.column)}`, place])).values()];
}
