/**
 * Inlay hints: behind covered instructions where they land and after which exceptions; at accesses that have no entry, that they have none.
 */
import type { InlayHint, InlayHintLabelPart, MarkupKind, Range } from 'vscode-languageserver';
import { vectorFacts } from '../../fault-model/vectors.ts';
import type { EditorSettings } from '../../host/settings.ts';
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { accessesData, coveredRoutines } from '../analysis/coverage.ts';
import { canMachineCheck, entryLine, recoverabilityOf } from '../analysis/describe.ts';
import { markup } from '../markup.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toLocation, toRange } from '../ranges.ts';

/** Where to find again what a hint is about. */
interface About {
  readonly uri: string;
  /** Line from 1. */
  readonly line: number;
}

export const inlayHints: Provider = {
  capabilities: { inlayHintProvider: { resolveProvider: true } },
  register(connection, workspace) {
    // Hints have no format of their own to announce: who shows Markdown in a hover shows it here.
    let formats: readonly MarkupKind[] | undefined;
    workspace.onInitialize(({ capabilities }) => { formats = capabilities.textDocument?.hover?.contentFormat; });
    connection.languages.inlayHint.on(async ({ textDocument: { uri }, range }) => {
      const { inlayHints: settings = {} } = await workspace.settings(uri);
      const analysis = workspace.analysis(uri);
      return analysis === undefined || analysis.foreign !== undefined ? [] : [...hintsOf(analysis, uri, range, settings)];
    });
    connection.languages.inlayHint.resolve((hint) => {
      const about = hint.data as About | undefined;
      const analysis = about === undefined ? undefined : workspace.recentAnalysis(about.uri);
      if (about === undefined || analysis === undefined) return hint;
      const value = analysis.instructionsOnLine(about.line).map((site) => tooltip(site, analysis)).join('\n\n');
      return { ...hint, tooltip: markup(value, formats) };
    });
  },
};

/** The hints of the lines of `range`, one a line, in order. */
export function hintsOf(analysis: Analysis, uri: string, range: Range, { landingPads = true, uncovered = true }: NonNullable<EditorSettings['inlayHints']> = {}): readonly InlayHint[] {
  const routines = coveredRoutines(analysis);
  const byLine = new Map<number, { end: number; readonly sites: InstructionSite[] }>();
  for (const site of analysis.instructions) {
    if (site.routine === undefined || !routines.has(site.routine)) continue;
    const isCovered = site.entries.length > 0;
    if (isCovered ? !landingPads : !uncovered || !accessesData(site)) continue;
    const shown = shownRange((site.prefixed ?? site.statement).range, analysis.file);
    if (shown === undefined) continue;
    const { end } = toRange(shown);
    if (end.line < range.start.line || end.line > range.end.line) continue;
    const line = byLine.get(end.line) ?? { end: 0, sites: [] };
    line.end = Math.max(line.end, macroEnd(analysis, end.line + 1) ?? end.character);
    line.sites.push(site);
    byLine.set(end.line, line);
  }
  return [...byLine].sort(([a], [b]) => a - b).map(([line, { end, sites }]): InlayHint => ({
    position: { line, character: end }, label: label(sites, analysis), paddingLeft: true, data: { uri, line: line + 1 } satisfies About,
  }));
}

/** The end of the last macro use of a line: a hint stands behind it, not inside its arguments. */
function macroEnd({ unit, file }: Analysis, line: number): number | undefined {
  const ends = unit.macroUses.filter(({ range }) => range.start.file === file && range.start.line === line && range.start.expansion === undefined).map(({ range }) => range.endColumn - 1);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function label(sites: readonly InstructionSite[], analysis: Analysis): InlayHintLabelPart[] | string {
  const covered = sites.filter(({ entries }) => entries.length > 0);
  const bare = sites.length - covered.length;
  const none = bare === 0 ? '' : bare === 1 ? 'no entry' : `${String(bare)} without entry`;
  if (covered.length === 0) return none;
  const pads = new Map(covered.flatMap(({ entries }) => entries).map((entry) => [entry.fixupName, entry]));
  const parts = [...pads.values()].flatMap((entry, index): readonly InlayHintLabelPart[] => {
    const target = entry.fixup === undefined ? undefined : analysis.labels.at(entry.fixup).find(({ written }) => written === entry.fixupName);
    return [{ value: index === 0 ? '→ ' : ', ' }, { value: entry.fixupName, ...(target === undefined ? {} : { location: toLocation(target.range) }) }];
  });
  return [...parts, { value: ` ${vectors(covered, analysis)}${none === '' ? '' : `; ${none}`}` }];
}

const MACHINE_CHECK = 18, ALIGNMENT = 17;

/** `#GP #PF #MC`: what the entry takes. Alignment checks are of user mode, and a machine check that is not recoverable is none. */
function vectors(sites: readonly InstructionSite[], analysis: Analysis): string {
  const found = new Set(sites.flatMap((site) => site.instruction.faults.map(({ vector }) => vector).filter((vector) =>
    vector !== ALIGNMENT && (vector !== MACHINE_CHECK || site.entries.some((entry) => recoverabilityOf(site, entry, analysis).recoverable !== 'no')))));
  return [...found].sort((a, b) => a - b).map((vector) => vectorFacts(vector).mnemonic).join(' ');
}

function tooltip(site: InstructionSite, analysis: Analysis): string {
  const { text } = site.instruction;
  if (site.entries.length === 0) return accessesData(site) ? `\`${text}\` has no exception-table entry: a fault here is an oops${canMachineCheck(site.instruction) ? ', a machine check a panic' : ''}.` : `\`${text}\``;
  return [`\`${text}\``, ...site.entries.map((entry) => `- ${entryLine(entry, analysis)}${canMachineCheck(site.instruction) ? `; machine check ${machineCheck(site, entry, analysis)}` : ''}`)].join('\n');
}

function machineCheck(...[site, entry, analysis]: Parameters<typeof recoverabilityOf>): string {
  const { recoverable, because } = recoverabilityOf(site, entry, analysis);
  return `${{ yes: 'recoverable', no: 'not recoverable', 'if the address is a user address': 'recoverable if the address is a user address' }[recoverable]}: ${because}`;
}
