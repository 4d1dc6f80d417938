/**
 * The workspace around the open documents: its folders, the editor's settings, files that change on disk, and the index of its sources,
 * which is built in the background.
 */
import { DidChangeConfigurationNotification, DidChangeWatchedFilesNotification, FileChangeType } from 'vscode-languageserver';
import type { ClientCapabilities, Connection, InitializeParams } from 'vscode-languageserver';
import type { IndexOptions } from '../indexing/workspace-index.ts';
import { SETTINGS_FILE } from '../../host/settings.ts';
import { DEFAULT_INDEX_OPTIONS, indexOptions, INDEX_SECTION } from '../indexing/options.ts';
import { sourceKind } from '../indexing/files.ts';
import { answerOf } from '../patience.ts';
import type { Provider } from '../provider.ts';
import { pathOf } from '../uri.ts';
import type { Workspace } from '../workspace.ts';

/** What the server wants to hear of when it changes on disk. */
const WATCHED = ['**/*.{S,s,sx,inc,h,c}', `**/${SETTINGS_FILE}`];
const OPERATIONS = { filters: [{ scheme: 'file', pattern: { glob: '**/*' } }] };
/** Milliseconds between two reports of progress. */
const REPORT_EVERY_MS = 100;
/** Milliseconds without a change after which a buffer's new names are taken into the index. */
const QUIET_MS = 400;

export const workspaceFiles: Provider = {
  capabilities: { workspace: { workspaceFolders: { supported: true, changeNotifications: true }, fileOperations: { didCreate: OPERATIONS, didRename: OPERATIONS, didDelete: OPERATIONS } } },
  register(connection, workspace) {
    const session = new Session(connection, workspace);
    workspace.onInitialize((parameters) => { session.initialize(parameters); });
    workspace.onReady(() => { session.start(); });
    workspace.onDidChange((uri) => {
      if (uri === undefined) session.settingsChanged();
      else session.bufferChanged(uri);
    });
    connection.onDidChangeWatchedFiles(({ changes }) => { session.filesChanged(changes.map(({ uri, type }) => ({ path: pathOf(uri), gone: type === FileChangeType.Deleted }))); });
    connection.workspace.onDidCreateFiles(({ files }) => { session.filesChanged(files.map(({ uri }) => ({ path: pathOf(uri), gone: false }))); });
    connection.workspace.onDidDeleteFiles(({ files }) => { session.filesChanged(files.map(({ uri }) => ({ path: pathOf(uri), gone: true }))); });
    connection.workspace.onDidRenameFiles(({ files }) => {
      session.filesChanged(files.flatMap(({ oldUri, newUri }) => [{ path: pathOf(oldUri), gone: true }, { path: pathOf(newUri), gone: false }]));
    });
    workspace.onIndexWanted(() => { session.noteBuffers(); });
    workspace.onShutdown(() => { session.stop(); });
  },
};

interface FileChange {
  readonly path: string;
  readonly gone: boolean;
}

