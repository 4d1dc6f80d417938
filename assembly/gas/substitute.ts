/**
 * Putting arguments into the body of a macro (gas/macro.c `macro_expand_body`).
 */
import { isNamePart, isNameStart } from './characters.ts';
import { MAX_LINE_LENGTH } from './limits.ts';
import type { MacroFrame, SourcePosition } from '../source.ts';
import type { Line, Origin, PlaceMode } from './line.ts';
import type { Text } from './forms.ts';
import type { Piece } from './sources.ts';

/** What a parameter stands for in one expansion. */
export interface Substitution {
  readonly text: string;
  /** Offset of its first character in the line of the invocation, if it was written there. */
  readonly offset?: number;
}

/** What is put into the lines of one body. */
export interface Substitutions {
  readonly values: ReadonlyMap<string, Substitution>;
  /** The line of the invocation. */
  readonly invocation: Line;
  /** For `\@`. */
  readonly number: number;
  /** `.altmacro`: parameters are also replaced without a backslash. */
  readonly alternate: boolean;
  /** Nothing is replaced: the lines are copied as they are. */
  readonly literal: boolean;
  /** What the lines of the body become, those that have been made; undefined if that is not kept. */
  readonly lines: (Text | undefined)[] | undefined;
  /** The macros around the text, innermost first; the same array each time. */
  readonly frames: readonly MacroFrame[];
}

/** One stretch of a text made by a macro of the assembler: of its body, or of an argument. */
interface MacroPiece {
  /** Offset in the new text. */
  readonly start: number;
  /** Offset in the body's line. */
  readonly body: number;
  /** For an argument: the line it was written in, and its offset there. */
  readonly argument?: { readonly line: Line; readonly offset: number };
}

/** Text made from a line of a macro's body. Its stretches are worked out only when somebody asks for a place. */
export class MacroOrigin implements Origin {
  private readonly piece: Piece;
  private readonly substitutions: Substitutions;
  private known: readonly MacroPiece[] | undefined;

  constructor(piece: Piece, substitutions: Substitutions) {
    this.piece = piece;
    this.substitutions = substitutions;
  }

  private get pieces(): readonly MacroPiece[] {
    if (this.known === undefined) {
      const pieces: MacroPiece[] = [];
      fill(this.piece, this.substitutions, pieces);
      this.known = pieces;
    }
    return this.known;
  }

  position(offset: number, mode: PlaceMode): SourcePosition {
    let index = this.pieces.length - 1;
    while (index > 0 && this.pieces[index]!.start > offset) index--;
    const piece = this.pieces[index];
    if (piece?.argument !== undefined && mode === 'spelling') {
      return piece.argument.line.origin.position(piece.argument.offset + offset - piece.start, mode);
    }
    const place = piece === undefined ? offset : piece.body + (piece.argument === undefined ? offset - piece.start : 0);
    const position = this.piece.line.origin.position(place, mode);
    const { frames } = this.substitutions;
    return { ...position, expansion: position.expansion === undefined ? frames : [...position.expansion, ...frames] };
  }
}

/** The text of a body's line with its parameters replaced. It is cut where it has grown longer than {@link MAX_LINE_LENGTH}. */
export function substitute(piece: Piece, substitutions: Substitutions): string {
  return fill(piece, substitutions, undefined);
}

/** The new text; where its stretches come from is noted in `pieces`. */
function fill({ line: body, start, end }: Piece, context: Substitutions, pieces: MacroPiece[] | undefined): string {
  const { text } = body;
  if (context.literal || (!context.alternate && nextBackslash(text, start, end) < 0)) {
    pieces?.push({ start: 0, body: start });
    return text.slice(start, end);
  }
  let out = '';
  let copied = start;
  const copyTo = (to: number): void => {
    if (to <= copied) return;
    pieces?.push({ start: out.length, body: copied });
    out += text.slice(copied, to);
  };
  const put = (at: number, value: Substitution): void => {
    if (value.text === '') return;
    pieces?.push({
      start: out.length, body: at,
      argument: value.offset === undefined ? { line: body, offset: at } : { line: context.invocation, offset: value.offset },
    });
    out += value.text;
  };
  let at = start;
  let quoted = false;
  while (at < end) {
    if (out.length > MAX_LINE_LENGTH) break;
    const code = text.charCodeAt(at);
    if (code === 0x5c) {
      const next = text[at + 1];
      if (next === '(' && text[at + 2] === ')') {
        copyTo(at);
        at = copied = at + 3;
        continue;
      }
      if (next === '@') {
        copyTo(at);
        put(at, { text: String(context.number) });
        at = copied = at + 2;
        continue;
      }
      const stop = at + 1 < end ? endOfName(text, at + 1, end) : at + 1;
      if (stop > at + 1) {
        const value = context.values.get(text.slice(at + 1, stop));
        if (value !== undefined) {
          copyTo(at);
          put(at, value);
          // An apostrophe, or an ampersand of .altmacro, ends the name and goes with it.
          at = copied = text[stop] === "'" || (context.alternate && text[stop] === '&') ? stop + 1 : stop;
          continue;
        }
        at = stop;
        continue;
      }
      at += 2;
      continue;
    }
    if (context.alternate) {
      if (code === 0x22) quoted = !quoted;
      const ampersand = code === 0x26;
      if (ampersand || (!quoted && isNameStart(code) && !(at > start && isNamePart(text.charCodeAt(at - 1))))) {
        const from = ampersand ? at + 1 : at;
        const stop = endOfName(text, from, end);
        const value = stop > from ? context.values.get(text.slice(from, stop)) : undefined;
        if (value !== undefined) {
          copyTo(at);
          put(at, value);
          at = copied = text[stop] === '&' ? stop + 1 : stop;
          continue;
        }
        at = Math.max(stop, at + 1);
        continue;
      }
    }
    at = context.alternate ? at + 1 : nextBackslash(text, at, end);
    if (at < 0) at = end;
  }
  copyTo(Math.min(at, end));
  return out;
}

function nextBackslash(text: string, start: number, end: number): number {
  const at = text.indexOf('\\', start);
  return at < end ? at : -1;
}

function endOfName(text: string, from: number, limit: number): number {
  if (from >= limit || !isNameStart(text.charCodeAt(from))) return from;
  let at = from + 1;
  while (at < limit && isNamePart(text.charCodeAt(at))) at++;
  return at;
}
