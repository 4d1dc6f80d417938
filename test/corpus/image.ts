/**
 * A kernel library routine as a linked image with stubs for what it calls, encoded by gcc with the real headers.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Image } from '../../assembly/elf/image.ts';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import { readElf } from '../../assembly/elf/read.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { stubSource } from '../../assembly/linux-compat/stubs.ts';
import { standInFlags, writeStandIns } from '../linux-compat/standins.ts';
import type { Corpus } from './corpus.ts';
import { gccObject } from './objects.ts';

const STUBS = fileURLToPath(new URL('../../.cache/corpus-objects/stubs/', import.meta.url));
const standIns = new Map<string, string>();

/** gcc's object of the stub for `name`; undefined if there is none. */
function stubObject(name: string, generation: string): ObjectFile | undefined {
  const text = stubSource(name, generation);
  if (text === undefined) return undefined;
  mkdirSync(STUBS, { recursive: true });
  const stem = join(STUBS, `${name}-${createHash('sha256').update(generation + text).digest('hex').slice(0, 12)}`);
  if (!existsSync(`${stem}.o`)) {
    const folder = standIns.get(generation) ?? writeStandIns(generation);
    standIns.set(generation, folder);
    writeFileSync(`${stem}.S`, text);
    execFileSync('gcc', [...standInFlags(generation, folder), '-c', '-o', `${stem}.${String(process.pid)}.o`, `${stem}.S`], { stdio: 'pipe' });
    renameSync(`${stem}.${String(process.pid)}.o`, `${stem}.o`);
  }
  return readElf(`${name}.S`, readFileSync(`${stem}.o`));
}

/** Links `object` with the stubs it needs; throws if anything is wrong with it. */
export function linkWithStubs(object: ObjectFile, generation: string): Image {
  const wanted = object.symbols.filter(({ section, name }) => section === 'undefined' && name !== '').map(({ name }) => name);
  const stubs = wanted.flatMap((name) => stubObject(name, generation) ?? []);
  const { image, problems } = linkObjects([object, ...stubs]);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  return image;
}

/** The image of `arch/x86/lib/<name>` of a corpus. */
export function corpusImage(from: Corpus, name: string): Image {
  return linkWithStubs(readElf(name, readFileSync(gccObject(from, name))), from.generation);
}
