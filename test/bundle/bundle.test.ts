import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { fromBase64 } from '../../machine/cpu/interpreter/prebuilt.ts';
import { copyIced, nodeBundle } from '../../scripts/bundle.mjs';
import { listing } from './listing.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-bundle-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Every two-byte beginning with a fixed tail: all of the one-byte and two-byte opcode maps. */
function beginnings(): Uint8Array {
  const bytes: number[] = [];
  for (let first = 0; first < 256; first++) for (const second of [0x00, 0x05, 0x44, 0xc1, 0xf7]) bytes.push(first, second, 0x11, 0x22, 0x33, 0x44, 0x90, 0x90);
  for (let second = 0; second < 256; second++) bytes.push(0x0f, second, 0xc1, 0x11, 0x22, 0x33, 0x44, 0x90);
  return Uint8Array.from(bytes);
}

describe('a bundle', () => {
  it('disassembles and assembles as the sources do, with an iced-x86 that was cut down to what is used', async () => {
    const outfile = join(folder, 'listing.cjs');
    await build({ ...await nodeBundle({ production: true }), entryPoints: ['test/bundle/main.ts'], outfile, metafile: false });
    copyIced(folder);
    const bytes = beginnings();
    writeFileSync(join(folder, 'bytes'), bytes);
    const text = execFileSync(process.execPath, [outfile, join(folder, 'bytes')], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(text.split('\n').length).toBeGreaterThan(1000);
    expect(text).toBe(listing(bytes));
  });

  it('carries the interpreter in base64', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length) & 0xff);
      expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
    }
  });
});
