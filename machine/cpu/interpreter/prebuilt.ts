/**
 * The module with the interpreter's loop, written when the program was bundled: writing it is a good part of a cold start.
 */

/** Undefined where the sources run as they are. A bundle has its bytes in place of this file, made from the same sources (`scripts/bundle.mjs`). */
export function prebuiltLoop(): Uint8Array | undefined {
  return undefined;
}
