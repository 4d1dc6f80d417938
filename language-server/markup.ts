/**
 * Explanations are written in Markdown. A client that did not say that it shows Markdown, or would rather not, gets the
 * same text without its marks.
 */
import { MarkupKind } from 'vscode-languageserver';
import type { MarkupContent } from 'vscode-languageserver';

/** `markdown` in a form that the client takes; `formats` as it announced them, best first. */
export function markup(markdown: string, formats: readonly MarkupKind[] | undefined): MarkupContent {
  return formats?.[0] === MarkupKind.Markdown ? { kind: MarkupKind.Markdown, value: markdown } : { kind: MarkupKind.PlainText, value: plain(markdown) };
}

/** Fences, emphasis and code marks are left out; links keep their text. What stands in code stays as it is. */
function plain(markdown: string): string {
  return markdown
    .replace(/^```\w*\n([^]*?)\n?```$/gm, '$1')
    .split(/(`+[^`\n]+`+)/)
    .map((part) => (part.startsWith('`') ? part.replace(/^`+|`+$/g, '') : part.replace(/\*\*([^*\n]+)\*\*/g, '$1').replace(/\[([^\]\n]+)\]\([^)\n]*\)/g, '$1')))
    .join('');
}
