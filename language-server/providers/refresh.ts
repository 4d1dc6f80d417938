/**
 * Tells the client that answers it holds may be out of date, where settings or files on disk have changed: hints, lenses, colours.
 */
import type { Provider } from '../provider.ts';

export const refresh: Provider = {
  capabilities: {},
  register(connection, workspace) {
    const requests: (() => Promise<unknown>)[] = [];
    workspace.onInitialize(({ capabilities: { workspace: client } }) => {
      if (client?.inlayHint?.refreshSupport === true) requests.push(() => connection.languages.inlayHint.refresh());
      if (client?.codeLens?.refreshSupport === true) requests.push(() => connection.sendRequest('workspace/codeLens/refresh'));
      if (client?.semanticTokens?.refreshSupport === true) requests.push(() => connection.languages.semanticTokens.refresh());
    });
    workspace.onDidChange((uri) => {
      if (uri !== undefined) return;
      // A client on its way out does not answer.
      for (const request of requests) request().catch(() => undefined);
    });
  },
};
