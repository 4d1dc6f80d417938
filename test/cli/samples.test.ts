import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runToEnd } from '../../cli/commands/run.ts';
import { nodeHost } from '../../host/node/host.ts';
import { has } from '../host/tools.ts';

const plain = (text: string): string => stripVTControlCharacters(text).replaceAll(process.cwd(), '<root>');

async function story(files: readonly string[]): Promise<string> {
  return plain((await runToEnd(files, {}, nodeHost())).report.text());
}

describe('each sample tells its story', { timeout: 60_000 }, () => {
  for (const file of ['samples/clear.S', 'samples/get_word.S', 'samples/two_tables/copy.S']) {
    it(file, async () => {
      await expect(await story([file])).toMatchFileSnapshot(`golden/samples/${basename(file, '.S')}.txt`);
    });
  }

  // With their handlers in C beside them: which instruction of the handler changed what is part of the story.
  const handlers = readdirSync('samples/handlers').filter((name) => name.endsWith('.S') && readdirSync('samples/handlers').includes(name.replace(/S$/, 'c')));
  for (const name of handlers) {
    it(`samples/handlers/${name}`, async () => {
      if (!has('gcc')) return;
      const text = await story([`samples/handlers/${name}`, `samples/handlers/${name.replace(/S$/, 'c')}`]);
      // Addresses inside compiled code depend on the compiler; lines, registers and results do not.
      const steady = text.split('\n').filter((line) => !/^ {4,}(ip|instruction|address|access|ADDR|cr2|goes to|landing pad) |^ {4}\S+ .*%|^(dst|src|ptr|buf)/.test(line))
        .map((line) => line.replaceAll(/0x[0-9a-f]{12,16}( <[^>]*>)?/g, '<address>').replaceAll(/([a-z_]+)\+0x[0-9a-f]+/g, '$1+…'));
      await expect(steady.join('\n')).toMatchFileSnapshot(`golden/samples/${basename(name, '.S')}.txt`);
    });
  }
});
