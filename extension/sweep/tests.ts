/**
 * Sweeps in the Test Explorer: a file, its routines with entries, and each of them on each CPU profile, which is what runs.
 */
import { basename } from 'node:path';
import { CancellationTokenSource, commands, debug, Location, Position, ProgressLocation, Range, TestMessage, TestRunProfileKind, TestRunRequest, tests, Uri, window, workspace } from 'vscode';
import type { CancellationToken, ExtensionContext, TestController, TestItem, TestRun, TextDocument } from 'vscode';
import { sweepableRoutines } from '../../host/campaign.ts';
import { CPU_PROFILES } from '../../machine/cpu/profiles.ts';
import type { SweepFailure, SweepReport } from '../../sweep/report-schema.ts';
import { caseText, counted, extentText, kindsText, launchEntry } from '../../sweep/reports/words.ts';
import { editorHost } from '../editor-host.ts';
import { isAssembly } from '../languages.ts';
import { showReport } from './report-panel.ts';
import { runSweep } from './run.ts';
import type { SweepResult } from './run.ts';

/** Sources of a workspace that are offered before they are opened; a kernel tree has a thousand, most without entries. */
const MOST_FILES = 500;
const SOURCES = '**/*.{S,s}';
/** Sources that make entries name a table or a macro for it, unless another macro hides that. */
const HAS_ENTRIES = /extable|__ex_table|__ex_range/i;
/** What a failure's message is called in the manifest's menus. */
const FAILURE = 'mcsafe.failure';

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
    workspace.onDidOpenTextDocument((document) => sweeps.read(document)),
    workspace.onDidSaveTextDocument((document) => sweeps.read(document)),
    workspace.onDidDeleteFiles(({ files }) => { for (const uri of files) sweeps.forget(uri); }),
  );
  for (const document of workspace.textDocuments) void sweeps.read(document);
}

class Sweeps {
  readonly #context: ExtensionContext;
  readonly #controller: TestController;
  /** The launch entries of the last failures, by {@link launchKey}: the editor hands out copies of messages, not the messages. */
  readonly #launches = new Map<string, Readonly<Record<string, unknown>>>();
  /** Last reports, by the id of the item. */
  readonly #reports = new Map<string, SweepReport>();

  constructor(context: ExtensionContext) {
    this.#context = context;
    this.#controller = tests.createTestController('mcsafe.sweeps', 'mcsafe sweeps');
    this.#controller.resolveHandler = (item) => (item === undefined ? this.#findFiles() : this.#resolve(item));
    this.#controller.refreshHandler = () => this.#findFiles();
    this.#controller.createRunProfile('Sweep', TestRunProfileKind.Run, (request, token) => this.#run(request, token), true);
    this.#controller.createRunProfile('Debug the smallest failing case', TestRunProfileKind.Debug, (request, token) => this.#debug(request, token), true);
  }

  dispose(): void {
    this.#controller.dispose();
  }

  get reports(): readonly SweepReport[] {
    return [...this.#reports.values()];
  }

  /** Finds the routines of a source that is open; of one that does not look as if it had entries only when somebody asks for them. */
  async read(document: TextDocument): Promise<void> {
    if (document.uri.scheme !== 'file' || !isAssembly(document)) return;
    if (this.#controller.items.get(document.uri.toString()) === undefined && !HAS_ENTRIES.test(document.getText())) return;
    const item = this.#fileItem(document.uri);
    await this.#resolve(item);
    this.#controller.invalidateTestResults(item);
  }

  forget(uri: Uri): void {
    this.#controller.items.delete(uri.toString());
  }

  /** Runs what is asked for, as the Test Explorer would. */
  async sweep({ uri, routine }: SweepArguments): Promise<void> {
    const editor = window.activeTextEditor;
    const file = uri === undefined ? editor?.document.uri : Uri.parse(uri);
    if (file === undefined) {
      void window.showErrorMessage('mcsafe: open an assembly source (.S or .s) to sweep a routine of it.');
      return;
    }
    const item = this.#fileItem(file);
    await this.#resolve(item);
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
    const launch = test === undefined || message === undefined ? undefined : this.#launches.get(launchKey(test.id, message.message));
    if (launch === undefined) void window.showInformationMessage('mcsafe: sweep the routine first; what failed can then be debugged.');
    else await startDebugging(launch);
  }

  async #findFiles(): Promise<void> {
    for (const uri of await workspace.findFiles(SOURCES, undefined, MOST_FILES)) this.#fileItem(uri);
  }

  #fileItem(uri: Uri): TestItem {
    const id = uri.toString();
    let item = this.#controller.items.get(id);
    if (item === undefined) {
      item = this.#controller.createTestItem(id, workspace.asRelativePath(uri), uri);
      item.canResolveChildren = true;
      this.#controller.items.add(item);
    }
    return item;
  }

