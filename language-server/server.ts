/**
 * Glue: one connection, the documents it keeps in step, and the providers. What a feature does is in `providers/`.
 */
import { PositionEncodingKind, TextDocumentSyncKind, TextDocuments } from 'vscode-languageserver';
import type { Connection, InitializeResult, ServerCapabilities } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Host } from '../host/host.ts';
import { registerRefusals } from './lifecycle.ts';
import type { Provider } from './provider.ts';
import { PROVIDERS } from './providers/index.ts';
import { Workspace } from './workspace.ts';

/** Serves `connection` until it closes. The caller has not called `listen` yet. */
export function serve(connection: Connection, host: Host, providers: readonly Provider[] = PROVIDERS): void {
  const documents = new TextDocuments(TextDocument);
  const workspace = new Workspace({ get: (uri) => documents.get(uri), all: () => documents.all() }, host);
  connection.onInitialize((parameters): InitializeResult => {
    workspace.initialized(connection, parameters);
    return {
      serverInfo: { name: 'mcsafe' },
      capabilities: Object.assign({ positionEncoding: PositionEncodingKind.UTF16, textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental } }, ...providers.map(({ capabilities }) => (typeof capabilities === 'function' ? capabilities(parameters.capabilities) : capabilities))) as ServerCapabilities,
    };
  });
  documents.onDidChangeContent(({ document }) => { workspace.changed(document.uri); });
  documents.onDidClose(({ document }) => { workspace.closed(document.uri); });
  connection.onDidChangeConfiguration(({ settings }) => { workspace.settingsChanged(settings); });
  connection.onInitialized(() => { workspace.ready(); });
  connection.onShutdown(() => { workspace.shutdown(); });
  registerRefusals(connection);
  for (const provider of providers) provider.register(connection, workspace);
  documents.listen(connection);
  connection.listen();
}
