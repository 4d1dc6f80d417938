/**
 * What GNU as's scrubber (gas/app.c) does to white space, as far as macros can see it: the text of macro arguments is split at blanks that
 * are left, and `.ifc` compares what is left.
 */
import { isBlank } from './characters.ts';
import { readEscape, skipQuoted } from './escapes.ts';

/** A text with superfluous blanks taken out, and where each of its characters stood. */
export interface Scrubbed {
  readonly text: string;
  /** The offset in the original of each character of `text`, and of its end. */
  readonly offsets: readonly number[];
}

/** Characters that count as parts of a word (`tc_symbol_chars` of x86 among them): a blank between two of them stays. */
function isSymbolPart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2e || code === 0x24
    || code >= 0x80 || code === 0x2a || code === 0x25 || code === 0x2d || code === 0x28 || code === 0x5b || code === 0x7b || code === 0x7d || code === 0x22;
}

/** Scrubs the operands that stand in `text` from `start` to `end`. */
export function scrub(text: string, start: number, end: number): Scrubbed {
  let out = '';
  const offsets: number[] = [];
  let before = -1;
  let blank = -1;
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (isBlank(code)) {
      if (blank < 0) blank = at;
      at++;
      continue;
    }
    // A quote of either sort counts as part of a word where it opens; `"` also where it closes.
    if (blank >= 0 && isSymbolPart(before) && (isSymbolPart(code) || code === 0x27)) {
      out += ' ';
      offsets.push(blank);
    }
    blank = -1;
    if (code === 0x27) {
      // A character constant becomes its number.
      const stop = Math.min(skipQuoted(text, at), end);
      const number = characterValue(text, at);
      out += number;
      for (let digit = 0; digit < number.length; digit++) offsets.push(at);
      at = stop;
      before = -1;
      continue;
    }
    const stop = code === 0x22 ? Math.min(skipQuoted(text, at), end) : at + 1;
    for (; at < stop; at++) {
      out += text[at]!;
      offsets.push(at);
    }
    before = text.charCodeAt(stop - 1);
  }
  offsets.push(end);
  return { text: out, offsets };
}

/** The number that the character constant at `offset` stands for; its text if it is none. */
function characterValue(text: string, offset: number): string {
  const char = text.charCodeAt(offset + 1);
  if (Number.isNaN(char)) return "'";
  if (char !== 0x5c) return String(char & 0xff);
  return offset + 2 < text.length ? String(readEscape(text, offset + 1).value) : '92';
}
