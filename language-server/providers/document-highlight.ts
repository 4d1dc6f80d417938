/**
 * Highlights of what the cursor is on, in this file: where it is written (defined) and read; a register over its routine.
 */
import { DocumentHighlightKind } from 'vscode-languageserver';
import type { DocumentHighlight } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import type { Role } from '../analysis/occurrences.ts';
import type { Mention } from '../indexing/summary.ts';
import { macroMentions, symbolMentions } from '../navigation/mentions.ts';
import { parameterPlaces } from '../navigation/parameters.ts';
import { registerPlaces } from '../navigation/registers-in-routine.ts';
import { targetAt } from '../navigation/target.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, placeRange } from '../ranges.ts';

export const documentHighlight: Provider = {
  capabilities: { documentHighlightProvider: true },
  register(connection, workspace) {
    connection.onDocumentHighlight(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      return [...highlightsAt(analysis, line, column)];
    });
  },
};

/** For the 1-based place of the file, in document order. */
export function highlightsAt(analysis: Analysis, line: number, column: number): readonly DocumentHighlight[] {
  return mentionsAt(analysis, line, column)
    .filter(({ file }) => file === analysis.file)
    .map((mention) => ({ range: placeRange(mention), kind: kindOf(mention.role) }))
    .sort((a, b) => a.range.start.line - b.range.start.line || a.range.start.character - b.range.start.character);
}

function mentionsAt(analysis: Analysis, line: number, column: number): readonly Mention[] {
  const target = targetAt(analysis, line, column);
  switch (target?.kind) {
    case 'symbol': return symbolMentions(analysis, target.name);
    case 'macro': return macroMentions(analysis, target);
    case 'parameter': return parameterPlaces(analysis, target.macro, target.name);
    case 'register': return registerPlaces(analysis, target.name, line);
    case 'word': case undefined: return [];
  }
}

function kindOf(role: Role): DocumentHighlightKind {
  switch (role) {
    case 'definition': return DocumentHighlightKind.Write;
    case 'declaration': return DocumentHighlightKind.Text;
    case 'call': case 'jump': case 'reference': return DocumentHighlightKind.Read;
  }
}
