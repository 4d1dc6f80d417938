/**
 * `mcsafe lsp`: the language server for any client.
 */
import { nodeHost } from '../../host/node/host.ts';
import { documentationFolder } from '../../host/node/installation.ts';
import { serveStdio } from '../../language-server/node.ts';

/** Never resolves: the connection ends the process when the client leaves. */
export function lsp(): Promise<number> {
  serveStdio(nodeHost({ documentation: documentationFolder() }));
  return new Promise(() => undefined);
}
