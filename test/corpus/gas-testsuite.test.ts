/**
 * The sources that GNU as is tested with, through it and through us: every section, with its bytes, flags and relocations in their order, is
 * the same, or both refuse the file. What differs is listed in gas-testsuite.exceptions.ts, each with its reason.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { SourceProvider } from '../../assembly/gas/statement.ts';
import { describeObject } from '../assembler/objects.ts';
import { gasSuite, missing } from './corpus.ts';
import { EXCEPTIONS, NOT_RUN } from './gas-testsuite.exceptions.ts';

const FOLDERS = ['all', 'cfi', 'elf', 'i386', 'macros'];

const skip = missing('GNU as\'s own tests against GNU as', { commands: ['as'], gasSuite: true });
const suite = skip === undefined ? gasSuite() : undefined;
/** The exceptions are those of this version. */
const version = suite === undefined ? undefined : /^\S+=(\d+\.\d+)/.exec(suite.package)?.[1];
const judge = suite === undefined ? undefined : / (\d+\.\d+)\S*$/m.exec(spawnSync('as', ['--version'], { encoding: 'utf8' }).stdout)?.[1];
const output = mkdtempSync(join(tmpdir(), 'mcsafe-suite-'));

const disk: SourceProvider = {
  // The sources are in no one encoding: a byte is a character.
  read: (path) => contents(path)?.toString('latin1'),
  readBytes: contents,
};

function contents(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Sections and relocations; symbols show in these. */
function described(object: ObjectFile): string {
  return describeObject(object).filter((line) => !line.startsWith('symbol ')).join('\n');
}

type Outcome = 'same' | 'both refuse' | 'only GNU as accepts' | 'only we accept' | 'differs';

/** Has GNU as assemble all of a folder: what it refuses leaves no object. One shell starts it faster than Node would. */
function judgeAll(name: string): void {
  mkdirSync(join(output, name));
  spawnSync('sh', ['-c', 'cd "$0" && for source in *.s; do as --64 -o "$1/$source.o" "$source"; done', join(suite!.folder, name), join(output, name)], { stdio: 'ignore' });
}

function compare(name: string): Outcome {
  const path = join(suite!.folder, name);
  const theirs = contents(join(output, `${name}.o`));
  const unit = readGas(path, readFileSync(path, 'latin1'), { provider: disk, preprocess: false, includePaths: [dirname(path)] });
  const { object, problems } = assemble(unit, { provider: disk, includePaths: [dirname(path)] });
  const accepted = ![...unit.problems, ...problems].some(({ severity }) => severity === 'error');
  if (theirs === undefined) return accepted ? 'only we accept' : 'both refuse';
  if (!accepted) return 'only GNU as accepts';
  return described(object) === described(readElf(path, theirs)) ? 'same' : 'differs';
}

describe.skipIf(skip !== undefined || version !== judge)(`the tests of GNU as ${version ?? ''}`, () => {
  const counts = new Map<Outcome, number>();

  it.each(FOLDERS)('%s: as GNU as has it', { timeout: 120_000 }, (name) => {
    const wrong: string[] = [];
    judgeAll(name);
    for (const file of readdirSync(join(suite!.folder, name)).filter((entry) => entry.endsWith('.s')).sort()) {
      const key = `${name}/${file}`;
      if (Object.hasOwn(NOT_RUN, key)) continue;
      const outcome = compare(key);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      const agrees = outcome === 'same' || outcome === 'both refuse';
      if (agrees === Object.hasOwn(EXCEPTIONS, key)) wrong.push(agrees ? `${key}: is the same now: take it off the list` : `${key}: ${outcome}`);
    }
    expect(wrong).toEqual([]);
  });

  afterAll(() => { console.log([...counts].map(([outcome, count]) => `${outcome} ${String(count)}`).join(', ')); });
});