  /** The routines of a file's item, and their profiles; a file without any is taken out. */
  async #resolve(item: TestItem): Promise<void> {
    if (item.parent !== undefined || item.uri === undefined) return;
    const { uri } = item;
    item.busy = true;
    const routines = await sweepableRoutines(uri.fsPath, {}, editorHost(workspace.workspaceFolders?.[0]?.uri.fsPath)).catch(() => []);
    item.busy = false;
    item.canResolveChildren = false;
    item.children.replace(routines.map(({ name, place }) => {
      const routine = this.#controller.createTestItem(`${item.id}#${name}`, name, uri);
      if (place?.file === uri.fsPath) routine.range = lineRange(place.line);
      routine.children.replace(CPU_PROFILES.map((profile) => {
        const leaf = this.#controller.createTestItem(`${routine.id}#${profile.name}`, profile.name, uri);
        if (routine.range !== undefined) leaf.range = routine.range;
        return leaf;
      }));
      return routine;
    }));
    if (routines.length === 0) this.#controller.items.delete(item.id);
  }

  async #run(request: TestRunRequest, token: CancellationToken, onProgress: (part: number) => void = () => undefined): Promise<void> {
    const run = this.#controller.createTestRun(request);
    const leaves = await this.#leaves(request);
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
      const messages = this.#messages(result, leaf);
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
    for (const { id } of await this.#leaves(request)) {
      const report = this.#reports.get(id);
      const failure = report?.failures[0];
      if (report !== undefined && failure !== undefined) return startDebugging(launchEntry(report, failure));
    }
    void window.showInformationMessage('mcsafe: no promise was broken, so there is nothing to debug.');
  }

  #messages({ report, failures }: SweepResult, leaf: TestItem): TestMessage[] {
    return failures.flatMap(({ failure, diff }) => {
      // The editor shows a message's own words at the line only if it has no diff.
      const told = new TestMessage(failureText(report, failure));
      const compared = TestMessage.diff(`${failure.clause}: what the smallest case left, and what was promised`, diff.expected, diff.actual);
      return [told, compared].map((message) => {
        this.#launches.set(launchKey(leaf.id, message.message), launchEntry(report, failure));
        message.location = placeOf(failure, leaf);
        message.contextValue = FAILURE;
        return message;
      });
    });
  }

  /** What runs: the profiles below the items asked for, below all if none are. */
  async #leaves({ include, exclude = [] }: TestRunRequest): Promise<readonly TestItem[]> {
    const leaves: TestItem[] = [];
    const add = async (item: TestItem): Promise<void> => {
      if (exclude.includes(item)) return;
      if (item.canResolveChildren) await this.#resolve(item);
      if (item.parent?.parent !== undefined) leaves.push(item);
      for (const child of children(item)) await add(child);
    };
    for (const item of include ?? childrenOf(this.#controller.items)) await add(item);
    return leaves;
  }
}

function failureText(report: SweepReport, { clause, promise, smallest, message, cases, byKind, instruction }: SweepFailure): string {
  return `${clause}: ${message}\n${report.routine} on ${report.targets[smallest.target]!} does not keep its promise that ${promise}.\nSmallest case: ${caseText(smallest)}; ${counted(cases, 'case')} (${kindsText(byKind)}).\nAt ${instruction.name}: ${instruction.text}`;
}

function placeOf({ instruction: { file, line } }: SweepFailure, leaf: TestItem): Location {
  return file === undefined || line === undefined ? new Location(leaf.uri!, leaf.range ?? new Position(0, 0)) : new Location(Uri.file(file), lineRange(line));
}

async function startDebugging(launch: Readonly<Record<string, unknown>>): Promise<void> {
  const program = launch['program'];
  const folder = workspace.getWorkspaceFolder(Uri.file(String(Array.isArray(program) ? program[0] : program)));
  await debug.startDebugging(folder, { type: 'mcsafe', request: 'launch', name: 'mcsafe', ...launch });
}

/** The whole line, counted from 1. */
function lineRange(line: number): Range {
  return new Range(line - 1, 0, line - 1, 1000);
}

function launchKey(id: string, message: TestMessage['message']): string {
  return `${id} ${typeof message === 'string' ? message : message.value}`;
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

function children({ children: items }: TestItem): readonly TestItem[] {
  return childrenOf(items);
}

function childrenOf(items: TestItem['children']): readonly TestItem[] {
  return [...items].map(([, item]) => item);
}

function sweepArguments(args: unknown): SweepArguments {
  if (typeof args !== 'object' || args === null || args instanceof Uri) return {};
  const { uri, routine } = args as SweepArguments;
  return { ...(typeof uri === 'string' ? { uri } : {}), ...(typeof routine === 'string' ? { routine } : {}) };
}
