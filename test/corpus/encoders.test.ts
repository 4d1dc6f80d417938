/**
 * The kernels' library sources through our own front end: with the real headers, and with the stand-ins, the embedded assembler and GNU as
 * on our expanded text give what `gcc -c` gives.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { writeElf } from '../../assembly/elf/write.ts';
import { expandedText } from '../../assembly/gas/expanded-text.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { GasUnit, SourceProvider } from '../../assembly/gas/statement.ts';
import { linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';
import { formatPosition } from '../../assembly/source.ts';
import { objectText } from '../linux-compat/object-text.ts';
import { corpus, kernelAssemblyFlags, missing } from './corpus.ts';
import type { Corpus, CorpusGeneration } from './corpus.ts';
import { gccObject, librarySources, sourcePath } from './objects.ts';

const GENERATIONS: readonly CorpusGeneration[] = ['6.1', '6.12'];
const reason = missing('library sources through both encoders', { commands: ['gcc', 'as', 'objdump'], corpora: GENERATIONS });
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-encoders-'));

const disk: SourceProvider = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
};

/** What `gcc` is told on the command line, told to our reader. */
function readWithRealHeaders(from: Corpus, path: string): GasUnit {
  const flags = kernelAssemblyFlags(from);
  const includePaths = flags.filter((flag) => flag.startsWith('-I')).map((flag) => flag.slice(2));
  const defines = Object.fromEntries(flags.filter((flag) => flag.startsWith('-D')).map((flag) => {
    const [name, value] = flag.slice(2).split(/=(.*)/s);
    return [name!, value ?? '1'];
  }));
  const forced = flags.flatMap((flag, index) => (flag === '-include' ? [flags[index + 1]!] : []));
  const prelude = forced.map((file) => `#include "${file}"\n`).join('');
  const text = `${prelude}#line 1 "${path}"\n${readFileSync(path, 'utf8')}`;
  return readGas(path, text, { provider: disk, includePaths, defines });
}

function readWithStandIns(from: Corpus, path: string): GasUnit {
  const { provider, includePaths, defines } = linuxCompat(from.generation);
  return readGas(path, readFileSync(path, 'utf8'), { provider, includePaths, defines });
}

function embedded(unit: GasUnit, stem: string): string {
  const { object, problems } = assemble(unit);
  const errors = [...unit.problems, ...problems].filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.slice(0, 5).map(({ message, range }) => `${formatPosition(range.start)}: ${message}`).join('\n'));
  writeFileSync(`${stem}.o`, writeElf(object));
  return objectText(`${stem}.o`);
}

describe.skipIf(reason !== undefined).each(GENERATIONS)('sources of %s', (generation) => {
  const sources = reason === undefined ? librarySources(corpus(generation)!) : [];

  test.for(sources)('%s with the real headers', (name) => {
    const from = corpus(generation)!;
    expect(embedded(readWithRealHeaders(from, sourcePath(from, name)), join(folder, `${generation}-real-${name}`))).toBe(objectText(gccObject(from, name)));
  });

  test.for(sources.filter((name) => name !== 'retpoline.S'))('%s with the stand-ins', (name) => {
    const from = corpus(generation)!;
    const unit = readWithStandIns(from, sourcePath(from, name));
    const stem = join(folder, `${generation}-${name}`);
    const expected = objectText(gccObject(from, name));
    expect(embedded(unit, stem)).toBe(expected);
    execFileSync('as', ['--64', '-o', `${stem}.as.o`, '-'], { input: expandedText(unit).text, stdio: ['pipe', 'ignore', 'pipe'] });
    expect(objectText(`${stem}.as.o`)).toBe(expected);
  });
});
