/**
 * Diagnostics, pushed to clients that wait for them and given to clients that ask.
 */
import { DiagnosticSeverity, DiagnosticTag } from 'vscode-languageserver';
import type { Diagnostic } from 'vscode-languageserver';
import type { Connection } from 'vscode-languageserver';
import type { Problem, Severity } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { report } from '../checks/report.ts';
import type { Level } from '../../host/settings.ts';
import type { Workspace } from '../workspace.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toLocation, toRange } from '../ranges.ts';
import { uriOf } from '../uri.ts';

const SEVERITY: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information, hint: DiagnosticSeverity.Hint,
};

/** Milliseconds without a change to wait for at most, while changes come faster than they are answered. */
const LONGEST_WAIT = 150;

export const diagnostics: Provider = {
  capabilities: { diagnosticProvider: { identifier: 'mcsafe', interFileDependencies: true, workspaceDiagnostics: false } },
  register(connection, workspace) {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const costs = new Map<string, number>();
    const changes = new Map<string, number>();
    let form: Form = {};
    let versions = false;
    const settings = new SettingsProblems(connection, workspace);
    const push = async (uri: string): Promise<void> => {
      timers.delete(uri);
      const diagnostics = await current(workspace, uri, form, (milliseconds) => { costs.set(uri, milliseconds); });
      const document = workspace.document(uri);
      await connection.sendDiagnostics({ uri, diagnostics: [...diagnostics], ...(document === undefined || !versions ? {} : { version: document.version }) });
      await settings.publish(uri);
    };
    const schedule = (uri: string): void => {
      clearTimeout(timers.get(uri));
      const now = performance.now();
      const wait = waitFor(now - (changes.get(uri) ?? -Infinity), costs.get(uri) ?? 0);
      changes.set(uri, now);
      timers.set(uri, setTimeout(() => {
        // Outside a request nobody turns an exception into an answer: it would end the server.
        push(uri).catch((error: unknown) => { connection.console.error(error instanceof Error ? error.stack ?? error.message : String(error)); });
      }, wait));
    };
    connection.languages.diagnostics.on(async ({ textDocument }) => {
      const items = [...await current(workspace, textDocument.uri, form)];
      await settings.publish(textDocument.uri);
      return { kind: 'full', items };
    });
    let pulls = false;
    let refreshes = false;
    workspace.onInitialize(({ capabilities: { textDocument: client, workspace: ofWorkspace } }) => {
      pulls = client?.diagnostic !== undefined;
      refreshes = ofWorkspace?.diagnostics?.refreshSupport === true;
      versions = client?.publishDiagnostics?.versionSupport === true;
      form = {
        ...(client?.publishDiagnostics?.codeDescriptionSupport === true && workspace.documentation !== undefined ? { documentation: workspace.documentation } : {}),
        related: (client?.diagnostic?.relatedInformation ?? client?.publishDiagnostics?.relatedInformation) === true,
        tags: client?.publishDiagnostics?.tagSupport?.valueSet.includes(DiagnosticTag.Unnecessary) === true,
      };
    });
    workspace.onDidChange((uri) => {
      if (pulls) {
        if (uri === undefined && refreshes) connection.languages.diagnostics.refresh().catch(() => { /* the client has gone */ });
        return;
      }
      for (const changed of uri === undefined ? workspace.documents.map((document) => document.uri) : [uri]) schedule(changed);
    });
    workspace.onShutdown(() => { for (const timer of timers.values()) clearTimeout(timer); });
  },
};

/**
 * Milliseconds to wait for another change. One that comes later after the one before it than diagnostics take, `cost`, is answered at once:
 * there is nothing to gain by waiting. In a run of faster ones the last is.
 */
export function waitFor(sinceLast: number, cost: number): number {
  return sinceLast < cost ? Math.min(cost, LONGEST_WAIT) : 0;
}

/** What the client can show beside the message. */
interface Form {
  /** The folder with the pages of the codes. */
  readonly documentation?: string;
  readonly tags?: boolean;
  /** False: the client shows no places beside a diagnostic's own. */
  readonly related?: boolean;
}

/** What is wrong with the `.mcsafe.json` of a document, told at that file, which is no document of this server. */
class SettingsProblems {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  /** What was sent last, by file. */
  readonly #sent = new Map<string, string>();

  constructor(connection: Connection, workspace: Workspace) {
    this.#connection = connection;
    this.#workspace = workspace;
  }

  async publish(uri: string): Promise<void> {
    const { file, problems } = this.#workspace.projectSettings(uri);
    if (file === undefined) return;
    const diagnostics = problems.flatMap((problem) => toDiagnostic(problem, file, {}));
    const text = JSON.stringify(diagnostics);
    if (text === (this.#sent.get(file) ?? '[]')) return;
    this.#sent.set(file, text);
    await this.#connection.sendDiagnostics({ uri: this.#workspace.uriOf(file), diagnostics });
  }
}

/** Those of the document as it is once its settings are known; none if it is not open. */
async function current(workspace: Workspace, uri: string, form: Form, spent?: (milliseconds: number) => void): Promise<readonly Diagnostic[]> {
  const severities = await workspace.severities(uri);
  const started = performance.now();
  const analysis = workspace.analysis(uri);
  const found = analysis === undefined ? [] : diagnosticsOf(analysis, severities, form);
  spent?.(performance.now() - started);
  return found;
}

/** The reader's, the assembler's and the checks' findings that have a place in the file itself, in document order. */
export function diagnosticsOf(analysis: Analysis, severities: Readonly<Record<string, Level>> = {}, form: Form = {}): readonly Diagnostic[] {
  const found = report(analysis, severities).flatMap((problem) => toDiagnostic(problem, analysis.file, form));
  const seen = new Set<string>();
  return found
    .filter((diagnostic) => {
      const key = JSON.stringify([diagnostic.range, diagnostic.code, diagnostic.message]);
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character);
}

function toDiagnostic(problem: Problem, file: string, { documentation, tags, related: shows = true }: Form): readonly Diagnostic[] {
  const shown = shownRange(problem.range, file);
  if (shown === undefined) return [];
  const related = [
    ...(shown === problem.range ? [] : [{ message: 'inside the macro, here', range: problem.range }]),
    ...(problem.related ?? []),
  ];
  return [{
    range: toRange(shown), severity: SEVERITY[problem.severity], source: 'mcsafe', code: problem.code, message: problem.message,
    ...(documentation === undefined ? {} : { codeDescription: { href: uriOf(`${documentation}/diagnostics/${problem.code}.md`) } }),
    ...(tags === true && problem.code === 'unused-suppression' ? { tags: [DiagnosticTag.Unnecessary] } : {}),
    ...(related.length === 0 || !shows ? {} : { relatedInformation: related.map(({ message, range }) => ({ message, location: toLocation(range) })) }),
  }];
}
