/**
 * Links on the names of included files: `#include`, `.include`, `.incbin`.
 */
import type { DocumentLink } from 'vscode-languageserver';
import { binaryFiles, namedFiles } from '../navigation/includes.ts';
import type { Provider } from '../provider.ts';
import { isOpenable, toRange } from '../ranges.ts';

export const documentLinks: Provider = {
  capabilities: { documentLinkProvider: {} },
  register(connection, workspace) {
    let tooltips = false;
    workspace.onInitialize(({ capabilities }) => { tooltips = capabilities.textDocument?.documentLink?.tooltipSupport === true; });
    connection.onDocumentLinks(({ textDocument }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const files = [...namedFiles(analysis), ...binaryFiles(analysis, workspace.host, workspace.includePaths(analysis.file))];
      return files.filter(({ path }) => isOpenable(path)).map(({ path, range }): DocumentLink => {
        const { start, end } = toRange(range);
        // Without the quotes or brackets.
        return { range: { start: { ...start, character: start.character + 1 }, end: { ...end, character: end.character - 1 } }, target: workspace.uriOf(path), ...(tooltips ? { tooltip: path } : {}) };
      });
    });
  },
};
