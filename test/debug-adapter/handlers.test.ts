import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { has } from '../host/tools.ts';
import { TestClient, THREAD } from './client.ts';

const FOLDER = `${process.cwd()}/samples/handlers`;
const C_SOURCE = `${FOLDER}/return_directly.c`;
const programs = [`${FOLDER}/return_directly.S`, C_SOURCE];
const lineOf = (text: string): number => readFileSync(C_SOURCE, 'utf8').split('\n').findIndex((line) => line.includes(text)) + 1;

async function delivered(): Promise<TestClient> {
  const client = new TestClient();
  await client.start({ program: programs });
  expect(await client.event('stopped')).toMatchObject({ description: '#MC delivered' });
  expect(await client.scope('Exception entry')).toMatchObject({ type: 'handler return_directly' });
  return client;
}

describe('a handler that is a C function', () => {
  it('is run over by next, and its changes are told by the line that made each', async () => {
    if (!has('gcc')) return;
    const client = await delivered();
    expect(await client.go('next')).toMatchObject({ reason: 'step', description: 'Fixup executed' });
    const changed = await client.scope('Changed by fixup');
    expect(changed['rax']).toContain(`handler at return_directly.c:${String(lineOf('regs->ax ='))}`);
    await client.ask('continue', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned', text: 'sum_words returned rax = -14' });
  });

  it('is entered by stepIn, above the exception and the code that was interrupted', async () => {
    if (!has('gcc')) return;
    const client = await delivered();
    await client.go('stepIn');
    const stack = await client.stack();
    expect(stack.map((frame) => frame.split(/[ +:]/)[0])).toEqual(['return_directly', '#MC', 'sum_words']);
    expect(stack[0]).toContain('return_directly.c:');
    for (let step = 0; step < 20 && !(await client.stack())[0]!.endsWith(`:${String(lineOf('regs->ax ='))}`); step++) await client.go('next');
    expect((await client.stack())[0]).toMatch(/^return_directly\+/);
    expect(await client.go('stepOut')).toMatchObject({ description: 'Fixup executed' });
  });

  it('leaves its severity row counted', async () => {
    if (!has('gcc')) return;
    const client = await delivered();
    expect(await client.scope('Graded', 0)).toMatchObject({ 'hits of this row': '1 in this run' });
    const rows = (await client.evaluate('severity', 'repl')).split('\n');
    expect(rows.find((row) => row.startsWith('row 17 '))).toBe('row 17 AR: 1 hit (Action required: data load in error recoverable area of kernel)');
    expect(rows.find((row) => row.startsWith('row 16 '))).toMatch(/^row 16 KEEP: 0 hits, passed over 1 time /);
  });

  it('stops at breakpoints in its source', async () => {
    if (!has('gcc')) return;
    const client = await delivered();
    await client.ask('setBreakpoints', { source: { path: C_SOURCE }, breakpoints: [{ line: lineOf('regs->ax =') }] });
    expect(await client.go('continue')).toMatchObject({ reason: 'breakpoint' });
    expect(await client.go('continue')).toMatchObject({ description: 'Fixup executed' });
  });
});
