/**
 * The same as test/language-server/kept-findings.test.ts with more edits, over the samples, the kernel's sources with entries where they are
 * there, and generated ones.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../gas/rereading.ts';
import { checkEditedFindings } from '../language-server/edited.ts';
import { manyRoutines } from '../language-server/many-routines.ts';

const HEAD = '#include <linux/linkage.h>\n#include <asm/asm.h>\n#include <asm/smap.h>\n#include <asm/alternative.h>\n';
const SAMPLES = ['samples', 'samples/faulty', 'samples/handlers'].flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.S')).map((name) => join(folder, name)));
const KERNEL = ['6.1', '6.12'].flatMap((generation) => ['lib/copy_user_64.S', 'lib/copy_mc_64.S', 'lib/getuser.S', 'lib/putuser.S', 'lib/copy_user_uncached_64.S', 'lib/csum-copy_64.S', 'lib/clear_page_64.S']
  .map((name) => join('.cache', 'corpus', generation, 'source', 'arch', 'x86', name)));

describe('findings kept over edits are what would be found anew', () => {
  it.each(SAMPLES)('%s', (path) => {
    for (let seed = 1; seed <= 3; seed++) checkEditedFindings(path, readFileSync(path, 'utf8'), random(seed), 40);
  });

  it.each(KERNEL)('%s', (path) => {
    if (!existsSync(path)) {
      console.log(`skipped: ${path} is not there (node test/corpus/fetch.mjs)`);
      return;
    }
    for (let seed = 1; seed <= 2; seed++) checkEditedFindings(path, readFileSync(path, 'utf8'), random(seed), 30);
  });

  it('generated routines', () => {
    let compared = 0;
    for (let seed = 1; seed <= 12; seed++) compared += checkEditedFindings('/work/edited.S', HEAD + manyRoutines(4 + 3 * seed), random(seed), 60);
    expect(compared).toBeGreaterThan(5000);
  });

  it('generated routines without their entries, where such files are checked', () => {
    const text = HEAD + manyRoutines(10).replace(/^\t_ASM_EXTABLE.*\n/gm, '');
    for (let seed = 1; seed <= 3; seed++) checkEditedFindings('/work/edited.S', text, random(seed), 50, { checksWithoutEntries: true });
  });
});
