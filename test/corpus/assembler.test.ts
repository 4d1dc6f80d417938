/**
 * Every 64-bit `.S` file of arch/x86 that gcc assembles outside a kernel tree, through our reader and assembler: each section,
 * relocation and symbol is that of `gcc -c`. The order of symbols is left out: gas counts those that only an `.if` mentions, and these
 * the assembler never sees.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { SourceProvider } from '../../assembly/gas/statement.ts';
import { describeObject } from '../assembler/objects.ts';
import { corpus, kernelAssemblyFlags, missing } from './corpus.ts';
import type { Corpus } from './corpus.ts';

/** Files that may differ, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

const skip = missing('the kernel\'s assembly against gcc', { commands: ['gcc', 'as'], corpora: ['6.1'] });
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-kernel-'));

const texts = new Map<string, string | undefined>();
const disk: SourceProvider = {
  read(path) {
    if (!texts.has(path)) texts.set(path, contents(path)?.toString('utf8'));
    return texts.get(path);
  },
  readBytes: (path) => contents(path),
};

function contents(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Sections and relocations in their order, symbols by name. */
function unordered(lines: readonly string[]): string[] {
  const symbols = lines.filter((line) => line.startsWith('symbol '));
  return [...lines.filter((line) => !line.startsWith('symbol ')), ...symbols.sort()];
}

function sources(from: string): string[] {
  return readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    const path = join(from, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.S') ? [path] : [];
  }).sort();
}

/** What `gcc -c` makes of `path`, in words; undefined if it needs more of a kernel tree than the packages have. */
function byGcc(from: Corpus, path: string): string[] | undefined {
  const object = join(folder, `${relative(from.source, path).replaceAll('/', '_')}.o`);
  spawnSync('gcc', [...kernelAssemblyFlags(from), '-c', '-o', object, path], { stdio: 'ignore' });
  return existsSync(object) ? describeObject(readElf(object, readFileSync(object))) : undefined;
}

/** What we make of it, told the same as gcc. */
function byUs(from: Corpus, path: string): string[] {
  const flags = kernelAssemblyFlags(from);
  const includePaths = flags.filter((flag) => flag.startsWith('-I')).map((flag) => flag.slice(2));
  const defines = Object.fromEntries(flags.filter((flag) => flag.startsWith('-D')).map((flag): [string, string] => {
    const [name = '', value = '1'] = flag.slice(2).split(/=(.*)/s);
    return [name, value];
  }));
  const forced = flags.flatMap((flag, index) => (flag === '-include' ? [flags[index + 1] ?? ''] : []));
  const text = `${forced.map((file) => `#include "${file}"\n`).join('')}#line 1 "${path}"\n${readFileSync(path, 'utf8')}`;
  const unit = readGas(path, text, { provider: disk, includePaths, defines });
  const { object, problems } = assemble(unit, { provider: disk });
  const errors = [...unit.problems, ...problems].filter(({ severity }) => severity === 'error');
  expect(errors.slice(0, 5).map(({ message, range }) => `${range.start.file}:${String(range.start.line)}: ${message}`)).toEqual([]);
  return describeObject(object);
}

describe.skipIf(skip !== undefined)('the kernel\'s assembly', () => {
  const from = corpus('6.1');
  const root = from === undefined ? '' : join(from.source, 'arch/x86');
  const files = from === undefined ? [] : sources(root);
  let compared = 0;

  it.each(files.map((path) => [relative(root, path), path] as const))('%s', { timeout: 300_000 }, (name, path) => {
    const theirs = byGcc(from!, path);
    if (theirs === undefined || Object.hasOwn(EXCEPTIONS, name)) return;
    expect(unordered(byUs(from!, path))).toEqual(unordered(theirs));
    compared++;
  });

  it('is nearly all of it', () => {
    console.log(`${String(compared)} of ${String(files.length)} files compared, ${String(Object.keys(EXCEPTIONS).length)} excepted`);
    expect(compared).toBeGreaterThan(85);
  });
});