class Session {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  #client: ClientCapabilities = {};
  #folders: readonly string[] = [];
  #options: IndexOptions = DEFAULT_INDEX_OPTIONS;
  readonly #quiet = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(connection: Connection, workspace: Workspace) {
    this.#connection = connection;
    this.#workspace = workspace;
  }

  initialize({ capabilities, workspaceFolders, initializationOptions, ...roots }: InitializeParams): void {
    this.#client = capabilities;
    // Clients from before workspace folders name one root.
    const { rootUri, rootPath } = roots as { readonly rootUri?: string | null; readonly rootPath?: string | null };
    const folders = workspaceFolders?.map(({ uri }) => pathOf(uri)) ?? [];
    const root = rootUri === null || rootUri === undefined ? rootPath ?? undefined : pathOf(rootUri);
    this.#folders = folders.length > 0 ? folders : root === undefined ? [] : [root];
    this.#workspace.folders = this.#folders;
    const { index } = (initializationOptions ?? {}) as { readonly index?: unknown };
    this.#options = indexOptions(index);
  }

  /** The client is ready: registers what can only be registered now, asks for settings and begins to index. */
  start(): void {
    const { workspace } = this.#client;
    if (workspace?.didChangeWatchedFiles?.dynamicRegistration === true) {
      this.#attempt(this.#connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: WATCHED.map((globPattern) => ({ globPattern })) }));
    }
    if (workspace?.didChangeConfiguration?.dynamicRegistration === true) {
      this.#attempt(this.#connection.client.register(DidChangeConfigurationNotification.type, { section: INDEX_SECTION.split('.')[0]! }));
    }
    if (workspace?.workspaceFolders === true) {
      this.#connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => pathOf(uri)));
        this.#folders = [...new Set([...this.#folders.filter((folder) => !gone.has(folder)), ...added.map(({ uri }) => pathOf(uri))])];
        this.#workspace.folders = this.#folders;
        void this.#build();
      });
    }
    this.#workspace.index.await(this.#pull().then(() => this.#build()));
  }

  /** Settings may have changed: asks for them. */
  settingsChanged(): void {
    const before = JSON.stringify(this.#options);
    void this.#pull().then(() => (JSON.stringify(this.#options) === before ? undefined : this.#build()));
  }

  /** Files changed behind the buffers' back; a renamed or deleted folder is all the files in it. */
  filesChanged(changes: readonly FileChange[]): void {
    const { index } = this.#workspace;
    this.#workspace.filesChanged(changes.map(({ path }) => path));
    if (changes.some(({ path }) => path.endsWith(`/${SETTINGS_FILE}`))) {
      this.#workspace.settingsChanged();
      void this.#build();
      return;
    }
    for (const { path, gone } of changes) {
      if (sourceKind(path) !== undefined && this.#workspace.contains(path)) index.update(path);
      else if (gone) for (const { file } of [...index.files, ...index.cFiles]) if (file.startsWith(`${path}/`)) index.forget(file);
      for (const includer of index.includers(path)) index.update(includer);
    }
    // A folder that appeared, perhaps.
    if (changes.some(({ path, gone }) => !gone && !/\.\w+$/.test(path))) void this.#build();
  }

  /** A buffer has new text: its names are looked at when typing pauses. */
  bufferChanged(uri: string): void {
    clearTimeout(this.#quiet.get(uri));
    this.#quiet.set(uri, setTimeout(() => { this.#note(uri); }, QUIET_MS));
  }

  /** Takes what is being typed into the index at once. */
  noteBuffers(): void {
    for (const [uri, timer] of this.#quiet) {
      clearTimeout(timer);
      this.#note(uri);
    }
  }

  #note(uri: string): void {
    this.#quiet.delete(uri);
    const analysis = this.#workspace.analysis(uri);
    if (analysis === undefined) this.#workspace.index.update(pathOf(uri));
    else if (analysis.foreign === undefined) this.#workspace.index.note(analysis.unit);
  }

  stop(): void {
    this.#workspace.index.stop();
    for (const timer of this.#quiet.values()) clearTimeout(timer);
  }

  async #pull(): Promise<void> {
    if (this.#client.workspace?.configuration !== true) return;
    const value: unknown = await answerOf(this.#connection.workspace.getConfiguration(INDEX_SECTION));
    // A client without a value says null.
    if (value !== null && value !== undefined) this.#options = indexOptions(value);
  }

  #build(): Promise<void> {
    const work = this.#index().catch((error: unknown) => { this.#log(messageOf(error)); });
    this.#workspace.index.await(work);
    return work;
  }

  async #index(): Promise<void> {
    // A client that cannot after all is not shown any.
    const progress = await answerOf(this.#connection.window.createWorkDoneProgress());
    let shown = 0;
    let begun = false;
    const outcome = await this.#workspace.index.build(this.#folders, this.#options, ({ done, total }) => {
      if (!begun) progress?.begin('mcsafe: reading sources', 0, undefined, false);
      begun = true;
      if (Date.now() - shown < REPORT_EVERY_MS) return;
      shown = Date.now();
      progress?.report(Math.floor(100 * done / total), `${String(done)} of ${String(total)}`);
    });
    if (begun) progress?.done();
    if (outcome === undefined) return;
    const { files, leftOut, milliseconds } = outcome;
    this.#log(`index: ${String(files)} sources in ${String(milliseconds)} ms`);
    if (leftOut > 0) this.#connection.console.warn(`index: ${String(leftOut)} sources left out; ${INDEX_SECTION}.maxFiles is ${String(this.#options.maxFiles)}`);
  }

  #attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => { this.#log(messageOf(error)); });
  }

  #log(message: string): void {
    this.#connection.console.log(message);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
