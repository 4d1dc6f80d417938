/**
 * The editor's settings for mcsafe: asked for where the client answers, else as it sends them.
 */
import type { Connection, InitializeParams } from 'vscode-languageserver';
import { editorSettingsSchema } from '../host/settings.ts';
import type { EditorSettings } from '../host/settings.ts';
import { answerOf } from './patience.ts';

/** One section at a time, so that a wrong value costs only its section. */
function settingsOf(value: unknown): EditorSettings {
  if (typeof value !== 'object' || value === null) return {};
  const sections = Object.entries(editorSettingsSchema.shape).flatMap(([name, schema]) => {
    const result = schema.safeParse((value as Record<string, unknown>)[name]);
    return result.success && result.data !== undefined ? [[name, result.data] as const] : [];
  });
  return Object.fromEntries(sections) as EditorSettings;
}

/** What the editor says, by document. Settings arrive after a document may have been asked about: {@link load} waits for them. */
export class Configuration {
  readonly #byUri = new Map<string, EditorSettings>();
  readonly #loading = new Map<string, Promise<EditorSettings>>();
  #connection: Connection | undefined;
  #pulls = false;
  /** The client announced that it can be asked, and does not answer: it is not waited for again. */
  #isSilent = false;
  #pushed: EditorSettings = {};

  initialize(connection: Connection, { capabilities, initializationOptions }: InitializeParams): void {
    this.#connection = connection;
    this.#pulls = capabilities.workspace?.configuration === true;
    const options = initializationOptions as { readonly settings?: unknown } | null | undefined;
    this.#pushed = settingsOf(options?.settings ?? options);
  }

  /** The settings for a document as far as they are known. */
  known(uri: string): EditorSettings {
    return this.#byUri.get(uri) ?? this.#pushed;
  }

  /** The settings for a document, asked for if they have not been. Never rejects. */
  load(uri: string): Promise<EditorSettings> {
    if (!this.#pulls || this.#connection === undefined || this.#byUri.has(uri)) return Promise.resolve(this.known(uri));
    let loading = this.#loading.get(uri);
    if (loading === undefined) {
      const asked = this.#connection.workspace.getConfiguration({ scopeUri: uri, section: 'mcsafe' }).then(
        (value: unknown) => settingsOf(value),
        () => this.#pushed,
      );
      void asked.then((settings) => {
        this.#isSilent = false;
        // Too late for those who waited, in time for the next.
        if (this.#byUri.has(uri)) this.#byUri.set(uri, settings);
      });
      loading = (this.#isSilent ? Promise.resolve(undefined) : answerOf(asked)).then((settings) => {
        if (settings !== undefined) return settings;
        this.#isSilent = true;
        return this.#pushed;
      }).then((settings) => {
        if (this.#loading.get(uri) === loading) {
          this.#loading.delete(uri);
          this.#byUri.set(uri, settings);
        }
        return settings;
      });
      this.#loading.set(uri, loading);
    }
    return loading;
  }

  /** The client's settings changed; `settings` is what it sent along, if anything. */
  changed(settings: unknown): void {
    this.#byUri.clear();
    this.#loading.clear();
    const own = typeof settings === 'object' && settings !== null ? (settings as { mcsafe?: unknown }).mcsafe : undefined;
    if (own !== undefined) this.#pushed = settingsOf(own);
  }

  /** A document closed. */
  forget(uri: string): void {
    this.#byUri.delete(uri);
    this.#loading.delete(uri);
  }
}
