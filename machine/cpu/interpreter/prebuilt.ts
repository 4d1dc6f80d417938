/**
 * The module with the interpreter's loop, written when the program was bundled: writing it is a good part of a cold start.
 */

/** In base64; the bundler puts it in place, from the same sources (`scripts/bundle.mjs`). */
declare const MCSAFE_LOOP: string | undefined;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Undefined where the sources run as they are. */
export function prebuiltLoop(): Uint8Array | undefined {
  return typeof MCSAFE_LOOP === 'string' ? fromBase64(MCSAFE_LOOP) : undefined;
}

export function fromBase64(text: string): Uint8Array {
  const digits = new Uint8Array(128);
  for (let value = 0; value < DIGITS.length; value++) digits[DIGITS.charCodeAt(value)] = value;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array(text.length / 4 * 3);
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    const group = (digits[text.charCodeAt(from)]! << 18) | (digits[text.charCodeAt(from + 1)]! << 12)
      | (digits[text.charCodeAt(from + 2)]! << 6) | digits[text.charCodeAt(from + 3)]!;
    bytes[to] = group >> 16;
    bytes[to + 1] = (group >> 8) & 0xff;
    bytes[to + 2] = group & 0xff;
  }
  return bytes.subarray(0, bytes.length - padding);
}
