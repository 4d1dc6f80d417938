/**
 * The sources that GNU as is tested with, through it and through us: every section, with its bytes, flags and relocations in their order, is
 * the same, or both refuse the file. What differs is listed in gas-testsuite.exceptions.ts, each with its reason.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
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
const output = join(mkdtempSync(join(tmpdir(), 'mcsafe-suite-')), 'as.o');

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

function compare(path: string): Outcome {
  const { status } = spawnSync('as', ['--64', '-o', output, path], { cwd: dirname(path), stdio: 'ignore' });
  const unit = readGas(path, readFileSync(path, 'latin1'), { provider: disk, preprocess: false, includePaths: [dirname(path)] });
  const { object, problems } = assemble(unit, { provider: disk, includePaths: [dirname(path)] });
  const accepted = ![...unit.problems, ...problems].some(({ severity }) => severity === 'error');
  if (status !== 0) return accepted ? 'only we accept' : 'both refuse';
  if (!accepted) return 'only GNU as accepts';
  return described(object) === described(readElf(output, readFileSync(output))) ? 'same' : 'differs';
}

describe.skipIf(skip !== undefined || version !== judge)(`the tests of GNU as ${version ?? ''}`, () => {
  const counts = new Map<Outcome, number>();

  it.each(FOLDERS)('%s: as GNU as has it', { timeout: 120_000 }, (name) => {
    const wrong: string[] = [];
    for (const file of readdirSync(join(suite!.folder, name)).filter((entry) => entry.endsWith('.s')).sort()) {
      const key = `${name}/${file}`;
      if (Object.hasOwn(NOT_RUN, key)) continue;
      const outcome = compare(join(suite!.folder, key));
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      const agrees = outcome === 'same' || outcome === 'both refuse';
      if (agrees === Object.hasOwn(EXCEPTIONS, key)) wrong.push(agrees ? `${key}: is the same now: take it off the list` : `${key}: ${outcome}`);
    }
    expect(wrong).toEqual([]);
  });

  afterAll(() => { console.log([...counts].map(([outcome, count]) => `${outcome} ${String(count)}`).join(', ')); });
});
