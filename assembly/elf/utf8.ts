/**
 * UTF-8 names. (`TextDecoder` belongs to hosts, not to the language, and this folder knows no host.)
 */

/** Decodes UTF-8; malformed bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  // Bounded runs: String.fromCharCode takes its characters as arguments.
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && end - at < 4096 && bytes[end]! < 0x80) end++;
    if (end > at) {
      text += String.fromCharCode(...bytes.subarray(at, end));
      at = end;
      continue;
    }
    const { point, length } = codePoint(bytes, at);
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

const REPLACEMENT = { point: 0xfffd, length: 1 };

function codePoint(bytes: Uint8Array, at: number): { readonly point: number; readonly length: number } {
  const first = bytes[at]!;
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return REPLACEMENT;
  let point = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i]!;
    if ((next & 0xc0) !== 0x80) return REPLACEMENT;
    point = (point << 6) | (next & 0x3f);
  }
  const overlong = point < [0, 0, 0x80, 0x800, 0x10000][length]!;
  return overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? REPLACEMENT : { point, length };
}

/** Encodes `text` as UTF-8; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    const point = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
  }
  return Uint8Array.from(bytes);
}
