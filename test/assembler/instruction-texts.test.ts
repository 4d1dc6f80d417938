/**
 * The instructions of real programs, assembled again by GNU as and by us. libcrypto keeps tables between its functions,
 * which disassemble to nonsense: that is assembled, or refused, alike.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { missing } from '../corpus/corpus.ts';
import { instructionTexts, LIBRARIES } from './disassembly.ts';
import { compareTexts } from './compare.ts';

/** Texts that may differ, with the reason. */
const EXCEPTIONS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^rex\.\w+ f\w+s .* no such instruction/, reason: 'as loses the suffix s of x87 instructions behind a REX prefix, which does nothing there' },
];

const skip = missing('instruction texts against GNU as', { commands: ['as', 'objdump'] });

describe.skipIf(skip !== undefined)('instruction texts of Debian libraries', () => {
  for (const library of LIBRARIES) {
    const there = existsSync(library);
    if (!there && process.env['MCSAFE_REQUIRE'] === 'all') throw new Error(`MCSAFE_REQUIRE=all: ${library} is missing`);
    if (!there) console.log(`skipped: ${library} is not on this machine`);
    it.skipIf(!there)(`${basename(library)}: every text has the bytes of GNU as, or is refused by both`, { timeout: 300_000 }, () => {
      const texts = instructionTexts(library);
      const result = compareTexts(texts);
      console.log(`${basename(library)}: ${String(texts.length)} texts, ${String(result.same)} equal, ${String(result.refused)} refused by both`);
      expect(result.differences.filter((text) => !EXCEPTIONS.some(({ pattern }) => pattern.test(text)))).toEqual([]);
      expect(result.same).toBeGreaterThan(40_000);
    });
  }
});

describe('speed of the encoder', () => {
  it('does not look at a mnemonic it does not need', () => {
    const started = performance.now();
    assemble({ file: 'nothing.s', statements: [], macros: [], macroUses: [], includes: [], directives: [], problems: [] });
    expect(performance.now() - started).toBeLessThan(50);
  });
});
