import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeHost } from '../../host/node/host.ts';
import { EDITOR, SAMPLE, TestClient, THREAD } from './client.ts';

describe('launch', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'mcsafe-test-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  function source(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  async function refusal(config: object): Promise<string> {
    const client = new TestClient(nodeHost({ workingFolder: folder }));
    await client.ask('initialize', EDITOR);
    return (await client.refusal('launch', config)).replaceAll(folder, '<folder>');
  }

  it('reports everything that is wrong with the configuration, by property path', async () => {
    expect(await refusal({ type: 'mcsafe', request: 'launch', name: 'x', program: 5, n: -1, buffers: { dst: { size: 0 } }, kernelGeneration: '2.4', wrong: true })).toMatchInlineSnapshot(`
      "launch configuration, 5 problems:
        program: Invalid input
        n: Too small: expected number to be >=0
        buffers.dst.size: Too small: expected number to be >=1
        kernelGeneration: Invalid option: expected one of "6.12"|"6.1"|"5.16"|"5.10"|"4.6"|"4.4"
        Unrecognized key: "wrong""
    `);
  });

  it('names a file that is not there', async () => {
    expect(await refusal({ program: 'absent.S' })).toBe('launch configuration: program: cannot read <folder>/absent.S: no such file');
  });

  it('lists the routines there are if the entry is none of them', async () => {
    expect(await refusal({ program: SAMPLE, entry: 'copy_cm' })).toMatch(/^launch configuration: entry: no routine "copy_cm" in .*copy_mc\.S; there are: copy_mc\b/);
  });

  it('of a source that does not assemble quotes the first error', async () => {
    source('broken.S', '\t.globl f\nf:\n\tmovq %rax, %nonsense\n\tfrobnicate %eax\n\tret\n');
    const message = await refusal({ program: 'broken.S' });
    expect(message.split('\n')[0]).toMatch(/^<folder>\/broken\.S:3:\d+: error: .*nonsense/);
    expect(message).toMatch(/more errors? \(see the debug console\)/);
  });

  it('prints every problem to the console with its place', async () => {
    const program = source('broken.S', 'f:\n\tfrobnicate %eax\n');
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    await client.refusal('launch', { program });
    const output = client.events.filter(({ event }) => event === 'output').map(({ body }) => body as { category: string; line: number; source: { path: string } });
    expect(output).toContainEqual(expect.objectContaining({ category: 'stderr', line: 2, source: { path: program } }));
  });

  it('of a corrupt object names the error', async () => {
    const program = source('corrupt.o', '\x7fELF\x02\x01\x01');
    expect(await refusal({ program })).toMatch(/^<folder>\/corrupt\.o:1:1: error: .*bad-elf\]$/);
  });

  it('can be tried once a session', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true });
    expect(await client.refusal('launch', { program: SAMPLE })).toContain('launched its program already');
    const hasty = new TestClient();
    await hasty.ask('initialize', EDITOR);
    const [first, second] = await Promise.all([hasty.send('launch', { program: SAMPLE }), hasty.send('launch', { program: SAMPLE })]);
    expect([first.success, second.success]).toEqual([true, false]);
  });

  it('ends once: what is over does not run on, but can be started again', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, poison: false });
    await client.event('terminated');
    expect(await client.refusal('continue', THREAD)).toBe('continue: the run is over; restart it');
    expect(await client.evaluate('rdx')).toBe('0x0');
    await client.ask('restart');
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned' });
  });

  it('says what it assumed', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true });
    const text = client.events.filter(({ event }) => event === 'output').map(({ body }) => (body as { output: string }).output).join('');
    expect(text.replaceAll(process.cwd(), '<root>')).toMatchInlineSnapshot(`
      "copy_mc: kernel 6.12, CPU intel-server
      assumed: routine copy_mc: the first in <root>/samples/copy_mc.S with exception-table entries
      assumed: contract copy (dst=rdi, src=rsi, n=rdx): the comment directive at <root>/samples/copy_mc.S:17:11
      assumed: n = 256
      assumed: poison at src+64 (the second line of src, the default)
      dst: 256 bytes at 0xffff888000100000
      src: 256 bytes at 0xffff888000300000
      poison: 64 bytes at src+64
      stubs stand for: __x86_return_thunk
      "
    `);
  });

  it('without debugging stops nowhere', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, noDebug: true, stopOnEntry: true }, ['machineCheck', 'fixup']);
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned' });
    expect(client.events.some(({ event }) => event === 'stopped')).toBe(false);
  });

  it('takes its sources from .mcsafe.json too', async () => {
    source('config.h', '#define STEP 2\n');
    source('.mcsafe.json', '{ "preincludes": ["config.h"], "defines": { "COUNT": "7" }, "stubs": { "helper": "lea 1(%rdi), %rax; ret" } }');
    const program = source('uses.S', '\t.globl f\n\t.type f, @function\nf:\tmov $COUNT * STEP, %edi\n\tcall helper\n\tret\n\t.size f, . - f\n');
    const client = new TestClient();
    await client.start({ program, poison: false });
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned', text: 'f returned rax = 15' });
  });
});
