/**
 * A file taken apart for the preprocessor: lines of text and directives, with the ends of conditionals found. It does not depend on what
 * is defined, so that a header is taken apart once for all files that include it.
 */
import type { CommentDirective } from '../statement.ts';
import { commentDirectives } from '../comment-directives.ts';
import { logicalLines } from '../logical-lines.ts';
import type { LogicalLine, OpenComment } from '../logical-lines.ts';
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
  firstLine: number;
  lastLine: number;
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

  /** Lines came or went in front of it. */
  moveBy(count: number): void {
    this.firstLine += count;
    this.lastLine += count;
    this.line.moveBy(count);
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
  const items = lines.flatMap(itemOf);
  link(items);
  return { items, guard: guardOf(items), openComment, comments: commentDirectives(file, text) };
}

/** A file taken apart again after a change. */
export interface Reprepared {
  readonly prepared: PreparedFile;
  /** So many items at the beginning are the old ones. */
  readonly same: number;
  /** From this index on the items are the old ones again, which had the indices from `oldEnd` on; the number of items if none are. */
  readonly end: number;
  readonly oldEnd: number;
  /** By how many lines those have moved. */
  readonly lines: number;
}

/**
 * Takes `text` apart, using what `before` has of the lines in front of the change, and behind it.
 * Takes `before` over: its items are linked anew, and moved.
 */
export function reprepareFile(file: string, text: string, before: PreparedFile, textBefore: string): Reprepared | undefined {
  if (before.openComment !== undefined) return undefined;
  const prefix = commonPrefix(textBefore, text);
  const suffix = commonSuffix(textBefore, text, Math.min(textBefore.length, text.length) - prefix);
  const firstLine = 1 + feeds(text, 0, prefix);
  const lastLine = firstLine + feeds(text, prefix, text.length - suffix);
  const moved = feeds(text, prefix, text.length - suffix) - feeds(textBefore, prefix, textBefore.length - suffix);
  // One item more than must be is read again: reading may look at the line that follows.
  const same = Math.max(0, firstNotBefore(before.items, firstLine) - 1);
  const line = same === 0 ? 1 : before.items[same - 1]!.lastLine + 1;
  const offset = startOfLine(text, prefix, firstLine - line);
  let oldEnd = before.items.length;
  const { lines, openComment } = logicalLines(file, text, { c: true }, {
    offset, line,
    stopsAt: (number) => {
      if (number <= lastLine) return false;
      const index = firstNotBefore(before.items, number - moved);
      if (before.items[index]?.firstLine !== number - moved) return false;
      oldEnd = index;
      return true;
    },
  });
  if (openComment !== undefined) return undefined;
  const fresh = lines.flatMap(itemOf);
  // Those read again though nothing in them has changed stay what they were.
  for (let index = 0; index < fresh.length && isSameItem(fresh[index]!, before.items[same + index]); index++) fresh[index] = before.items[same + index]!;
  if (moved !== 0) for (let index = oldEnd; index < before.items.length; index++) before.items[index]!.moveBy(moved);
  const items = [...before.items.slice(0, same), ...fresh, ...before.items.slice(oldEnd)];
  link(items);
  return { prepared: { items, guard: guardOf(items), openComment, comments: commentDirectives(file, text) }, same, end: same + fresh.length, oldEnd, lines: moved };
}

function isSameItem(a: Item, b: Item | undefined): boolean {
  return b !== undefined && a.firstLine === b.firstLine && a.lastLine === a.firstLine && b.lastLine === a.lastLine && a.line.isWholeLine && b.line.isWholeLine && a.line.text === b.line.text;
}

/** One item, or none: `#` alone is nothing. */
function itemOf({ line, firstLine, lastLine }: LogicalLine): Item | readonly [] {
  const match = DIRECTIVE.exec(line.text);
  const name = match?.[1];
  if (match !== null && name === undefined && line.text.trim() === '#') return [];
  // With something else behind it, `#` is a comment of the assembler.
  if (match === null || name === undefined || !DIRECTIVES.has(name)) return new Item(line, firstLine, lastLine, '', 0);
  return new Item(line, firstLine, lastLine, name, match[0].length);
}

/** Finds the ends of conditionals. */
function link(items: readonly Item[]): void {
  const open: number[] = [];
  for (let index = 0; index < items.length; index++) {
    const { directive } = items[index]!;
    if (directive === '') continue;
    if (directive === 'elif' || directive === 'else' || directive === 'endif') {
      const before = open.pop();
      if (before !== undefined) items[before]!.next = index;
    }
    if (!directive.startsWith('if') && directive !== 'elif' && directive !== 'else') continue;
    items[index]!.next = -1;
    open.push(index);
  }
}

/** The index of the first item that does not end in front of `line`. */
function firstNotBefore(items: readonly Item[], line: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle]!.lastLine < line) low = middle + 1;
    else high = middle;
  }
  return low;
}

function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  // Large steps first: comparing slices is quick.
  for (let step = 4096; step >= 1; step >>= 3) while (at + step <= most && a.slice(at, at + step) === b.slice(at, at + step)) at += step;
  return at;
}

/** At most `most` characters. */
function commonSuffix(a: string, b: string, most: number): number {
  let count = 0;
  for (let step = 4096; step >= 1; step >>= 3) {
    while (count + step <= most && a.slice(a.length - count - step, a.length - count) === b.slice(b.length - count - step, b.length - count)) count += step;
  }
  return count;
}

function feeds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** The beginning of the line `back` lines in front of the one that holds `offset`. */
function startOfLine(text: string, offset: number, back: number): number {
  let at = offset;
  for (let count = 0; count <= back; count++) {
    at = at === 0 ? -1 : text.lastIndexOf('\n', at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
}

/** The guard of a file that is all in one `#ifndef`. */
function guardOf(items: readonly Item[]): string | undefined {
  const [first] = items;
  if (first?.directive !== 'ifndef') return undefined;
  const end = items[first.next];
  return end === items.at(-1) && end?.directive === 'endif' ? first.tokens[0]?.text : undefined;
}
