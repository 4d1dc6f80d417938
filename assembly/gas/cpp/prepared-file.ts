/**
 * A file taken apart for the preprocessor: lines of text and directives, with the ends of conditionals found. It does not depend on what
 * is defined, so that a header is taken apart once for all files that include it.
 */
import type { CommentDirective } from '../statement.ts';
import { commentDirectives } from '../comment-directives.ts';
import { logicalLines } from '../logical-lines.ts';
import type { OpenComment } from '../logical-lines.ts';
import type { Line } from '../line.ts';
import type { Macro } from './macro.ts';
import { tokenize } from './token.ts';
import type { Token } from './token.ts';

const DIRECTIVES = new Set([
  'define', 'undef', 'include', 'include_next', 'import', 'if', 'ifdef', 'ifndef', 'elif', 'else', 'endif', 'line', 'error', 'warning', 'pragma', 'ident',
  'sccs', 'assert', 'unassert',
]);
const DIRECTIVE = /^\s*#\s*([A-Za-z_]\w*)?/;
const NAME = /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/g;

export class Item {
  readonly line: Line;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Name of the directive; '' for a line of text. */
  readonly directive: string;
  /** Offset of what follows the directive's name. */
  readonly rest: number;
  /** For the opening and middle directives of a conditional: the index of the next one of the same; -1 if there is none. */
  next = -1;
  /** For `#define`: the macro, once it has been read. */
  macro: Macro | undefined;
  private readTokens: readonly Token[] | undefined;
  private readNames: readonly string[] | undefined;

  constructor(line: Line, firstLine: number, lastLine: number, directive: string, rest: number) {
    this.line = line;
    this.firstLine = firstLine;
    this.lastLine = lastLine;
    this.directive = directive;
    this.rest = rest;
  }

  get tokens(): readonly Token[] {
    return (this.readTokens ??= tokenize(this.line, this.rest));
  }

  /** All words of a line of text. */
  get names(): readonly string[] {
    return (this.readNames ??= this.line.text.match(NAME) ?? []);
  }
}

export interface PreparedFile {
  readonly items: readonly Item[];
  /** The macro whose definition makes the whole file empty. */
  readonly guard: string | undefined;
  readonly openComment: OpenComment | undefined;
  readonly comments: readonly CommentDirective[];
}

/** Takes `text` of `file` apart. */
export function prepareFile(file: string, text: string): PreparedFile {
  const { lines, openComment } = logicalLines(file, text, { c: true });
  const items: Item[] = [];
  const open: number[] = [];
  for (const { line, firstLine, lastLine } of lines) {
    const match = DIRECTIVE.exec(line.text);
    const name = match?.[1];
    if (match === null || (name !== undefined && !DIRECTIVES.has(name))) {
      items.push(new Item(line, firstLine, lastLine, '', 0));
      continue;
    }
    if (name === undefined) {
      // `#` alone is nothing; with something else behind it, a comment of the assembler.
      if (line.text.trim() !== '#') items.push(new Item(line, firstLine, lastLine, '', 0));
      continue;
    }
    const index = items.length;
    if (name === 'elif' || name === 'else' || name === 'endif') {
      const before = open.pop();
      if (before !== undefined) items[before]!.next = index;
    }
    if (name.startsWith('if') || name === 'elif' || name === 'else') open.push(index);
    items.push(new Item(line, firstLine, lastLine, name, match[0].length));
  }
  return { items, guard: guardOf(items), openComment, comments: commentDirectives(file, text) };
}

/** The guard of a file that is all in one `#ifndef`. */
function guardOf(items: readonly Item[]): string | undefined {
  const [first] = items;
  if (first?.directive !== 'ifndef') return undefined;
  const end = items[first.next];
  return end === items.at(-1) && end?.directive === 'endif' ? first.tokens[0]?.text : undefined;
}
