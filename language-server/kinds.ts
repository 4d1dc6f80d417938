/**
 * Icons for a client: those it announced, and where it announced none those of the protocol's first version, which end at `Reference` and `Array`.
 */
import { CompletionItemKind, SymbolKind } from 'vscode-languageserver';

type OfSymbol = (kind: SymbolKind) => SymbolKind;
type OfCompletion = (kind: CompletionItemKind) => CompletionItemKind;

/** What comes nearest to later kinds among the first ones. */
const EARLIER_SYMBOLS: Readonly<Partial<Record<SymbolKind, SymbolKind>>> = { [SymbolKind.Key]: SymbolKind.Field };
const EARLIER_COMPLETIONS: Readonly<Partial<Record<CompletionItemKind, CompletionItemKind>>> = {
  [CompletionItemKind.Folder]: CompletionItemKind.File, [CompletionItemKind.EnumMember]: CompletionItemKind.Value, [CompletionItemKind.Constant]: CompletionItemKind.Value,
};

/** `known`: what the client announced, if anything. */
export function symbolKinds(known: readonly SymbolKind[] | undefined): OfSymbol {
  return (kind) => (known?.includes(kind) === true ? kind : EARLIER_SYMBOLS[kind] ?? kind);
}

/** As {@link symbolKinds}. */
export function completionKinds(known: readonly CompletionItemKind[] | undefined): OfCompletion {
  return (kind) => (known?.includes(kind) === true ? kind : EARLIER_COMPLETIONS[kind] ?? kind);
}
