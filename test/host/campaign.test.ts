import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { routinesWithEntries, sweepableRoutines } from '../../host/campaign.ts';
import { nodeHost } from '../../host/node/host.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-campaign-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function source(name: string, body: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#include <linux/linkage.h>\n#include <asm/asm.h>\n\t.text\n${body}\n`);
  return file;
}

const LOAD = (name: string, target = '2f'): string => `SYM_FUNC_START(${name})\n1:\tmovb (%rdi), %al\n\tret\n2:\tjmp ${target}\n\t_ASM_EXTABLE(1b, 2b)\nSYM_FUNC_END(${name})`;

test('routines with entries are found with their lines; those without, and stubs that were linked for them, are not', async () => {
  // copy_mc_fragile_handle_tail is called, and has a stub with entries of its own.
  const file = source('three.S', `${LOAD('first', 'copy_mc_fragile_handle_tail')}\nSYM_FUNC_START(plain)\n\tret\nSYM_FUNC_END(plain)\n${LOAD('second', '1b')}`);
  expect(await sweepableRoutines(file, {}, nodeHost())).toEqual([{ name: 'first', place: { file, line: 4 } }, { name: 'second', place: { file, line: 13 } }]);
  expect(await routinesWithEntries(file, {}, nodeHost())).toEqual([`${file}:first`, `${file}:second`]);
});

test('a file that does not load has none, and a routine that is named is all that is asked for', async () => {
  expect(await sweepableRoutines(source('broken.S', 'garbage('), {}, nodeHost())).toEqual([]);
  expect(await routinesWithEntries(`${source('named.S', LOAD('first', '1b'))}:first`, {}, nodeHost())).toEqual([]);
});
