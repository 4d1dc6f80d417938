/**
 * All instruction texts of one library, assembled again by GNU as and by us.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing } from '../corpus/corpus.ts';
import { compareTexts } from './compare.ts';
import { instructionTexts } from './disassembly.ts';

/** Texts that may differ, with the reason. */
const EXCEPTIONS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^rex\.\w+ f\w+s .* no such instruction/, reason: 'as loses the suffix s of x87 instructions behind a REX prefix, which does nothing there' },
];

/** Declares the test of `library`; it prints why, if it must be skipped. */
export function checkLibrary(library: string): void {
  const name = basename(library);
  let reason = missing(`instruction texts of ${name} against GNU as`, { commands: ['as', 'objdump'] });
  if (reason === undefined && !existsSync(library)) {
    if (process.env['MCSAFE_REQUIRE'] === 'all') throw new Error(`MCSAFE_REQUIRE=all: ${library} is missing`);
    reason = `${library} is not on this machine`;
    console.log(`skipped: ${reason}`);
  }
  describe.skipIf(reason !== undefined)('instruction texts of Debian libraries', () => {
    it(`${name}: every text has the bytes of GNU as, or is refused by both`, { timeout: 600_000 }, () => {
      const texts = instructionTexts(library);
      const { same, refused, differences } = compareTexts(texts);
      console.log(`${name}: ${String(texts.length)} texts, ${String(same)} equal, ${String(refused)} refused by both`);
      expect(differences.filter((text) => !EXCEPTIONS.some(({ pattern }) => pattern.test(text)))).toEqual([]);
      expect(same).toBeGreaterThan(40_000);
    });
  });
}
