/**
 * The same as test/gas/rereading.test.ts over the samples, with more edits, and over sources of the kernel that are made of macros.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { createReadCache } from '../../assembly/gas/read.ts';
import { nodeHost } from '../../host/node/host.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { corpus } from '../corpus/corpus.ts';
import { aimedEdit } from '../gas/aimed-edits.ts';
import { checkEdits, random } from '../gas/rereading.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');

describe('reading again after a change, over the samples', () => {
  for (const name of readdirSync(SAMPLES).filter((entry) => entry.endsWith('.S'))) {
    it(name, { timeout: 60_000 }, () => {
      const path = join(SAMPLES, name);
      const options = { ...projectOptions(path, nodeHost()), cache: createReadCache(), incremental: true };
      for (let seed = 1; seed <= 6; seed++) checkEdits(path, readFileSync(path, 'utf8'), options, random(seed), 40);
    });
  }
});

const kernel = corpus('6.1');
if (kernel === undefined) console.log('sources of the kernel are not edited: the corpus is not there (node test/corpus/fetch.mjs 6.1)');

describe.runIf(kernel !== undefined)('reading again after a change in macros, definitions and lines, over sources of the kernel', () => {
  for (const name of ['crypto/aesni-intel_asm.S', 'crypto/sha512-avx2-asm.S', 'entry/entry_64.S', 'lib/copy_user_64.S', 'lib/memcpy_64.S']) {
    it(name, { timeout: 600_000 }, () => {
      const path = join(kernel!.source, 'arch', 'x86', name);
      const options = { ...projectOptions(path, nodeHost()), cache: createReadCache(), incremental: true };
      checkEdits(path, readFileSync(path, 'utf8'), options, random(1), 12, aimedEdit);
    });
  }
});
