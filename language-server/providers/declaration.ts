/**
 * Go to declaration: the `.globl`, `.type` and their like of a symbol; where there is none, its definition.
 */
import type { Provider } from '../provider.ts';
import { fromPosition } from '../ranges.ts';
import { symbolMentions } from '../navigation/mentions.ts';
import { targetAt } from '../navigation/target.ts';
import { definitionsAt, locations } from './definition.ts';

export const declaration: Provider = {
  capabilities: { declarationProvider: true },
  register(connection, workspace) {
    connection.onDeclaration(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const target = targetAt(analysis, line, column);
      const declared = target?.kind !== 'symbol' ? [] : symbolMentions(analysis, target.name, workspace).filter(({ role }) => role === 'declaration');
      return [...locations(declared.length > 0 ? declared : definitionsAt(analysis, line, column, workspace), workspace)];
    });
  },
};
