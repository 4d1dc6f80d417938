/**
 * Strings and the escapes in them (gas/read.c `next_char_of_string`).
 */
import { GasSyntaxError } from './syntax-error.ts';

const SIMPLE: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 0x5c, '"': 0x22 };

/**
 * Reads the escape whose backslash is at `offset`. Unknown escapes stand for their character, as gas (with a warning) has it.
 * @returns the byte value and the offset behind the escape.
 */
export function readEscape(text: string, offset: number): { readonly value: number; readonly end: number } {
  const letter = text[offset + 1];
  if (letter === undefined) throw new GasSyntaxError('a backslash at the end of a string escapes nothing', offset, offset + 1);
  const simple = SIMPLE[letter];
  if (simple !== undefined) return { value: simple, end: offset + 2 };
  const hex = letter === 'x' || letter === 'X';
  const digits = hex ? /[0-9a-fA-F]*/y : /[0-7]{1,3}/y;
  digits.lastIndex = hex ? offset + 2 : offset + 1;
  const match = digits.exec(text);
  if (match === null) return { value: letter.charCodeAt(0) & 0xff, end: offset + 2 };
  const value = hex ? parseInt(match[0].slice(-2) || '0', 16) : parseInt(match[0], 8);
  return { value: value & 0xff, end: digits.lastIndex };
}

/** Appends the UTF-8 encoding of one code point. */
function pushUtf8(bytes: number[], code: number): void {
  if (code < 0x80) bytes.push(code);
  else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
  else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
}

/**
 * Reads the string literal whose opening quote is at `offset`.
 * @returns its bytes (UTF-8 for characters outside ASCII) and the offset behind the closing quote.
 * @throws GasSyntaxError if there is no closing quote.
 */
export function readString(text: string, offset: number): { readonly bytes: Uint8Array; readonly end: number } {
  const bytes: number[] = [];
  let at = offset + 1;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"') return { bytes: Uint8Array.from(bytes), end: at + 1 };
    if (char === '\\') {
      const escape = readEscape(text, at);
      bytes.push(escape.value);
      at = escape.end;
    } else {
      const code = text.codePointAt(at)!;
      pushUtf8(bytes, code);
      at += code > 0xffff ? 2 : 1;
    }
  }
  throw new GasSyntaxError('the string has no closing quote', offset, text.length);
}

/** The offset behind the string literal or character constant at `offset`, without reading it; the end of the text if it is not closed. */
export function skipQuoted(text: string, offset: number): number {
  if (text[offset] === '"') {
    for (let at = offset + 1; at < text.length; at++) {
      if (text[at] === '\\') at++;
      else if (text[at] === '"') return at + 1;
    }
    return text.length;
  }
  // A character constant: 'a, '\n or either with a closing quote.
  const end = offset + (text[offset + 1] === '\\' ? 3 : 2);
  return Math.min(text[end] === "'" ? end + 1 : end, text.length);
}
