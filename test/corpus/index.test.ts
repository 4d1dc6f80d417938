/**
 * The index of a kernel's assembly: reading each `.S` of arch/x86 for its names alone gives what reading all of it gives.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReadCache, readGas } from '../../assembly/gas/read.ts';
import { nodeHost } from '../../host/node/host.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { sourcesBelow } from '../../language-server/indexing/files.ts';
import { summarize, summarizeReading } from '../../language-server/indexing/summary.ts';
import { corpus, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';

/** Sources of arch/x86 in 6.1. */
const SOURCES = 157;

const skip = missing('the index of the kernel\'s assembly', { corpora: ['6.1', '6.12'] });

describe.skipIf(skip !== undefined).each<CorpusGeneration>(['6.1', '6.12'])('the index of arch/x86 of %s', (generation) => {
  it('has the names that whole readings have', () => {
    const host = nodeHost({ trusted: false });
    const cache = createReadCache();
    let files = 0;
    for (const found of sourcesBelow(join(corpus(generation)!.source, 'arch/x86'), host)) {
      if (found?.kind !== 'assembly') continue;
      files++;
      const text = readFileSync(found.path, 'utf8');
      const options = { ...projectOptions(found.path, host), cache };
      const names = summarizeReading((see) => readGas(found.path, text, { ...options, namesOnly: see }));
      expect(JSON.stringify({ ...names, symbols: [...names.symbols.values()] }), found.path).toBe(wholeOf(found.path, text, options));
    }
    if (generation === '6.1') expect(files).toBe(SOURCES);
  });
});

function wholeOf(path: string, text: string, options: Parameters<typeof readGas>[2]): string {
  const whole = summarize(readGas(path, text, options));
  return JSON.stringify({ ...whole, symbols: [...whole.symbols.values()] });
}
