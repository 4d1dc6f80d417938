/**
 * Diagnostics, pushed to clients that wait for them and given to clients that ask.
 */
import { DiagnosticSeverity } from 'vscode-languageserver-types';
import type { Diagnostic } from 'vscode-languageserver-types';
import type { Problem, Severity } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { checkAll } from '../checks/index.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toLocation, toRange } from '../ranges.ts';

const SEVERITY: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information, hint: DiagnosticSeverity.Hint,
};

/** Typing makes many versions; diagnostics are computed for the one that stands this long, in milliseconds. */
const QUIET_MS = 120;

export const diagnostics: Provider = {
  capabilities: { diagnosticProvider: { identifier: 'mcsafe', interFileDependencies: true, workspaceDiagnostics: false } },
  register(connection, workspace) {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const push = (uri: string): void => {
      timers.delete(uri);
      const document = workspace.document(uri);
      const analysis = workspace.analysis(uri);
      const list = analysis === undefined ? [] : diagnosticsOf(analysis);
      void connection.sendDiagnostics({ uri, diagnostics: [...list], ...(document === undefined ? {} : { version: document.version }) });
    };
    const schedule = (uri: string): void => {
      clearTimeout(timers.get(uri));
      timers.set(uri, setTimeout(() => {
        // Outside a request nobody turns an exception into an answer: it would end the server.
        try {
          push(uri);
        } catch (error) {
          connection.console.error(error instanceof Error ? error.stack ?? error.message : String(error));
        }
      }, QUIET_MS));
    };
    connection.languages.diagnostics.on(({ textDocument }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return { kind: 'full', items: analysis === undefined ? [] : [...diagnosticsOf(analysis)] };
    });
    let pulls = false;
    workspace.onInitialize(({ capabilities }) => { pulls = capabilities.textDocument?.diagnostic !== undefined; });
    workspace.onDidChange((uri) => {
      if (pulls) {
        if (uri === undefined) connection.languages.diagnostics.refresh().catch(() => { /* the client does not support it */ });
        return;
      }
      for (const changed of uri === undefined ? workspace.documents.map((document) => document.uri) : [uri]) schedule(changed);
    });
    connection.onShutdown(() => { for (const timer of timers.values()) clearTimeout(timer); });
  },
};

/** The reader's, the assembler's and the checks' findings that have a place in the file itself, in document order. */
export function diagnosticsOf(analysis: Analysis): readonly Diagnostic[] {
  if (analysis.foreign !== undefined) return [];
  const found = [...analysis.problems, ...checkAll(analysis)].flatMap((problem) => toDiagnostic(problem, analysis.file));
  const seen = new Set<string>();
  return found
    .filter((diagnostic) => {
      const key = JSON.stringify([diagnostic.range, diagnostic.code, diagnostic.message]);
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character);
}

function toDiagnostic(problem: Problem, file: string): readonly Diagnostic[] {
  const shown = shownRange(problem.range, file);
  if (shown === undefined) return [];
  const related = [
    ...(shown === problem.range ? [] : [{ message: 'inside the macro, here', range: problem.range }]),
    ...(problem.related ?? []),
  ];
  return [{
    range: toRange(shown), severity: SEVERITY[problem.severity], source: 'mcsafe', code: problem.code, message: problem.message,
    ...(related.length === 0 ? {} : { relatedInformation: related.map(({ message, range }) => ({ message, location: toLocation(range) })) }),
  }];
}
