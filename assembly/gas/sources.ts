/**
 * Where the reader's statements come from: files, and bodies of macros while they are expanded.
 */
import type { StatementForm } from './forms.ts';
import type { Line } from './line.ts';

/** One statement's text: the stretch `start` to `end` of a line, without comments and blanks around it. */
export interface Piece {
  readonly line: Line;
  readonly start: number;
  readonly end: number;
  /** What the text says, where it has been taken apart before. */
  readonly form?: StatementForm;
}

/** Something that gives lines, which are cut into statements. */
export interface Source {
  /** The next line, or undefined at the end. */
  next(): Line | undefined;
  /** Statements of the current line not read yet. */
  readonly pending: Piece[];
  /** Index of the next one in `pending`. */
  at: number;
  /** Conditionals that were open when it began. */
  readonly conditionalDepth: number;
  /** An expansion of a macro (or `.rept`): `.exitm` ends it. */
  readonly isMacro: boolean;
  /** Path of the file, for a source that is one. */
  readonly file: string | undefined;
}

/** What a text is made of that is more than one statement, and nothing else. */
const SPECIAL = /[;#"'/]/;

/** Cuts `text` at `;` outside of strings, and drops comments. */
export function splitStatements(text: string): { readonly start: number; readonly end: number }[] {
  const into: { readonly start: number; readonly end: number }[] = [];
  let start = 0;
  const { length } = text;
  const add = (from: number, to: number): void => {
    while (from < to && isSpace(text.charCodeAt(from))) from++;
    while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
    if (to > from) into.push({ start: from, end: to });
  };
  if (!SPECIAL.test(text)) {
    add(0, length);
    return into;
  }
  let first = 0;
  while (first < length && isSpace(text.charCodeAt(first))) first++;
  // At the beginning of a line, a slash too begins a comment.
  if (text.charCodeAt(first) === 0x2f) return into;
  for (let at = first; at < length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x3b:
        add(start, at);
        start = at + 1;
        break;
      case 0x23:
        add(start, at);
        return into;
      case 0x22:
        for (at++; at < length && text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
        break;
      case 0x27:
        at += text.charCodeAt(at + 1) === 0x5c ? 2 : 1;
        break;
      default: break;
    }
  }
  add(start, length);
  return into;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
