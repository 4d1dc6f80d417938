/**
 * Sweeps in the Test Explorer and on command: what runs, how it went, and the debugger on what failed.
 */
import { basename } from 'node:path';
import { CancellationTokenSource, commands, debug, ProgressLocation, TestMessage, TestRunProfileKind, TestRunRequest, tests, Uri, window, workspace } from 'vscode';
import type { CancellationToken, ExtensionContext, TestController, TestItem, TestRun } from 'vscode';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { extentText, launchEntry } from '../../sweep/reports/words.ts';
import { Failures } from './failures.ts';
import { children, SweepItems } from './items.ts';
import { showReport } from './report-panel.ts';
import { runSweep } from './run.ts';

/** What a code lens or the palette asks for; without a routine it is the one under the cursor, or all. */
interface SweepArguments {
  readonly uri?: string;
  readonly routine?: string;
}

export function registerSweeps(context: ExtensionContext): void {
  const sweeps = new Sweeps(context);
  context.subscriptions.push(
    sweeps,
    commands.registerCommand('mcsafe.sweep', (args?: unknown) => sweeps.sweep(sweepArguments(args))),
    commands.registerCommand('mcsafe.debugSweptCase', (args?: unknown) => sweeps.debugCase(args)),
    commands.registerCommand('mcsafe.showSweepReport', () => { showReport(sweeps.reports, version(context)); }),
    workspace.onDidOpenTextDocument((document) => sweeps.items.read(document)),
    workspace.onDidSaveTextDocument((document) => sweeps.items.read(document)),
    workspace.onDidDeleteFiles(({ files }) => { for (const uri of files) sweeps.items.forget(uri); }),
  );
  for (const document of workspace.textDocuments) void sweeps.items.read(document);
}

class Sweeps {
  readonly #context: ExtensionContext;
  readonly #controller: TestController;
  readonly #items: SweepItems;
  readonly #failures = new Failures();
  /** Last reports, by the id of the item. */
  readonly #reports = new Map<string, SweepReport>();

  constructor(context: ExtensionContext) {
    this.#context = context;
    this.#controller = tests.createTestController('mcsafe.sweeps', 'mcsafe sweeps');
    this.#items = new SweepItems(this.#controller);
    this.#controller.resolveHandler = (item) => (item === undefined ? this.#items.findFiles() : this.#items.resolve(item));
    this.#controller.refreshHandler = () => this.#items.findFiles();
    this.#controller.createRunProfile('Sweep', TestRunProfileKind.Run, (request, token) => this.#run(request, token), true);
    this.#controller.createRunProfile('Debug the smallest failing case', TestRunProfileKind.Debug, (request, token) => this.#debug(request, token), true);
  }

  dispose(): void {
    this.#controller.dispose();
  }

  get items(): SweepItems {
    return this.#items;
  }

