/**
 * The reader against gcc and GNU as over the kernel's x86 sources: the preprocessor's tokens are those of `gcc -E`, and our expanded text,
 * given to `as`, makes the sections that `gcc -c` makes of the original.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readElf } from '../../assembly/elf/read.ts';
import { expandedText } from '../../assembly/gas/expanded-text.ts';
import { createReadCache, preprocess, readGas } from '../../assembly/gas/read.ts';
import type { ReadOptions } from '../../assembly/gas/statement.ts';
import { corpus, missing } from './corpus.ts';

const skip = missing('the reader over the kernel sources', { commands: ['gcc', 'as'], corpora: ['6.1'] });

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sourcesUnder(path) : name.endsWith('.S') ? [path] : [];
  });
}

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Words and signs without the blanks between them; a blank outside of strings never matters to how these compare. */
const tokens = (text: string): string => text.replace(/^\s*#.*$/gm, '').replace(/\s+/g, '');

/** Everything of an object that counts: contents and relocations of each section, by name. */
function contentsOf(object: Uint8Array): unknown[] {
  const { sections } = readElf('x.o', object);
  return sections
    .filter(({ name }) => !/^\.(?:symtab|strtab|shstrtab|rela)/.test(name))
    .map(({ name, size, bytes, relocations }) => ({
      name, size, bytes: Buffer.from(bytes).toString('hex'),
      relocations: relocations.map(({ offset, type, symbol, addend }) => [String(offset), type, String(symbol), String(addend)].join(' ')),
    }));
}

describe.skipIf(skip !== undefined)('linux-source-6.1 arch/x86', () => {
  let work = '';
  beforeAll(() => { work = mkdtempSync(join(tmpdir(), 'gas-corpus-')); });
  afterAll(() => { rmSync(work, { recursive: true, force: true }); });

  it('is preprocessed as by gcc -E and assembles to the same sections', () => {
    const { source, common, amd64 } = corpus('6.1')!;
    const compiler = execFileSync('gcc', ['-print-file-name=include'], { encoding: 'utf8' }).trim();
    const includePaths = [
      `${common}/arch/x86/include`, `${amd64}/arch/x86/include/generated`, `${common}/include`, `${amd64}/include`,
      `${common}/arch/x86/include/uapi`, `${amd64}/arch/x86/include/generated/uapi`, `${common}/include/uapi`, `${amd64}/include/generated/uapi`, compiler,
    ];
    const preincludes = [`${common}/include/linux/compiler-version.h`, `${common}/include/linux/kconfig.h`];
    const defines = { __KERNEL__: '1', __ASSEMBLY__: '1', CC_USING_FENTRY: '1', KBUILD_MODFILE: '"x"' };
    const flags = [
      '-nostdinc', ...includePaths.map((path) => `-I${path}`), ...preincludes.flatMap((path) => ['-include', path]),
      ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
    ];
    const options: ReadOptions = { provider: { read: textOf }, includePaths, preincludes, defines, cache: createReadCache() };
    let compared = 0;
    const different: string[] = [];
    for (const path of sourcesUnder(`${source}/arch/x86`)) {
      const theirs = join(work, 'theirs.o');
      if (spawnSync('gcc', [...flags, '-c', '-o', theirs, path], { stdio: 'ignore' }).status !== 0) continue;
      compared++;
      const name = path.slice(source.length + 1);
      const text = readFileSync(path, 'utf8');
      const preprocessed = execFileSync('gcc', [...flags, '-E', '-P', path], { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
      if (tokens(preprocess(path, text, options).join('\n')) !== tokens(preprocessed)) different.push(`${name}: other tokens than gcc -E`);
      const unit = readGas(path, text, options);
      const errors = unit.problems.filter((problem) => problem.severity === 'error');
      if (errors.length > 0) different.push(`${name}: ${errors[0]!.message}`);
      writeFileSync(join(work, 'ours.s'), expandedText(unit).text);
      const assembled = spawnSync('as', ['--64', '-o', join(work, 'ours.o'), join(work, 'ours.s')], { encoding: 'utf8' });
      if (assembled.status !== 0) different.push(`${name}: ${assembled.stderr.slice(0, 200)}`);
      else if (JSON.stringify(contentsOf(readFileSync(join(work, 'ours.o')))) !== JSON.stringify(contentsOf(readFileSync(theirs)))) different.push(`${name}: other sections`);
    }
    console.log(`${String(compared)} files compared with gcc`);
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThanOrEqual(100);
  }, 900_000);
});
