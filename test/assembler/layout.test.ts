/**
 * Each file of `layout/` is about one thing that an assembler decides beside the encoding of instructions: where bytes go,
 * how large branches are, what is left to the linker. GNU as is the judge.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { writeElf } from '../../assembly/elf/write.ts';
import { missing } from '../corpus/corpus.ts';
import { describeObject, gas } from './objects.ts';
import { read } from './reader.ts';

const folder = fileURLToPath(new URL('layout/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.s'));
const skip = missing('layout against GNU as', { commands: ['as'] });

describe('an object as GNU as writes it', () => {
  it.skipIf(skip !== undefined).each(files)('%s: sections, relocations and symbols are equal', (name) => {
    const source = readFileSync(join(folder, name), 'utf8');
    const theirs = gas(source);
    expect(theirs.errors).toEqual(new Map());
    const { object, problems } = assemble(read(source));
    expect(problems.filter((problem) => problem.severity === 'error')).toEqual([]);
    expect(describeObject(object)).toEqual(describeObject(theirs.object!));
  });

  it.each(files)('%s: comes back from an ELF file as it went in', (name) => {
    const { object } = assemble(read(readFileSync(join(folder, name), 'utf8')));
    expect(describeObject(readElf(name, writeElf(object)))).toEqual(describeObject(object));
  });
});
