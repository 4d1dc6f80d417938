/**
 * Open documents and the files around them: what is known of each, with the settings in force. A document is analysed when somebody asks,
 * once a version; files that are not open are read from disk, the last few are kept.
 */
import type { Connection, InitializeParams } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { createReadCache, readGas } from '../assembly/gas/read.ts';
import type { Host } from '../host/host.ts';
import { analyze } from './analysis/analysis.ts';
import type { Analysis, AnalysisOptions } from './analysis/analysis.ts';
import { projectOptions, severities } from './analysis/project-options.ts';
import { CachedFiles } from './cached-files.ts';
import { Configuration } from './configuration.ts';
import { WorkspaceIndex } from './indexing/workspace-index.ts';
import { readSettings } from '../host/settings.ts';
import type { DiagnosticSettings, EditorSettings, Level, SettingsResult } from '../host/settings.ts';
import { pathOf, uriOf } from './uri.ts';

interface Cached {
  readonly version: number;
  /** Versions alone do not tell: a client may open a document anew, or count badly. */
  readonly text: string;
  readonly analysis: Analysis;
}

export interface OpenDocuments {
  get(uri: string): TextDocument | undefined;
  all(): readonly TextDocument[];
}

/** Analyses of files that are not open, kept at most. */
const KEPT_FILES = 16;

export class Workspace {
  readonly index: WorkspaceIndex;
  /** The system with a short memory: sources name the same headers over and over. */
  readonly host: Host;
  readonly #documents: OpenDocuments;
  readonly #files: CachedFiles;
  readonly #readCache = createReadCache();
  readonly #cache = new Map<string, Cached>();
  /** Of files that are not open, oldest use first. */
  readonly #closed = new Map<string, { readonly text: string; readonly analysis: Analysis }>();
  readonly #initializers: ((parameters: InitializeParams) => void)[] = [];
  readonly #starters: (() => void)[] = [];
  readonly #stoppers: (() => void)[] = [];
  readonly #indexers: (() => void)[] = [];
  readonly #listeners: ((uri: string | undefined) => void)[] = [];
  #folders: readonly string[] = [];
  readonly #configuration = new Configuration();

