/**
 * Code lenses above routines with entries: how many accesses are covered, running with a fault, sweeping.
 * Only those whose command the client says it can run: `initializationOptions.commands`.
 */
import type { CodeLens, Command, Location } from 'vscode-languageserver';
import type { Analysis, Routine } from '../analysis/analysis.ts';
import { coverageOf, coveredRoutines } from '../analysis/coverage.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toLocation, toRange } from '../ranges.ts';

/** Commands of the editor, each taking one object with `uri`. */
export const LENS_COMMANDS = {
  /** `{ uri, line }`: asks for the fault, and debugs. */
  debug: 'mcsafe.debugRoutineWith',
  /** `{ uri, position, locations }`: shows the accesses without an entry. */
  uncovered: 'mcsafe.showUncovered',
  /** `{ uri, routine }`: runs it against every fault. */
  sweep: 'mcsafe.sweep',
} as const;
type Kind = keyof typeof LENS_COMMANDS;
const KINDS: readonly Kind[] = ['uncovered', 'debug', 'sweep'];

interface About {
  readonly uri: string;
  readonly kind: Kind;
  readonly routine: string;
}

export const codeLenses: Provider = {
  capabilities: { codeLensProvider: { resolveProvider: true } },
  register(connection, workspace) {
    let kinds: readonly Kind[] = [];
    workspace.onInitialize(({ initializationOptions }) => {
      const commands = (initializationOptions as { commands?: unknown } | undefined)?.commands;
      kinds = Array.isArray(commands) ? KINDS.filter((kind) => commands.includes(LENS_COMMANDS[kind])) : [];
    });
    connection.onCodeLens(async ({ textDocument: { uri } }) => {
      if (kinds.length === 0 || (await workspace.settings(uri)).codeLens === false) return [];
      const analysis = workspace.analysis(uri);
      return analysis === undefined || analysis.foreign !== undefined ? [] : [...lensesOf(analysis, uri, kinds)];
    });
    connection.onCodeLensResolve((lens) => {
      const about = lens.data as About | undefined;
      const analysis = about === undefined ? undefined : workspace.recentAnalysis(about.uri);
      const routine = analysis?.routines.find(({ name }) => name === about?.routine);
      return about === undefined || analysis === undefined || routine === undefined ? lens : { ...lens, command: commandOf(about, routine, analysis) };
    });
  },
};

/** Without their commands: {@link commandOf} makes them. */
export function lensesOf(analysis: Analysis, uri: string, kinds: readonly Kind[] = KINDS): readonly CodeLens[] {
  const covered = coveredRoutines(analysis);
  return analysis.routines.filter((routine) => covered.has(routine)).flatMap((routine): readonly CodeLens[] => {
    const shown = shownRange(routine.range, analysis.file);
    if (shown === undefined) return [];
    return kinds.map((kind) => ({ range: toRange(shown), data: { uri, kind, routine: routine.name } satisfies About }));
  });
}

export function commandOf({ uri, kind, routine: name }: About, routine: Routine, analysis: Analysis): Command {
  const command = LENS_COMMANDS[kind];
  const shown = shownRange(routine.range, analysis.file) ?? routine.range;
  switch (kind) {
    case 'debug': return { title: 'Run with a fault…', command, arguments: [{ uri, line: shown.start.line }] };
    case 'sweep': return { title: 'Sweep', command, arguments: [{ uri, routine: name }] };
    case 'uncovered': {
      const { covered, uncovered } = coverageOf(routine, analysis);
      const locations = uncovered.flatMap((site): readonly Location[] => {
        const place = shownRange(site.statement.range, analysis.file);
        return place === undefined ? [] : [toLocation(place)];
      });
      return { title: `${String(covered.length)} of ${String(covered.length + uncovered.length)} accesses covered`, command, arguments: [{ uri, position: toRange(shown).start, locations }] };
    }
  }
}
