import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { hotShapes, loopModule } from '../../machine/cpu/interpreter/module.ts';
import { copyIced, nodeBundle } from '../../scripts/bundle.mjs';
import { listing, meanings, SPACING } from './listing.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-bundle-'));
const outfile = join(folder, 'listing.cjs');
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Every two-byte beginning with a fixed tail, {@link SPACING} bytes in all: all of the one-byte and two-byte opcode maps. */
function beginnings(): Uint8Array {
  const bytes: number[] = [];
  for (let first = 0; first < 256; first++) for (const second of [0x00, 0x05, 0x44, 0xc1, 0xf7]) bytes.push(first, second, 0x11, 0x22, 0x33, 0x44, 0x90, 0x90);
  for (let second = 0; second < 256; second++) bytes.push(0x0f, second, 0xc1, 0x11, 0x22, 0x33, 0x44, 0x90);
  return Uint8Array.from(bytes);
}

describe('a bundle', () => {
  it('disassembles, assembles and decodes as the sources do, with an iced-x86 that was cut down to what is used', async () => {
    await build({ ...await nodeBundle({ production: true }), entryPoints: ['test/bundle/main.ts'], outfile, metafile: false });
    copyIced(folder);
    const bytes = beginnings();
    writeFileSync(join(folder, 'bytes'), bytes);
    const text = execFileSync(process.execPath, [outfile, join(folder, 'bytes')], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(bytes.length % SPACING).toBe(0);
    expect(text.split('\n').length).toBeGreaterThan(1000);
    expect(text).toBe(listing(bytes));
  });

  it('decodes for the emulator without the part of iced-x86 that only others need', () => {
    rmSync(join(folder, 'iced_x86_rest.wasm'));
    const bytes = beginnings();
    const text = execFileSync(process.execPath, [outfile, join(folder, 'bytes'), 'meanings'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(text).toBe(meanings(bytes).join('\n'));
  });

  it('carries the module of the interpreter that the sources write', () => {
    expect(readFileSync(outfile, 'utf8')).toContain(Buffer.from(loopModule(hotShapes())).toString('base64'));
  });
});
