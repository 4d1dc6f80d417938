/**
 * Character classes of GNU as for x86 ELF (binutils 2.40 gas/app.c, gas/read.c `lex_type`).
 */

/** May begin a symbol: a letter, `_`, `.`, `$`, or anything outside ASCII. */
export function isNameStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code === 0x2e || code === 0x24 || code >= 0x80;
}

/** May continue a symbol. */
export function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Blank, tab, form feed, vertical tab or carriage return: everything that separates words within a line. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0c || code === 0x0b || code === 0x0d;
}

/** The first offset at or behind `offset` that is not blank. */
export function skipBlanks(text: string, offset: number): number {
  while (offset < text.length && isBlank(text.charCodeAt(offset))) offset++;
  return offset;
}

/** The offset behind the symbol that begins at `offset`, or `offset` itself if none does. */
export function endOfName(text: string, offset: number): number {
  if (offset >= text.length || !isNameStart(text.charCodeAt(offset))) return offset;
  offset++;
  while (offset < text.length && isNamePart(text.charCodeAt(offset))) offset++;
  return offset;
}
