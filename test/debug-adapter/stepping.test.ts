import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lineWith } from './line-tags.ts';
import { TestClient, THREAD } from './client.ts';

const FIXTURE = `${process.cwd()}/test/debug-adapter/fixtures/calls.S`;
const line = (tag: string): number => lineWith(readFileSync(FIXTURE, 'utf8'), tag);

async function started(config: object = {}): Promise<TestClient> {
  const client = new TestClient();
  await client.start({ program: FIXTURE, entry: 'outer', poison: false, stopOnEntry: true, ...config });
  await client.event('stopped');
  return client;
}

async function at(client: TestClient): Promise<number> {
  return Number((await client.stack())[0]!.split(':').at(-1));
}

describe('stepping', () => {
  it('goes line by line, over calls with next and into them with stepIn', async () => {
    const client = await started();
    expect(await at(client)).toBe(line('outer starts'));
    await client.go('next');
    expect(await at(client)).toBe(line('calls inner'));
    await client.go('next');
    expect(await at(client)).toBe(line('after the call'));
    expect(await client.evaluate('rax')).toBe('0x7');
    const again = await started();
    await again.go('next');
    await again.go('stepIn');
    expect(await at(again)).toBe(line('inner starts'));
    expect((await again.stack()).map((frame) => frame.split(' ')[0])).toEqual(['inner', expect.stringMatching(/^outer\+0x/)]);
    await again.go('stepOut');
    expect(await at(again)).toBe(line('after the call'));
  });

  it('takes a macro for one line, and its instructions one by one if asked', async () => {
    const client = await started();
    while (await at(client) !== line('uses the macro')) await client.go('next');
    await client.go('next', { granularity: 'instruction' });
    expect(await at(client)).toBe(line('uses the macro'));
    await client.go('next');
    expect(await at(client)).toBe(line('a string copy'));
  });

  it('takes a repeated string instruction for one', async () => {
    const client = await started();
    while (await at(client) !== line('a string copy')) await client.go('next');
    await client.go('next');
    expect(await at(client)).toBe(line('outer returns'));
    expect(await client.evaluate('rcx')).toBe('0x0');
    const again = await started();
    while (await at(again) !== line('a string copy')) await again.go('next');
    await again.go('stepIn', { granularity: 'instruction' });
    expect(await again.evaluate('rcx')).toBe('0xf (15)');
  });

  it('over a string copy that meets poison ends at the delivery, or at the landing pad', async () => {
    const config = { entry: 'copies', poison: 'src+8', poisonGranule: 'byte' };
    const client = await started(config);
    expect(await client.go('next')).toMatchObject({ description: '#MC delivered' });
    expect(await client.evaluate('rcx')).toBe('0x8');
    const unfiltered = new TestClient();
    await unfiltered.start({ program: FIXTURE, stopOnEntry: true, ...config }, []);
    await unfiltered.event('stopped');
    expect(await unfiltered.go('next')).toMatchObject({ reason: 'step', description: 'Fixup executed' });
    expect(await at(unfiltered)).toBe(line('landing pad'));
  });

  it('of a recursive call stops in the same frame', async () => {
    const client = await started({ entry: 'recursive' });
    while (await at(client) !== line('recurses')) await client.go('next');
    const depth = await client.evaluate('rsp');
    await client.go('next');
    expect(await at(client)).toBe(line('recursed'));
    expect(await client.evaluate('rsp')).toBe(depth);
  });

  it('out of the outermost routine runs to its end', async () => {
    const client = await started();
    await client.ask('stepOut', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned' });
  });

  it('can be paused in an endless loop, however it was entered', async () => {
    for (const command of ['continue', 'next']) {
      const client = await started({ entry: 'calls_spin', budget: 1e12 });
      if (command === 'next') await client.go('next');
      await client.ask(command, THREAD);
      expect(await client.refusal('stackTrace', THREAD)).toBe('stackTrace: the program is running; pause it first');
      await new Promise((resolve) => { setTimeout(resolve, 30); });
      const asked = performance.now();
      expect(await client.go('pause')).toMatchObject({ reason: 'pause' });
      expect(performance.now() - asked).toBeLessThan(200);
      expect(await at(client)).toBe(line('spins'));
    }
  });
});
