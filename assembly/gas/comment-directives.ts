/**
 * Comments that speak to mcsafe: `# mcsafe: contract copy …`.
 */
import type { CommentDirective } from './statement.ts';

const COMMENT = /(?:#|\/\/|\/\*|^\s*\*|;)[ \t*]*mcsafe:[ \t]*(.*?)[ \t]*(?:\*\/.*)?$/d;

/** All of them in `text`, in order. */
export function commentDirectives(file: string, text: string): CommentDirective[] {
  const found: CommentDirective[] = [];
  let line = 1;
  let counted = 0;
  for (let at = text.indexOf('mcsafe:'); at >= 0; at = text.indexOf('mcsafe:', at)) {
    for (let feed = text.indexOf('\n', counted); feed >= 0 && feed < at; feed = text.indexOf('\n', feed + 1)) {
      line++;
      counted = feed + 1;
    }
    const end = text.indexOf('\n', at);
    const whole = text.slice(counted, end < 0 ? text.length : end).replace(/\r$/, '');
    // An unreasonably long line is no comment directive; searching it would take long.
    const match = whole.length > 10_000 ? null : COMMENT.exec(whole);
    if (match !== null) {
      const [start, stop] = match.indices![1]!;
      found.push({ text: match[1]!, range: { start: { file, line, column: start + 1 }, endColumn: stop + 1 } });
    }
    if (end < 0) break;
    at = end;
  }
  return found;
}
