/**
 * The fuzz test of the ELF and table readers, for the lanes that run it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing } from '../corpus/corpus.ts';
import { DESCRIPTOR, program, TABLES } from '../extable/tables.ts';
import { compile as compileIn, run, scratchFolder } from './binutils.ts';
import { readDamaged } from './fuzz-reader.ts';
import type { FuzzCounts } from './fuzz-reader.ts';
import { mutate, random } from './mutate.ts';

/** `MCSAFE_SEED=…` repeats a run. */
const SEED = Number(process.env['MCSAFE_SEED'] ?? Date.now() % 1_000_000);

function seedFiles(): Uint8Array[] {
  const folder = scratchFolder();
  // The same bytes in every run, or a seed would not repeat it.
  const compile = (folder: string, name: string, source: string, ...options: string[]): string => compileIn(folder, name, source, `-fdebug-prefix-map=${folder}=.`, `-fdebug-prefix-map=${process.cwd()}=.`, ...options);
  const ranges = `${DESCRIPTOR}\n.section __ex_range,"a"\n.long routine - ., 0, descriptor - ., 0\n.long load2 - ., 4, descriptor - ., 0\n`;
  const data = compile(folder, 'data.S', program(TABLES.data, ranges), '-Wa,-gdwarf-5');
  const handler = compile(folder, 'handler.S', program(TABLES.handler));
  const classes = compile(folder, 'class.S', program(TABLES.class, ranges));
  const c = compile(folder, 'c.c', 'extern int far(int); static int own[3] = {1}; int big; int f(int x) { return far(x) + own[x] + big; } __attribute__((weak)) int g(void) { return 2; }', '-gdwarf-4', '-O1', '-fcommon', '-fpic');
  const linked = join(folder, 'linked');
  run('ld', '-e', 'routine', '-o', linked, '-z', 'noseparate-code', data);
  const pie = join(folder, 'pie');
  run('ld', '-pie', '--unresolved-symbols=ignore-all', '-e', 'routine', '-z', 'noseparate-code', '-o', pie, c, classes);
  return [data, handler, classes, c, linked, pie].map((path) => readFileSync(path));
}

/** Defines the test that reads `mutants` damaged files; a lane of its own decides how many it has time for. */
export function fuzzElf(mutants: number): void {
  const skip = missing('fuzzing the ELF and table readers', { commands: ['gcc', 'ld'] });
  describe.skipIf(skip !== undefined)('damaged ELF files', () => {
    it(`are read within their bounds or refused by name: ${String(mutants)} mutants`, { timeout: 60_000 + mutants * 10 }, () => {
      console.log(`ELF mutants: seed ${String(SEED)} (repeat with MCSAFE_SEED=${String(SEED)})`);
      const seeds = seedFiles();
      const counts: FuzzCounts = { read: 0, refused: 0, linked: 0, entries: 0 };
      for (const seed of seeds) readDamaged(seed, counts);
      expect(counts.read).toBe(seeds.length);
      const next = random(SEED);
      for (let index = 0; index < mutants; index++) {
        const mutant = mutate(seeds[index % seeds.length]!, next);
        try {
          readDamaged(mutant, counts);
        } catch (error) {
          throw new Error(`mutant ${String(index)} of seed ${String(SEED)}: ${String(error)}`, { cause: error });
        }
      }
      // Damage that is always refused, or never, tests nothing.
      expect(counts.read).toBeGreaterThan(mutants / 10);
      expect(counts.refused).toBeGreaterThan(mutants / 10);
      expect(counts.entries).toBeGreaterThan(mutants / 10);
    });
  });
}
