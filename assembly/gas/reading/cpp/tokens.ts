/**
 * Preprocessing tokens, each with its place. In assembly `$` is no part of a name, so that `$SIZE` is an immediate of a macro.
 */
import type { SourceText } from '../source-text.ts';

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'space' | 'punctuation';
  readonly text: string;
  readonly source: SourceText;
  /** Macros this token must not be expanded as any more. */
  readonly hidden: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();
const PATTERN = /([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)|(\.?[0-9](?:[eEpP][+-]|[\w.])*)|("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])')|(\s+)|(##|.)/gs;
const KINDS = ['name', 'number', 'string', 'space', 'punctuation'] as const;

export function tokenize(source: SourceText): Token[] {
  const tokens: Token[] = [];
  for (const match of source.text.matchAll(PATTERN)) {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)]!;
    tokens.push({ kind, text: match[0], source: source.slice(match.index, match.index + match[0].length), hidden: NOTHING });
  }
  return tokens;
}

export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join('');
}

/** Without blanks at both ends. */
export function trimTokens(tokens: readonly Token[]): readonly Token[] {
  let start = 0, end = tokens.length;
  while (start < end && tokens[start]!.kind === 'space') start++;
  while (end > start && tokens[end - 1]!.kind === 'space') end--;
  return tokens.slice(start, end);
}