  get reports(): readonly SweepReport[] {
    return [...this.#reports.values()];
  }

  /** Runs what is asked for, as the Test Explorer would. */
  async sweep({ uri, routine }: SweepArguments): Promise<void> {
    const editor = window.activeTextEditor;
    const file = uri === undefined ? editor?.document.uri : Uri.parse(uri);
    if (file === undefined) {
      void window.showErrorMessage('mcsafe: open an assembly source (.S or .s) to sweep a routine of it.');
      return;
    }
    const item = this.#items.file(file);
    await this.#items.resolve(item);
    const routines = children(item);
    const line = routine === undefined && uri === undefined ? editor?.selection.active.line : undefined;
    const chosen = routine !== undefined ? routines.find(({ label }) => label === routine) : line === undefined ? undefined : routineAt(routines, line);
    if (chosen === undefined && (routine !== undefined || routines.length === 0)) {
      void window.showErrorMessage(routine === undefined ? `mcsafe: no routine of ${basename(file.fsPath)} has exception-table entries, or the file does not assemble.` : `mcsafe: ${basename(file.fsPath)} has no routine "${routine}" with exception-table entries that assembles.`);
      return;
    }
    await window.withProgress({ location: ProgressLocation.Window, cancellable: true, title: `Sweeping ${(chosen ?? item).label}` }, (progress, token) =>
      this.#run(new TestRunRequest([chosen ?? item]), token, (part) => { progress.report({ message: `${String(Math.floor(100 * part))} %` }); }));
  }

  /** From a failure's message: the debugger on its smallest case. */
  async debugCase(args: unknown): Promise<void> {
    const { test, message } = (args ?? {}) as { readonly test?: TestItem; readonly message?: TestMessage };
    const launch = test === undefined || message === undefined ? undefined : this.#failures.launch(test, message);
    if (launch === undefined) void window.showInformationMessage('mcsafe: sweep the routine first; what failed can then be debugged.');
    else await startDebugging(launch);
  }

  async #run(request: TestRunRequest, token: CancellationToken, onProgress: (part: number) => void = () => undefined): Promise<void> {
    const run = this.#controller.createTestRun(request);
    const leaves = await this.#items.leaves(request);
    for (const leaf of leaves) run.enqueued(leaf);
    for (const [i, leaf] of leaves.entries()) {
      if (token.isCancellationRequested || run.token.isCancellationRequested) {
        run.skipped(leaf);
        continue;
      }
      await this.#sweepLeaf(leaf, run, token, (part) => { onProgress((i + part) / leaves.length); });
    }
    run.end();
  }

  /** Sweeps one routine on one profile and tells the run how it went. */
  async #sweepLeaf(leaf: TestItem, run: TestRun, token: CancellationToken, onProgress: (part: number) => void): Promise<void> {
    run.started(leaf);
    const started = performance.now();
    const both = either(token, run.token);
    const say = (text: string): void => { run.appendOutput(`${text}\r\n`, undefined, leaf); };
    let told = 0;
    try {
      const result = await runSweep(this.#context, {
        file: leaf.uri!.fsPath, routine: leaf.parent!.label, profile: leaf.label, token: both.token,
        onProgress: (part) => {
          onProgress(part);
          if (performance.now() - told < 1000) return;
          told = performance.now();
          say(`${leaf.parent!.label} on ${leaf.label}: ${String(Math.floor(100 * part))} %`);
        },
      });
      this.#reports.set(leaf.id, result.report);
      const { report } = result;
      say(`${leaf.parent!.label} on ${leaf.label}: ${report.cases < report.planned ? 'interrupted ' : ''}${extentText(report)}`);
      const messages = this.#failures.messages(result, leaf);
      if (messages.length > 0) run.failed(leaf, messages, performance.now() - started);
      else if (report.cases < report.planned) run.skipped(leaf);
      else run.passed(leaf, performance.now() - started);
    } catch (error) {
      run.errored(leaf, new TestMessage(error instanceof Error ? error.message : String(error)), performance.now() - started);
    } finally {
      both.dispose();
    }
  }

  /** Sweeps what has not been swept, and debugs the smallest case of what failed first. */
  async #debug(request: TestRunRequest, token: CancellationToken): Promise<void> {
    await this.#run(request, token);
    for (const { id } of await this.#items.leaves(request)) {
      const report = this.#reports.get(id);
      const failure = report?.failures[0];
      if (report !== undefined && failure !== undefined) return startDebugging(launchEntry(report, failure));
    }
    void window.showInformationMessage('mcsafe: no promise was broken, so there is nothing to debug.');
  }
}

async function startDebugging(launch: Readonly<Record<string, unknown>>): Promise<void> {
  const program = launch['program'];
  const folder = workspace.getWorkspaceFolder(Uri.file(String(Array.isArray(program) ? program[0] : program)));
  await debug.startDebugging(folder, { type: 'mcsafe', request: 'launch', name: 'mcsafe', ...launch });
}

/** Cancelled as soon as one of the two is. */
function either(a: CancellationToken, b: CancellationToken): CancellationTokenSource & { dispose(): void } {
  const source = new CancellationTokenSource();
  const listeners = [a, b].map((token) => token.onCancellationRequested(() => { source.cancel(); }));
  if (a.isCancellationRequested || b.isCancellationRequested) source.cancel();
  return Object.assign(source, { dispose: () => { for (const listener of listeners) listener.dispose(); } });
}

function version({ extension }: ExtensionContext): string {
  return String((extension.packageJSON as { version?: unknown }).version);
}

/** The last routine that begins at or before the line. */
function routineAt(routines: readonly TestItem[], line: number): TestItem | undefined {
  return routines.filter(({ range }) => range !== undefined && range.start.line <= line).sort((a, b) => a.range!.start.line - b.range!.start.line).at(-1);
}

function sweepArguments(args: unknown): SweepArguments {
  if (typeof args !== 'object' || args === null || args instanceof Uri) return {};
  const { uri, routine } = args as SweepArguments;
  return { ...(typeof uri === 'string' ? { uri } : {}), ...(typeof routine === 'string' ? { routine } : {}) };
}
