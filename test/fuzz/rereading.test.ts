/**
 * The same as test/gas/rereading.test.ts over the samples, with more edits.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { createReadCache } from '../../assembly/gas/read.ts';
import { nodeHost } from '../../host/node/host.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
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
