/**
 * A line of assembler text and where its characters come from. Lines are written in a file, made by the preprocessor, or made by a macro.
 */
import type { SourcePosition, SourceRange } from '../source.ts';
import type { TextPlaces } from './places.ts';

/**
 * Which place to name for characters that came in through a macro's argument:
 * `spelling` where they were written, `body` the parameter's place in the macro's body.
 */
export type PlaceMode = 'spelling' | 'body';

let moves = 0;

/** How often lines of any file have moved: a place worked out earlier may be another by now. */
export function lineMoves(): number {
  return moves;
}

/** Knows where the characters of one text come from. */
export interface Origin {
  position(offset: number, mode: PlaceMode): SourcePosition;
}

/** Text that stands in a file as it is. */
export class FileOrigin implements Origin {
  readonly file: string;
  line: number;
  /** 1-based column of offset 0. */
  readonly column: number;

  constructor(file: string, line: number, column = 1) {
    this.file = file;
    this.line = line;
    this.column = column;
  }

  position(offset: number): SourcePosition {
    return { file: this.file, line: this.line, column: this.column + offset };
  }
}

/** The index of the last element of the ascending `starts` that is not above `offset`; 0 if all are. */
export function pieceAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Text of a file with comments taken out and lines joined. Piece `i` begins at `starts[i]` and stands at `lines[i]`, `columns[i]`. */
export class JoinedOrigin implements Origin {
  readonly file: string;
  readonly starts: readonly number[];
  lines: readonly number[];
  readonly columns: readonly number[];

  constructor(file: string, starts: readonly number[], lines: readonly number[], columns: readonly number[]) {
    this.file = file;
    this.starts = starts;
    this.lines = lines;
    this.columns = columns;
  }

  position(offset: number): SourcePosition {
    const piece = pieceAt(this.starts, offset);
    return { file: this.file, line: this.lines[piece]!, column: this.columns[piece]! + offset - this.starts[piece]! };
  }
}

/** A range that is worked out when somebody asks for it: most never are. */
class LazyRange implements SourceRange {
  private readonly line: Line;
  private readonly from: number;
  private readonly to: number;
  private readonly mode: PlaceMode;
  private known: SourceRange | undefined;
  private knownAt = -1;

  constructor(line: Line, from: number, to: number, mode: PlaceMode) {
    this.line = line;
    this.from = from;
    this.to = to;
    this.mode = mode;
  }

  private get range(): SourceRange {
    if (this.known === undefined || this.knownAt !== moves) {
      this.known = this.line.rangeNow(this.from, this.to, this.mode);
      this.knownAt = moves;
    }
    return this.known;
  }

  get start(): SourcePosition {
    return this.range.start;
  }

  get endColumn(): number {
    return this.range.endColumn;
  }

  /** What `JSON.stringify` writes. */
  toJSON(): SourceRange {
    return this.range;
  }
}

/** A text without line breaks, and its origin. */
export class Line implements TextPlaces {
  readonly text: string;
  readonly origin: Origin;

  constructor(text: string, origin: Origin) {
    this.text = text;
    this.origin = origin;
  }

  range(start: number, end: number): SourceRange {
    return new LazyRange(this, start, end, 'spelling');
  }

  /** The range of a whole statement: with the macros that made it, even if its first word came in through an argument. */
  bodyRange(start: number, end: number): SourceRange {
    return new LazyRange(this, start, end, 'body');
  }

  /** True for text that is as somebody wrote it, without macros. */
  get isWritten(): boolean {
    return this.origin instanceof FileOrigin || this.origin instanceof JoinedOrigin;
  }

  /** True for a line of a file from its first character to its last, without comments taken out. */
  get isWholeLine(): boolean {
    return this.origin instanceof FileOrigin;
  }

  /** Lines came or went in front of this one, which stands in a file: it is `count` lines further down. All places that depend on it follow. */
  moveBy(count: number): void {
    const { origin } = this;
    if (origin instanceof FileOrigin) origin.line += count;
    else if (origin instanceof JoinedOrigin) origin.lines = origin.lines.map((line) => line + count);
    moves++;
  }

  /** The range as a plain object. */
  rangeNow(start: number, end: number, mode: PlaceMode): SourceRange {
    const position = this.origin.position(start, mode);
    const length = Math.max(end - start, 0);
    if (this.origin instanceof FileOrigin) return { start: position, endColumn: position.column + length };
    const last = length === 0 ? position : this.origin.position(end - 1, mode);
    const straight = last.file === position.file && last.line === position.line && last.column >= position.column;
    return { start: position, endColumn: straight ? last.column + (length === 0 ? 0 : 1) : position.column + length };
  }
}
