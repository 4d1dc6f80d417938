/**
 * A file as logical lines: continued lines joined, comments taken out (and kept where they speak to mcsafe).
 */
import type { CommentDirective } from '../statement.ts';
import { SourceText } from './source-text.ts';

export interface LogicalLines {
  readonly lines: readonly SourceText[];
  readonly directives: readonly CommentDirective[];
}

const DIRECTIVE = /\bmcsafe:\s*/;

/** `cpp`: lines continue with a backslash, `//` begins a comment. A block comment becomes one blank; its further lines become empty. */
export function logicalLines(file: string, text: string, cpp: boolean): LogicalLines {
  const reader = new LineReader(file, cpp);
  text.split('\n').forEach((line, index) => { reader.take(line.endsWith('\r') ? line.slice(0, -1) : line, index + 1); });
  return reader.finish();
}

class LineReader {
  readonly #file: string;
  readonly #cpp: boolean;
  readonly #lines: SourceText[] = [];
  readonly #directives: CommentDirective[] = [];
  #parts: SourceText[] = [];
  #inComment = false;

  constructor(file: string, cpp: boolean) {
    this.#file = file;
    this.#cpp = cpp;
  }

  take(physical: string, line: number): void {
    const continues = this.#cpp && physical.endsWith('\\') && !this.#inComment;
    this.#scan(continues ? physical.slice(0, -1) : physical, line);
    if (continues || this.#inComment) {
      // A statement does not end inside a comment; an empty line keeps the count where nothing is open.
      if (continues || this.#parts.some(({ text }) => text.trim() !== '')) return;
    }
    this.#flush(line);
  }

  finish(): LogicalLines {
    if (this.#parts.length > 0) this.#flush(0);
    return { lines: this.#lines, directives: this.#directives };
  }

  #flush(line: number): void {
    this.#lines.push(this.#parts.length === 0 ? SourceText.written('', { file: this.#file, line, column: 1 }) : SourceText.join(this.#parts));
    this.#parts = [];
  }

  #scan(text: string, line: number): void {
    let at = 0;
    let from = 0;
    const keep = (end: number): void => {
      if (end > from) this.#parts.push(SourceText.written(text.slice(from, end), { file: this.#file, line, column: from + 1 }));
    };
    if (this.#inComment) {
      const end = text.indexOf('*/');
      this.#note(text, 0, end < 0 ? text.length : end, line);
      if (end < 0) return;
      this.#inComment = false;
      at = from = end + 2;
    }
    while (at < text.length) {
      const char = text[at]!;
      if (char === '"') at = endOfString(text, at);
      else if (char === "'") at = endOfCharacter(text, at);
      else if (char === '/' && text[at + 1] === '*') {
        keep(at);
        const end = text.indexOf('*/', at + 2);
        this.#note(text, at, end < 0 ? text.length : end, line);
        this.#parts.push(SourceText.made(' ', { file: this.#file, line, column: at + 1 }));
        if (end < 0) {
          this.#inComment = true;
          return;
        }
        at = from = end + 2;
      } else if (this.#cpp && char === '/' && text[at + 1] === '/') {
        keep(at);
        this.#note(text, at, text.length, line);
        return;
      } else if (char === '#' && this.#isComment(text, at)) {
        keep(at);
        this.#note(text, at, text.length, line);
        return;
      } else at++;
    }
    keep(text.length);
  }

  /** `#` begins a comment, but for a directive of the preprocessor and the `#` and `##` of its macros. */
  #isComment(text: string, at: number): boolean {
    if (!this.#cpp) return true;
    const before = this.#parts.map((part) => part.text).join('') + text.slice(0, at);
    if (before.trim() === '') return !PREPROCESSOR.test(text.slice(at));
    return !before.trimStart().startsWith('#');
  }

  #note(text: string, start: number, end: number, line: number): void {
    const match = DIRECTIVE.exec(text.slice(start, end));
    if (match === null) return;
    const from = start + match.index;
    const words = text.slice(start + match.index + match[0].length, end).trim();
    this.#directives.push({ text: words, range: { start: { file: this.#file, line, column: from + 1 }, endColumn: start + text.slice(start, end).trimEnd().length + 1 } });
  }
}

const PREPROCESSOR = /^#\s*(define|undef|include|include_next|if|ifdef|ifndef|elif|elifdef|elifndef|else|endif|error|warning|pragma|line|ident|sccs)\b/;

function endOfString(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

/** `'x'`, `'\n'`; a lone apostrophe is just that. */
function endOfCharacter(text: string, at: number): number {
  const escaped = text[at + 1] === '\\';
  const close = at + (escaped ? 3 : 2);
  return text[close] === "'" ? close + 1 : at + 1;
}
