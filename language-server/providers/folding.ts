/**
 * Folding: routines, macros, loops, conditionals, comments, `region` comments, runs of includes.
 */
import { FoldingRangeKind } from 'vscode-languageserver';
import type { FoldingRange } from 'vscode-languageserver';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { blocksOf } from '../navigation/blocks.ts';
import type { Block } from '../navigation/blocks.ts';
import type { Provider } from '../provider.ts';

const KIND: Readonly<Partial<Record<Block['kind'], FoldingRangeKind>>> = { comment: FoldingRangeKind.Comment, imports: FoldingRangeKind.Imports, region: FoldingRangeKind.Region };

export const folding: Provider = {
  capabilities: { foldingRangeProvider: true },
  register(connection, workspace) {
    let limit = Infinity;
    workspace.onInitialize(({ capabilities }) => { limit = capabilities.textDocument?.foldingRange?.rangeLimit ?? Infinity; });
    connection.onFoldingRanges(({ textDocument }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis === undefined ? null : foldsOf(analysis).slice(0, limit);
    });
  },
};

/** In document order. */
export function foldsOf(analysis: Analysis): readonly FoldingRange[] {
  const folds = foldedBlocks(analysis).map(({ kind, first, last }): FoldingRange => ({ startLine: first - 1, endLine: last - 1, ...(KIND[kind] === undefined ? {} : { kind: KIND[kind] }) }));
  return folds.sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}

/** Blocks of the text, and routines as blocks. */
export function foldedBlocks(analysis: Analysis): readonly Block[] {
  const routines = analysis.routines.flatMap(({ range, lastLine }): readonly Block[] => {
    const { file, line } = writtenPosition(range.start);
    return file === analysis.file && lastLine > line ? [{ kind: 'code', first: line, last: lastLine }] : [];
  });
  return [...routines, ...blocksOf(analysis.text)];
}