  constructor(documents: OpenDocuments, host: Host) {
    this.#documents = documents;
    this.#files = new CachedFiles(host.files);
    this.host = { ...host, files: this.#files };
    this.index = new WorkspaceIndex({
      host,
      textOf: (path) => this.text(path),
      read: (path, text, see) => readGas(path, text, { ...this.#options(path), namesOnly: see }),
    });
  }

  /** The folder with the pages of the diagnostics, where they are installed. */
  get documentation(): string | undefined {
    return this.host.documentation;
  }

  get documents(): readonly TextDocument[] {
    return this.#documents.all();
  }

  document(uri: string): TextDocument | undefined {
    return this.#documents.get(uri);
  }

  /** The open document of a file; clients escape URIs in ways of their own. */
  documentOf(path: string): TextDocument | undefined {
    return this.#documents.get(uriOf(path)) ?? this.#documents.all().find(({ uri }) => pathOf(uri) === path);
  }

  /** The URI of a file, as the client writes it if it is open. */
  uriOf(path: string): string {
    return this.documentOf(path)?.uri ?? uriOf(path);
  }

  /** Paths of the folders that are open. */
  get folders(): readonly string[] {
    return this.#folders;
  }

  set folders(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** True for a file below one of the workspace's folders, or open. */
  contains(path: string): boolean {
    return this.documentOf(path) !== undefined || this.#folders.some((folder) => path.startsWith(folder.endsWith('/') ? folder : `${folder}/`));
  }

  /** The analysis of an open document; undefined if it is not open. */
  analysis(uri: string): Analysis | undefined {
    const document = this.#documents.get(uri);
    if (document === undefined) return undefined;
    const cached = this.#cache.get(uri);
    const text = document.getText();
    if (cached?.version === document.version && cached.text === text) return cached.analysis;
    const path = pathOf(uri);
    const analysis = analyze(path, text, {
      ...this.#options(path, this.#configuration.known(uri).diagnostics), incremental: true, ...(cached === undefined ? {} : { previous: cached.analysis.unit, history: cached.analysis.history }),
    });
    this.#cache.set(uri, { version: document.version, text, analysis });
    return analysis;
  }

  /** The last analysis of an open document, of this version or an earlier one: for answers while it is being typed. */
  recentAnalysis(uri: string): Analysis | undefined {
    return (this.#documents.get(uri) === undefined ? undefined : this.#cache.get(uri)?.analysis) ?? this.analysis(uri);
  }

  /** The analysis of a file, open or not; undefined if there is none. */
  analysisOfFile(path: string): Analysis | undefined {
    const open = this.documentOf(path);
    if (open !== undefined) return this.analysis(open.uri);
    const text = this.text(path);
    if (text === undefined) return undefined;
    const known = this.#closed.get(path);
    this.#closed.delete(path);
    const kept = known?.text === text ? known : { text, analysis: analyze(path, text, this.#options(path)) };
    this.#closed.set(path, kept);
    if (this.#closed.size > KEPT_FILES) this.#closed.delete(this.#closed.keys().next().value!);
    return kept.analysis;
  }

  /** The text of a buffer, else of the file. */
  text(path: string): string | undefined {
    const open = this.documentOf(path);
    if (open !== undefined) return open.getText();
    const bytes = this.#files.read(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** The editor's settings for a document. Waits for the client the first time; the document's analysis then follows them. */
  async settings(uri: string): Promise<EditorSettings> {
    const before = this.#configuration.known(uri);
    const settings = await this.#configuration.load(uri);
    if (before.diagnostics?.filesWithoutEntries !== settings.diagnostics?.filesWithoutEntries) this.#cache.delete(uri);
    return settings;
  }

  /** The project's settings for a document, with what is wrong with them. */
  projectSettings(uri: string): SettingsResult {
    return readSettings(pathOf(uri), this.host);
  }

  /** How findings in a document are shown, by code. */
  async severities(uri: string): Promise<Readonly<Record<string, Level>>> {
    const { diagnostics } = await this.settings(uri);
    return severities(pathOf(uri), this.host, diagnostics);
  }

  /** Where includes of a file are searched, in order. */
  includePaths(path: string): readonly string[] {
    return this.#options(path).includePaths ?? [];
  }

  /** Calls `listener` after a document has changed, opened or closed, and (with undefined) after settings have. */
  onDidChange(listener: (uri: string | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls `listener` with what the client said of itself. */
  onInitialize(listener: (parameters: InitializeParams) => void): void {
    this.#initializers.push(listener);
  }

  initialized(connection: Connection, parameters: InitializeParams): void {
    this.#configuration.initialize(connection, parameters);
    for (const listener of this.#initializers) listener(parameters);
  }

  /** Calls `listener` when the client is ready for requests of the server. */
  onReady(listener: () => void): void {
    this.#starters.push(listener);
  }

  ready(): void {
    for (const listener of this.#starters) listener();
  }

  /** Calls `listener` before somebody looks into the index, to bring it up to date. */
  onIndexWanted(listener: () => void): void {
    this.#indexers.push(listener);
  }

  /** Resolves when the index knows all sources, the buffers as they are at this moment. */
  async indexed(): Promise<void> {
    for (const listener of this.#indexers) listener();
    await this.index.ready;
  }

  /** Calls `listener` when the client takes its leave. A connection itself has room for one listener only. */
  onShutdown(listener: () => void): void {
    this.#stoppers.push(listener);
  }

  shutdown(): void {
    for (const listener of this.#stoppers) listener();
  }

  /** A document changed, was opened or closed: forgets what is known of it and of all that include it. */
  changed(uri: string): void {
    const path = pathOf(uri);
    if (this.#documents.get(uri) === undefined) this.#cache.delete(uri);
    this.#forgetIncluders(path);
    for (const listener of this.#listeners) listener(uri);
  }

  /** Files changed on disk, appeared or went. Gives those of them that sources include. */
  filesChanged(paths: readonly string[]): void {
    for (const path of paths) {
      this.#files.forget(path);
      this.#closed.delete(path);
      this.#forgetIncluders(path);
    }
    for (const listener of this.#listeners) listener(undefined);
  }

  /** A document closed: its settings are asked for again when it is opened. */
  closed(uri: string): void {
    this.#configuration.forget(uri);
    this.changed(uri);
  }

  /** Settings changed, `sent` being what the client says of them: forgets everything. */
  settingsChanged(sent?: unknown): void {
    this.#configuration.changed(sent);
    this.#files.forget();
    this.#cache.clear();
    this.#closed.clear();
    for (const listener of this.#listeners) listener(undefined);
  }

  #forgetIncluders(path: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    // A file that was missing may be there now.
    const concerns = ({ unit }: Analysis): boolean => unit.includes.some(({ resolved, written }) => (resolved === undefined ? written.slice(1, -1).endsWith(name) : resolved === path));
    for (const [key, { analysis }] of this.#cache) if (concerns(analysis)) this.#cache.delete(key);
    for (const [key, { analysis }] of this.#closed) if (concerns(analysis)) this.#closed.delete(key);
  }

  #options(path: string, diagnostics?: DiagnosticSettings): AnalysisOptions {
    return { ...projectOptions(path, this.host, { buffer: (file) => this.documentOf(file)?.getText(), diagnostics }), cache: this.#readCache };
  }
}
