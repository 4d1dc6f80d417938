import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lineWith } from './line-tags.ts';
import { SAMPLE, TestClient, THREAD } from './client.ts';

const FIXTURE = `${process.cwd()}/test/debug-adapter/fixtures/calls.S`;
const line = (tag: string): number => lineWith(readFileSync(FIXTURE, 'utf8'), tag);

async function registers(client: TestClient): Promise<unknown> {
  return { general: await client.scope('General registers'), memory: (await client.ask('readMemory', { memoryReference: (await client.evaluate('dst')).split(' ')[0], count: 256 })).data as string };
}

describe('going back', () => {
  it('undoes a step, registers and memory to the byte', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true });
    await client.event('stopped');
    const seen: unknown[] = [];
    for (let step = 0; step < 12; step++) {
      seen.push(await registers(client));
      await client.go('next');
    }
    for (let step = 11; step >= 0; step--) {
      expect(await client.go('stepBack')).toMatchObject({ reason: 'step' });
      expect(await registers(client)).toEqual(seen[step]);
    }
    expect(await client.refusal('stepBack', THREAD)).toBe('the run cannot go back any further');
    expect(await client.refusal('reverseContinue', THREAD)).toBe('the run cannot go back any further');
  });

  it('from the landing pad comes to the delivery, from there to the instruction that faulted', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE });
    await client.event('stopped');
    await client.go('next');
    expect(await client.evaluate('rax')).toBe('0x12 (18)');
    expect(await client.go('stepBack')).toMatchObject({ description: '#MC delivered' });
    expect(await client.evaluate('rax')).toBe('0x0');
    expect((await client.stack())[0]).toContain('#MC delivery');
    expect(await client.go('stepBack')).toMatchObject({ reason: 'step' });
    expect((await client.stack())[0]).toMatch(/^copy_mc\+0xc /);
    // Forwards again, it is the same run.
    expect(await client.go('continue')).toMatchObject({ description: '#MC delivered' });
    expect(await client.go('next')).toMatchObject({ description: 'Fixup executed' });
  });

  it('keeps what was changed while an exception was on its way', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE });
    await client.event('stopped');
    await client.evaluate('rdx = 5', 'repl');
    await client.evaluate('r9 = 0x77', 'repl');
    expect(await client.go('next')).toMatchObject({ description: 'Fixup executed' });
    await client.go('next');
    for (const [command, description] of [['stepBack', 'Paused on step'], ['stepBack', '#MC delivered'], ['stepBack', 'Paused on step']] as const) {
      expect(await client.evaluate('rdx')).toBe('0x5');
      expect(await client.go(command)).toMatchObject({ description });
    }
    expect(await client.evaluate('rdx')).toBe('0xc0 (192)');
    await client.go('continue');
    expect(await client.evaluate('rdx')).toBe('0x5');
    await client.go('next');
    await client.ask('continue', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ text: 'copy_mc returned rax = 18, rdx = 5' });
  });

  it('continues to the last breakpoint before, and to the start if there is none', async () => {
    const client = new TestClient();
    await client.start({ program: FIXTURE, entry: 'recursive', poison: false, stopOnEntry: true });
    await client.event('stopped');
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses') }] });
    await client.go('continue');
    await client.go('continue');
    expect(await client.evaluate('edi')).toBe('0x1');
    expect(await client.go('reverseContinue')).toMatchObject({ reason: 'breakpoint' });
    expect(await client.evaluate('edi')).toBe('0x2');
    expect(await client.go('reverseContinue')).toMatchObject({ reason: 'entry', description: 'At the start of the run' });
    expect((await client.stack())[0]).toMatch(/^recursive /);
  });

  it('finds the machine check again', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE });
    await client.event('stopped');
    await client.go('next');
    await client.go('next');
    expect(await client.go('reverseContinue')).toMatchObject({ description: 'Fixup executed' });
    expect(await client.go('reverseContinue')).toMatchObject({ description: '#MC delivered' });
    expect(await client.go('reverseContinue')).toMatchObject({ reason: 'entry' });
  });

  it('after a change goes on with the change', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true });
    await client.event('stopped');
    await client.go('next');
    await client.evaluate('rdx = 8', 'repl');
    await client.go('next');
    await client.go('stepBack');
    expect(await client.evaluate('rdx')).toBe('0x8');
    await client.ask('continue', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ text: 'copy_mc returned rax = 0, rdx = 0' });
  });

  it('goes back over a string instruction as a whole', async () => {
    const client = new TestClient();
    await client.start({ program: FIXTURE, entry: 'outer', poison: false, stopOnEntry: true });
    await client.event('stopped');
    const at = async (): Promise<number> => Number((await client.stack())[0]!.split(':').at(-1));
    while (await at() !== line('outer returns')) await client.go('next');
    await client.go('stepBack');
    expect(await at()).toBe(line('a string copy'));
    expect(await client.evaluate('rcx')).toBe('0x10 (16)');
    await client.go('stepBack');
    expect(await at()).toBe(line('uses the macro'));
    expect(await client.evaluate('rdx')).toBe('0x7');
  });

  it('goes back over a call as a whole, and into it by instructions', async () => {
    const client = new TestClient();
    await client.start({ program: FIXTURE, entry: 'outer', poison: false, stopOnEntry: true });
    await client.event('stopped');
    const at = async (): Promise<number> => Number((await client.stack())[0]!.split(':').at(-1));
    while (await at() !== line('after the call')) await client.go('next');
    expect(await client.go('stepBack')).toMatchObject({ reason: 'step' });
    expect(await at()).toBe(line('calls inner'));
    await client.go('next');
    expect(await at()).toBe(line('after the call'));
    await client.go('stepBack', { granularity: 'instruction' });
    expect((await client.stack())[0]).toMatch(/^inner\+/);
  });

  it('goes back over the outer call of a recursion, not an inner one', async () => {
    const client = new TestClient();
    await client.start({ program: FIXTURE, entry: 'recursive', poison: false, stopOnEntry: true });
    await client.event('stopped');
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses') }] });
    await client.go('continue');
    const depth = await client.evaluate('rsp');
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [] });
    await client.go('next');
    expect(await client.evaluate('edi')).toBe('0x0');
    await client.go('stepBack');
    expect(await client.evaluate('edi')).toBe('0x2');
    expect(await client.evaluate('rsp')).toBe(depth);
  });

  it('stops at a breakpoint inside the call it goes back over', async () => {
    const client = new TestClient();
    await client.start({ program: FIXTURE, entry: 'outer', poison: false, stopOnEntry: true });
    await client.event('stopped');
    const at = async (): Promise<number> => Number((await client.stack())[0]!.split(':').at(-1));
    while (await at() !== line('after the call')) await client.go('next');
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('inner starts') }] });
    expect(await client.go('stepBack')).toMatchObject({ reason: 'breakpoint' });
    expect(await at()).toBe(line('inner starts'));
  });
});
