/**
 * Putting arguments into the body of a macro (gas/macro.c `macro_expand_body`).
 */
import { isNamePart, isNameStart } from './characters.ts';
import { MacroOrigin, Line } from './line.ts';
import type { FramesSource, MacroPiece } from './line.ts';

/** What a parameter stands for in one expansion. */
export interface Substitution {
  readonly text: string;
  /** Where it was written, if it was. */
  readonly line?: Line;
  /** Offset of its first character there. */
  readonly offset?: number;
}

export interface SubstitutionContext {
  readonly values: ReadonlyMap<string, Substitution>;
  /** The number of the expansion, for `\@`; undefined keeps it. */
  readonly number: string;
  readonly frames: FramesSource;
  /** `.altmacro`: parameters are also replaced without a backslash. */
  readonly alternate: boolean;
  /** Longer lines are cut, and `tooLong` called. */
  readonly maxLength: number;
  readonly tooLong: () => void;
  /** Nothing is replaced: the line is copied as it is. */
  readonly literal?: boolean;
}

/** The stretch `start` to `end` of a body's line with its parameters replaced. */
export function substitute(body: Line, start: number, end: number, context: SubstitutionContext): Line {
  const text = fill(body, start, end, context, undefined);
  const piecesOf = (): readonly MacroPiece[] => {
    const pieces: MacroPiece[] = [];
    fill(body, start, end, context, pieces);
    return pieces;
  };
  return new Line(text, new MacroOrigin(body, piecesOf, context.frames));
}

/** The new text; where its stretches come from is noted in `pieces`. */
function fill(body: Line, start: number, end: number, context: SubstitutionContext, pieces: MacroPiece[] | undefined): string {
  const { text } = body;
  if (context.literal === true || (!context.alternate && nextBackslash(text, start, end) < 0)) {
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
      argument: value.line === undefined ? { line: body, offset: at } : { line: value.line, offset: value.offset ?? 0 },
    });
    out += value.text;
  };
  let at = start;
  let quoted = false;
  while (at < end) {
    if (out.length > context.maxLength) {
      context.tooLong();
      break;
    }
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
        put(at, { text: context.number });
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
    at++;
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
