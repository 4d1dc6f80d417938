/**
 * What binutils finds in the kernel's own objects, kept as facts (addresses and types, no text) under the hash of each source file.
 * `MCSAFE_UPDATE=1 npm run corpus` adds facts for sources that Debian has updated.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus, missing, sha256 } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { ENTRY_CODE, entriesByBinutils, gccObject, librarySources, sourcePath, sourcesWithEntries } from './objects.ts';
import type { EntryFact } from './objects.ts';

const FACTS = new URL('entries.facts.json', import.meta.url);
type Facts = Record<string, { readonly file: string; readonly generation: string; readonly entries: readonly EntryFact[] }>;
const facts = JSON.parse(readFileSync(FACTS, 'utf8')) as Facts;

const reason = missing('entries of the kernel objects', { commands: ['gcc', 'readelf', 'objcopy'], corpora: ['6.1', '6.12'] });

describe.skipIf(reason !== undefined)('exception tables of the kernel objects', () => {
  for (const generation of ['6.1', '6.12'] satisfies CorpusGeneration[]) {
    const from = corpus(generation);
    test.for(from === undefined ? [] : sourcesWithEntries(from))(`${generation} %s has the entries on record`, (name) => {
      const key = `${generation} ${sha256(sourcePath(from!, name))}`;
      const entries = entriesByBinutils(gccObject(from!, name));
      const known = facts[key];
      if (known === undefined) {
        if (process.env['MCSAFE_UPDATE'] !== '1') {
          console.log(`no facts for ${generation} ${name} (${key.slice(0, 16)}): Debian has updated it; run with MCSAFE_UPDATE=1`);
          expect(entries.every(([insn, fixup]) => insn >= 0 && fixup >= 0)).toBe(true);
          return;
        }
        facts[key] = { file: join('arch/x86/lib', name), generation, entries };
        writeFileSync(FACTS, `{\n${Object.entries(facts).map(([hash, fact]) => `${JSON.stringify(hash)}: ${JSON.stringify(fact)}`).join(',\n')}\n}\n`);
        return;
      }
      expect(entries).toEqual(known.entries);
    });
  }

  test('6.1 has 107 entries in its library objects, 108 in all its objects', () => {
    const count = librarySources(corpus('6.1')!).reduce((sum, name) => sum + entriesByBinutils(gccObject(corpus('6.1')!, name)).length, 0);
    expect(count).toBe(107);
    // And the load of gs in the entry code.
    expect(entriesByBinutils(gccObject(corpus('6.1')!, ENTRY_CODE))).toHaveLength(1);
  });
});
