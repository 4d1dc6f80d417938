import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runToEnd } from '../../cli/commands/run.ts';
import type { RunOptions } from '../../cli/launch-options.ts';
import { nodeHost } from '../../host/node/host.ts';
import { has } from '../host/tools.ts';

const plain = (text: string): string => stripVTControlCharacters(text).replaceAll(process.cwd(), '<root>');

async function story(files: readonly string[], options: RunOptions = {}): Promise<string> {
  return plain((await runToEnd(files, options, nodeHost())).report.text());
}

describe('each sample tells its story', { timeout: 60_000 }, () => {
  for (const file of ['samples/clear.S', 'samples/get_word.S', 'samples/two_tables/copy.S']) {
    it(file, async () => {
      await expect(await story([file])).toMatchFileSnapshot(`golden/samples/${basename(file, '.S')}.txt`);
    });
  }

  // C is part of these: which instruction of a handler changed what is told by its line.
  const inC = [...new Set(readdirSync('samples/handlers').map((name) => name.replace(/\.[Sc]$/, '')))].map((name) => ({ name, entry: undefined as string | undefined }));
  for (const { name, entry } of [...inC, { name: 'entry', entry: 'return_to' }]) {
    it(`samples/handlers/${name}${entry === undefined ? '' : `, ${entry}`}`, async () => {
      if (!has('gcc')) return;
      const files = [`samples/handlers/${name}.S`, `samples/handlers/${name}.c`].filter((file) => existsSync(file));
      const text = await story(files, entry === undefined ? {} : { entry });
      // Addresses inside compiled code depend on the compiler; lines, registers and results do not.
      const steady = text.split('\n').filter((line) => !/^ {4,}(ip|instruction|address|access|ADDR|cr2|goes to|landing pad) |^ {4}\S+ .*%|^(dst|src|ptr|buf)/.test(line))
        .map((line) => line.replaceAll(/0x[0-9a-f]{12,16}( <[^>]*>)?/g, '<address>').replaceAll(/([a-z_]+)\+0x[0-9a-f]+/g, '$1+…'));
      await expect(steady.join('\n')).toMatchFileSnapshot(`golden/samples/${entry ?? name}.txt`);
    });
  }
});
