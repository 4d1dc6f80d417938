import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { has } from '../host/tools.ts';
import { EDITOR, TestClient } from './client.ts';
import { lineWith } from './line-tags.ts';

const FIXTURE = `${process.cwd()}/test/debug-adapter/fixtures/helper.c`;
const line = (tag: string): number => lineWith(readFileSync(FIXTURE, 'utf8'), tag);

describe('C beside assembly', () => {
  it('is stepped by its source lines', async () => {
    if (!has('gcc')) return;
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    await client.ask('launch', { program: FIXTURE, entry: 'helper', arguments: { rdi: 3 }, poison: false });
    const { breakpoints } = await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('sums') }] });
    expect(breakpoints).toMatchObject([{ verified: true, line: line('sums') }]);
    await client.ask('configurationDone');
    expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint' });
    const seen = new Set<number>();
    for (let step = 0; step < 5; step++) {
      const [frame] = await client.stack();
      seen.add(Number(frame!.split(':').at(-1)));
      if (frame!.includes('helper.c')) await client.go('next');
    }
    expect([...seen].every((one) => one >= line('doubles') && one <= line('returns'))).toBe(true);
    expect(seen).toContain(line('loops'));
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [] });
    await client.ask('continue', { threadId: 1 });
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned', text: 'helper returned rax = 6' });
  });
});
