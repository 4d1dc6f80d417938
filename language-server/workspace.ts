/**
 * Open documents, and what is known of each: analysed when asked for, once a version, with the settings in force.
 */
import type { InitializeParams } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Host } from '../host/host.ts';
import { analyze } from './analysis/analysis.ts';
import type { Analysis } from './analysis/analysis.ts';
import { projectOptions } from './analysis/project-options.ts';
import { pathOf, uriOf } from './uri.ts';

interface Cached {
  readonly version: number;
  readonly analysis: Analysis;
}

export interface OpenDocuments {
  get(uri: string): TextDocument | undefined;
  all(): readonly TextDocument[];
}

export class Workspace {
  readonly #documents: OpenDocuments;
  readonly #host: Host;
  readonly #cache = new Map<string, Cached>();
  readonly #initializers: ((parameters: InitializeParams) => void)[] = [];
  readonly #listeners: ((uri: string | undefined) => void)[] = [];

  constructor(documents: OpenDocuments, host: Host) {
    this.#documents = documents;
    this.#host = host;
  }

  get documents(): readonly TextDocument[] {
    return this.#documents.all();
  }

  document(uri: string): TextDocument | undefined {
    return this.#documents.get(uri);
  }

  /** The analysis of an open document; undefined if it is not open. */
  analysis(uri: string): Analysis | undefined {
    const document = this.#documents.get(uri);
    if (document === undefined) return undefined;
    const cached = this.#cache.get(uri);
    if (cached?.version === document.version) return cached.analysis;
    const path = pathOf(uri);
    const analysis = analyze(path, document.getText(), projectOptions(path, this.#host, { buffer: (file) => this.#documents.get(uriOf(file))?.getText() }));
    this.#cache.set(uri, { version: document.version, analysis });
    return analysis;
  }

  /** Calls `listener` after a document has changed, opened or closed, and (with undefined) after settings have. */
  onDidChange(listener: (uri: string | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls `listener` with what the client said of itself. */
  onInitialize(listener: (parameters: InitializeParams) => void): void {
    this.#initializers.push(listener);
  }

  initialized(parameters: InitializeParams): void {
    for (const listener of this.#initializers) listener(parameters);
  }

  /** A document changed: forgets what is known of it and of all that include it. */
  changed(uri: string): void {
    const path = pathOf(uri);
    for (const [key, { analysis }] of this.#cache) {
      if (key === uri || analysis.unit.includes.some((include) => include.resolved === path)) this.#cache.delete(key);
    }
    for (const listener of this.#listeners) listener(uri);
  }

  /** Settings or files outside the buffers changed: forgets everything. */
  settingsChanged(): void {
    this.#cache.clear();
    for (const listener of this.#listeners) listener(undefined);
  }
}
