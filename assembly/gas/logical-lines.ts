/**
 * From the text of a file to its lines as the preprocessor or the assembler sees them: block comments are blanks, and may join lines.
 */
import { FileOrigin, JoinedOrigin, Line } from './line.ts';

export interface LineOptions {
  /** A backslash at the end of a line joins it with the next, and `//` begins a comment, as in C. */
  readonly c: boolean;
}

/** A line, and the number of the last line of the file it takes up. */
export interface LogicalLine {
  readonly line: Line;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Where a block comment that nobody closes begins. */
export interface OpenComment {
  readonly line: number;
  readonly column: number;
}

export interface LogicalLines {
  /** Blank lines are left out. */
  readonly lines: readonly LogicalLine[];
  readonly openComment?: OpenComment;
}

const BLANK = /^[\s]*$/;

/** A stretch of a text to split: where a logical line begins, and where to stop. */
export interface Stretch {
  readonly offset: number;
  /** Number of the line at `offset`. */
  readonly line: number;
  /** Asked at the beginning of each logical line, by its number. */
  stopsAt(line: number): boolean;
}

/** Splits `text` of `file`, or a stretch of it. */
export function logicalLines(file: string, text: string, options: LineOptions, stretch?: Stretch): LogicalLines {
  const lines: LogicalLine[] = [];
  let openComment: OpenComment | undefined;
  let at = stretch?.offset ?? 0;
  let number = stretch?.line ?? 1;
  let nextBlock = text.indexOf('/*', at);
  let nextLineComment = options.c ? text.indexOf('//', at) : -1;
  let nextSplice = options.c ? nextSpliceFrom(text, at) : -1;
  while (at < text.length) {
    if (stretch?.stopsAt(number) === true) break;
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    if (nextBlock >= 0 && nextBlock < at) nextBlock = text.indexOf('/*', at);
    if (nextLineComment >= 0 && nextLineComment < at) nextLineComment = text.indexOf('//', at);
    if (nextSplice >= 0 && nextSplice < at) nextSplice = nextSpliceFrom(text, at);
    if ((nextBlock < 0 || nextBlock > end) && (nextLineComment < 0 || nextLineComment > end) && (nextSplice < 0 || nextSplice > end)) {
      const plain = text.slice(at, end > at && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end);
      if (!BLANK.test(plain)) lines.push({ line: new Line(plain, new FileOrigin(file, number)), firstLine: number, lastLine: number });
      at = end + 1;
      number++;
      continue;
    }
    const joined = joinLine(text, at, number, options);
    if (joined.open !== undefined) openComment = joined.open;
    if (!BLANK.test(joined.text)) {
      const line = new Line(joined.text, new JoinedOrigin(file, joined.starts, joined.lines, joined.columns));
      lines.push({ line, firstLine: number, lastLine: joined.last });
    }
    at = joined.end;
    number = joined.last + 1;
  }
  return openComment === undefined ? { lines } : { lines, openComment };
}

/** The backslash of the next line that goes on in the line behind it. */
function nextSpliceFrom(text: string, from: number): number {
  const plain = text.indexOf('\\\n', from);
  const carriage = text.indexOf('\\\r\n', from);
  return plain < 0 ? carriage : carriage < 0 ? plain : Math.min(plain, carriage);
}

interface Joined {
  readonly text: string;
  readonly starts: number[];
  readonly lines: number[];
  readonly columns: number[];
  /** Offset behind the line's end. */
  readonly end: number;
  /** Number of the last line it takes up. */
  readonly last: number;
  readonly open?: OpenComment;
}

/** Reads one logical line, character by character. */
function joinLine(text: string, from: number, number: number, options: LineOptions): Joined {
  const starts: number[] = [];
  const lines: number[] = [];
  const columns: number[] = [];
  let out = '';
  let at = from;
  let line = number;
  let lineStart = from;
  let chunk = from;
  let quote = '';
  let open: OpenComment | undefined;
  const begin = (): void => {
    starts.push(out.length);
    lines.push(line);
    columns.push(at - lineStart + 1);
    chunk = at;
  };
  const flush = (): void => { out += text.slice(chunk, at); };
  begin();
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') break;
    if (char === '\r' && text[at + 1] === '\n') break;
    if (char === '\\' && options.c && (text[at + 1] === '\n' || (text[at + 1] === '\r' && text[at + 2] === '\n'))) {
      flush();
      at += text[at + 1] === '\n' ? 2 : 3;
      line++;
      lineStart = at;
      begin();
      continue;
    }
    if (quote !== '') {
      if (char === '\\' && at + 1 < text.length && text[at + 1] !== '\n') at++;
      else if (char === quote) quote = '';
      at++;
      continue;
    }
    if (char === '"' || (char === "'" && options.c)) {
      quote = char;
      at++;
      continue;
    }
    if (char === "'" && !options.c) {
      // A character constant of the assembler: the next character means itself.
      at += text[at + 1] === '\\' ? 3 : text[at + 1] === '\n' ? 1 : 2;
      at = Math.min(at, text.length);
      continue;
    }
    if (char === '#' && !options.c) {
      // A comment of the assembler, in which nothing begins a block comment.
      while (at < text.length && text[at] !== '\n') at++;
      break;
    }
    if (char === '/' && text[at + 1] === '/' && options.c) {
      flush();
      // The comment goes on in the next line if this one ends in a backslash.
      while (at < text.length && text[at] !== '\n') {
        const spliced = text[at] === '\\' && (text[at + 1] === '\n' ? 2 : text[at + 1] === '\r' && text[at + 2] === '\n' ? 3 : 0);
        if (spliced !== false && spliced > 0) {
          line++;
          at += spliced;
          lineStart = at;
        } else at++;
      }
      chunk = at;
      break;
    }
    if (char === '/' && text[at + 1] === '*') {
      flush();
      const close = text.indexOf('*/', at + 2);
      if (close < 0) open = { line, column: at - lineStart + 1 };
      const stop = close < 0 ? text.length : close + 2;
      out += ' ';
      for (let feed = text.indexOf('\n', at); feed >= 0 && feed < stop; feed = text.indexOf('\n', feed + 1)) {
        line++;
        lineStart = feed + 1;
      }
      at = stop;
      begin();
      continue;
    }
    at++;
  }
  flush();
  const feed = at < text.length && text[at] === '\r' ? at + 2 : at + 1;
  return { text: out, starts, lines, columns, end: feed, last: line, ...(open === undefined ? {} : { open }) };
}
