/**
 * Find references: of symbols in all files that can mean them, C files included; of macros in all files that read their definition.
 */
import { registerPlaces } from '../navigation/registers-in-routine.ts';
import { cMentions, isGlobal, macroMentions, symbolMentions } from '../navigation/mentions.ts';
import { parameterPlaces } from '../navigation/parameters.ts';
import { targetAt } from '../navigation/target.ts';
import type { Target } from '../navigation/target.ts';
import type { Mention } from '../indexing/summary.ts';
import { placeText } from '../indexing/workspace-index.ts';
import type { Analysis } from '../analysis/analysis.ts';
import type { Provider } from '../provider.ts';
import { fromPosition } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';
import type { CancellationToken } from 'vscode-languageserver';
import { locations } from './definition.ts';

export const references: Provider = {
  capabilities: { referencesProvider: { workDoneProgress: true } },
  register(connection, workspace) {
    connection.onReferences(async ({ textDocument, position, context }, token) => {
      const before = workspace.analysis(textDocument.uri);
      if (before === undefined) return null;
      await workspace.indexed();
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined || token.isCancellationRequested) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const target = targetAt(analysis, line, column);
      if (target === undefined) return null;
      const found = await referencesTo(target, analysis, workspace, token);
      return [...locations(found.filter(({ role }) => context.includeDeclaration || role !== 'definition' && role !== 'declaration'), workspace)];
    });
  },
};

async function referencesTo(target: Target, analysis: Analysis, workspace: Workspace, token: CancellationToken): Promise<readonly Mention[]> {
  switch (target.kind) {
    case 'symbol': {
      const found = symbolMentions(analysis, target.name, workspace);
      if (!isGlobal(analysis, target.name)) return found;
      // A header may be read both ways.
      const all = [...found, ...await cMentions(target.name, workspace, token)];
      return [...new Map(all.map((mention) => [placeText(mention), mention])).values()];
    }
    case 'macro': return macroMentions(analysis, target, workspace);
    case 'parameter': return parameterPlaces(analysis, target.macro, target.name);
    case 'register': return registerPlaces(analysis, target.name, target.range.start.line);
    case 'word': return [];
  }
}
