/**
 * The language server's client: starts `mcsafe lsp` and says which documents it is for.
 */
import { EventEmitter, commands, window, workspace } from 'vscode';
import type { ExtensionContext } from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { LANGUAGES } from './languages.ts';

export class LanguageServer {
  readonly #context: ExtensionContext;
  readonly #started = new EventEmitter<void>();
  /** Fires each time the server has come up. */
  readonly onDidStart = this.#started.event;
  #client: LanguageClient | undefined;

  constructor(context: ExtensionContext) {
    this.#context = context;
    context.subscriptions.push(
      this.#started,
      { dispose: () => void this.stop() },
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('mcsafe.languageServer.enabled')) void this.restart();
      }),
    );
  }

  /** The running client; undefined while the server is off. */
  get client(): LanguageClient | undefined {
    return this.#client;
  }

  /** Starts the server unless it runs or is switched off. A server that cannot start is reported, not thrown. */
  async start(): Promise<void> {
    const enabled = workspace.getConfiguration('mcsafe').get('languageServer.enabled', true);
    if (!enabled || this.#client !== undefined) return;
    const client = this.#createClient();
    this.#client = client;
    try {
      // Lenses are shown only for commands that somebody runs.
      const known = (await commands.getCommands(true)).filter((name) => name.startsWith('mcsafe.'));
      client.clientOptions.initializationOptions = { trusted: workspace.isTrusted, commands: known };
      await client.start();
      this.#started.fire();
    } catch (error) {
      this.#client = undefined;
      void window.showErrorMessage(`mcsafe: the language server did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  #createClient(): LanguageClient {
    const module = this.#context.asAbsolutePath('dist/mcsafe.cjs');
    return new LanguageClient('mcsafe.languageServer', 'mcsafe language server', { module, args: ['lsp'], transport: TransportKind.stdio }, {
      documentSelector: [
        ...LANGUAGES.flatMap((language) => [{ language, scheme: 'file' }, { language, scheme: 'untitled' }]),
        { pattern: '**/*.{S,s,sx}', scheme: 'file' },
      ],
      // The files it wants to hear of it registers itself.
      synchronize: { configurationSection: 'mcsafe' },
    });
  }
}
