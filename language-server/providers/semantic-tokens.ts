/**
 * Semantic tokens: whole, of a range, and as changes to the last answer.
 */
import { SemanticTokensBuilder } from 'vscode-languageserver';
import type { SemanticTokens } from 'vscode-languageserver';
import { TOKEN_MODIFIERS, TOKEN_TYPES, tokensOf } from '../editing/tokens.ts';
import type { Token } from '../editing/tokens.ts';
import type { Provider } from '../provider.ts';

export const semanticTokens: Provider = {
  capabilities: { semanticTokensProvider: { legend: { tokenTypes: [...TOKEN_TYPES], tokenModifiers: [...TOKEN_MODIFIERS] }, full: { delta: true }, range: true } },
  register(connection, workspace) {
    /** One a document; it remembers its last answer. */
    const builders = new Map<string, SemanticTokensBuilder>();
    const builderOf = (uri: string): SemanticTokensBuilder => {
      let builder = builders.get(uri);
      if (builder === undefined) builders.set(uri, builder = new SemanticTokensBuilder());
      return builder;
    };
    const tokens = (uri: string, from?: number, to?: number): readonly Token[] => {
      const analysis = workspace.analysis(uri);
      const document = workspace.document(uri);
      return analysis === undefined || document === undefined || analysis.foreign !== undefined ? [] : tokensOf(analysis, document.getText(), from, to);
    };
    connection.languages.semanticTokens.on(({ textDocument: { uri } }) => {
      const found = tokens(uri);
      builders.delete(uri);
      return fill(builderOf(uri), found).build();
    });
    connection.languages.semanticTokens.onDelta(({ textDocument: { uri }, previousResultId }) => {
      const found = tokens(uri);
      const builder = builderOf(uri);
      builder.previousResult(previousResultId);
      return fill(builder, found).buildEdits();
    });
    connection.languages.semanticTokens.onRange(({ textDocument: { uri }, range }): SemanticTokens => {
      const { data } = fill(new SemanticTokensBuilder(), tokens(uri, range.start.line, range.end.line + 1)).build();
      return { data };
    });
    workspace.onDidChange((uri) => { if (uri !== undefined && workspace.document(uri) === undefined) builders.delete(uri); });
  },
};

function fill(builder: SemanticTokensBuilder, tokens: readonly Token[]): SemanticTokensBuilder {
  for (const { line, start, length, type, modifiers } of tokens) {
    builder.push(line, start, length, TOKEN_TYPES.indexOf(type), modifiers.reduce((bits, modifier) => bits | (1 << TOKEN_MODIFIERS.indexOf(modifier)), 0));
  }
  return builder;
}
