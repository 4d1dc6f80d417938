/**
 * The exception checks over every `.S` file of arch/x86 of both kernels. The kernel is taken to be right: what is found there is a false
 * finding, unless the list below says why it is not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReadCache } from '../../assembly/gas/read.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import type { AnalysisOptions } from '../../language-server/analysis/analysis.ts';
import { checkAll } from '../../language-server/checks/index.ts';
import { corpus, kernelAssemblyFlags, missing } from './corpus.ts';
import type { Corpus, CorpusGeneration } from './corpus.ts';

/** `file: code` of findings that are true, each with the reason. */
const EXPLAINED: Readonly<Record<CorpusGeneration, Readonly<Record<string, string>>>> = { '6.1': {}, '6.12': {} };

/** Files with entries that were looked at, at least: fewer means that the reader lost some. */
const FILES_WITH_ENTRIES: Readonly<Record<CorpusGeneration, number>> = { '6.1': 10, '6.12': 10 };

const skip = missing('the checks over the kernel\'s assembly', { commands: ['gcc'], corpora: ['6.1', '6.12'] });

describe.skipIf(skip !== undefined).each<CorpusGeneration>(['6.1', '6.12'])('the exception checks over arch/x86 of %s', (generation) => {
  it('find nothing that is not explained', () => {
    const from = corpus(generation)!;
    const options = readOptions(from);
    const found: string[] = [];
    let withEntries = 0;
    for (const path of sources(join(from.source, 'arch/x86'))) {
      const analysis = analyze(path, readFileSync(path, 'utf8'), options);
      if (analysis.foreign === undefined && analysis.entries.length > 0) withEntries++;
      for (const { code, message, range } of checkAll(analysis)) {
        const name = `${relative(from.source, path)}: ${code}`;
        if (!Object.hasOwn(EXPLAINED[generation], name)) found.push(`${name} at line ${String(range.start.line)}: ${message}`);
      }
    }
    expect(found).toEqual([]);
    expect(withEntries).toBeGreaterThanOrEqual(FILES_WITH_ENTRIES[generation]);
    console.log(`${generation}: ${String(withEntries)} files with entries, no finding`);
  });
});

function sources(from: string): string[] {
  return readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    const path = join(from, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.S') ? [path] : [];
  }).sort();
}

/** The kernel's own flags as options of the reader. */
function readOptions(from: Corpus): AnalysisOptions {
  const flags = kernelAssemblyFlags(from);
  const after = (option: string): string[] => flags.flatMap((flag, index) => (flags[index - 1] === option ? [flag] : []));
  const texts = new Map<string, string | undefined>();
  return {
    provider: {
      read(path) {
        if (!texts.has(path)) texts.set(path, textOf(path));
        return texts.get(path);
      },
    },
    includePaths: [...flags.filter((flag) => flag.startsWith('-I')).map((flag) => flag.slice(2)), ...after('-isystem')],
    preincludes: after('-include'),
    defines: Object.fromEntries(flags.filter((flag) => flag.startsWith('-D')).map((flag) => {
      const [name = '', value = '1'] = flag.slice(2).split(/=(.*)/s);
      return [name, value];
    })),
    cache: createReadCache(),
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
