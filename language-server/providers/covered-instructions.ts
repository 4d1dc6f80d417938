/**
 * A request of our own, `mcsafe/coveredInstructions`: the ranges of instructions that have an exception-table entry, for marks in the editor.
 */
import type { Range, TextDocumentIdentifier } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toRange } from '../ranges.ts';

export const COVERED_INSTRUCTIONS = 'mcsafe/coveredInstructions';

export const coveredInstructions: Provider = {
  capabilities: { experimental: { coveredInstructions: true } },
  register(connection, workspace) {
    connection.onRequest(COVERED_INSTRUCTIONS, ({ textDocument }: { readonly textDocument: TextDocumentIdentifier }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis === undefined ? [] : coveredRanges(analysis);
    });
  },
};

/** In document order, each once: a macro's use that makes several covered instructions is one place. */
export function coveredRanges(analysis: Analysis): readonly Range[] {
  const ranges = new Map<string, Range>();
  for (const { statement, entries } of analysis.instructions) {
    const shown = entries.length === 0 ? undefined : shownRange(statement.range, analysis.file);
    if (shown !== undefined) ranges.set(`${String(shown.start.line)}:${String(shown.start.column)}`, toRange(shown));
  }
  return [...ranges.values()].sort((a, b) => a.start.line - b.start.line || a.start.character - b.start.character);
}
