import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { lineWith } from './line-tags.ts';
import { EDITOR, SAMPLE, TestClient, THREAD } from './client.ts';

const FIXTURE = `${process.cwd()}/test/debug-adapter/fixtures/calls.S`;
const line = (tag: string): number => lineWith(readFileSync(FIXTURE, 'utf8'), tag);

describe('the state of a stopped program', () => {
  let client: TestClient;
  beforeEach(async () => {
    client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true });
    await client.event('stopped');
  });

  it('is registers and flags, with the names addresses are known by', async () => {
    const registers = await client.scope('General registers');
    expect(Object.keys(registers)).toEqual(['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags']);
    expect(registers).toMatchObject({ rsi: expect.stringMatching(/^0x[0-9a-f]+ <src>$/), rip: expect.stringMatching(/<copy_mc>$/), rflags: '0x203 (CF IF)' });
    expect(await client.scope('Flags')).toMatchObject({ CF: '1', IF: '1' });
  });

  it('marks flags that the manual leaves undefined, with the instruction that did', async () => {
    // endbr64, then xorl %eax, %eax
    await client.go('stepIn');
    await client.go('stepIn');
    const marked = await client.scope('Flags');
    expect(marked).toMatchObject({ CF: '0', AF: expect.stringMatching(/^[01] undefined after [a-z]+ %/) });
    const scopes = (await client.ask('scopes', { frameId: (await client.ask('stackTrace', THREAD)).stackFrames[0].id as number })).scopes as { name: string; variablesReference: number }[];
    const { variablesReference } = scopes.find(({ name }) => name === 'Flags')!;
    expect(await client.ask('setVariable', { variablesReference, name: 'AF', value: `1${marked.AF!.slice(1)}` })).toMatchObject({ value: '1' });
    expect(await client.scope('Flags')).toMatchObject({ AF: '1' });
  });

  it('can be changed by name, and the routine sees it', async () => {
    const frame = (await client.ask('stackTrace', THREAD)).stackFrames[0].id as number;
    const reference = (await client.ask('scopes', { frameId: frame })).scopes[0].variablesReference as number;
    expect(await client.ask('setVariable', { variablesReference: reference, name: 'rdx', value: '8 * 2' })).toMatchObject({ value: '0x10' });
    expect(await client.refusal('setVariable', { variablesReference: reference, name: 'rdx', value: '8 *' })).toBe('the expression ends too early');
    expect(await client.refusal('setVariable', { variablesReference: reference, name: 'nobody', value: '8' })).toBe('there is no variable "nobody" here');
    await client.ask('continue', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ text: 'copy_mc returned rax = 0, rdx = 0' });
  });

  it('is read and written as memory; reading poison consumes nothing', async () => {
    const src = (await client.evaluate('src')).split(' ')[0]!;
    const first = await client.ask('readMemory', { memoryReference: src, offset: 64, count: 4 });
    expect([...Buffer.from(first.data as string, 'base64')]).toEqual([65, 66, 67, 68]);
    expect(await client.evaluate('byte [src+64]')).toBe('0x41 (65)');
    // The page holds 4096 bytes; behind it lies the guard.
    const end = await client.ask('readMemory', { memoryReference: src, offset: 4094, count: 10 });
    expect({ bytes: Buffer.from(end.data as string, 'base64').length, unreadable: end.unreadableBytes as number }).toEqual({ bytes: 2, unreadable: 8 });
    expect(await client.ask('readMemory', { memoryReference: '0', count: 16 })).toEqual({ address: '0x0', data: '', unreadableBytes: 16 });
    expect(await client.ask('writeMemory', { memoryReference: src, data: Buffer.from([9, 8]).toString('base64') })).toEqual({ bytesWritten: 2 });
    expect(await client.evaluate('word [src]')).toBe('0x809 (2057)');
    expect(await client.refusal('writeMemory', { memoryReference: src, offset: 4095, data: 'AAAA' })).toMatch(/^nothing is mapped at 0x/);
    expect(await client.refusal('readMemory', { memoryReference: src, count: 1e12 })).toContain('more than the');
    expect(await client.refusal('readMemory', { memoryReference: 'here', count: 1 })).toContain('"here" is no address');
  });

  it('is poisoned from the console', async () => {
    expect(await client.evaluate('unpoison', 'repl')).toBe('no memory is poisoned now');
    expect(await client.evaluate('poison 128', 'repl')).toMatch(/^poisoned src\+0x80, 64 bytes/);
    expect(await client.evaluate('help', 'repl')).toContain('poison OFF [LEN]');
    await expect(client.evaluate('poison', 'repl')).rejects.toThrow('usage: poison OFF [LEN]');
    await expect(client.evaluate('poison 0x1234567', 'repl')).rejects.toThrow('nothing is mapped at 0x1234567');
    expect(await client.go('continue')).toMatchObject({ text: expect.stringContaining('src+0x80') });
  });

  it('is shown under the mouse as the source writes it', async () => {
    expect(await client.evaluate('%rdx', 'hover')).toBe('0x100 (256)');
    expect(await client.evaluate('(%rsi)', 'hover')).toBe('0x807060504030201');
    expect(await client.evaluate('.Lfaulted', 'hover')).toMatch(/^0x[0-9a-f]+ <copy_mc\+0x[0-9a-f]+>$/);
    await expect(client.evaluate('rax = 1', 'hover')).rejects.toThrow('not possible here');
  });

  it('is disassembled, also backwards, with the source beside it', async () => {
    const rip = (await client.evaluate('rip')).split(' ')[0]!;
    const { instructions } = await client.ask('disassemble', { memoryReference: rip, instructionOffset: -2, instructionCount: 5, resolveSymbols: true });
    expect(instructions).toHaveLength(5);
    expect(instructions[2]).toMatchObject({ address: rip, symbol: 'copy_mc', location: { name: 'copy_mc.S' } });
    const back = await client.ask('disassemble', { memoryReference: instructions[4].address, instructionOffset: -2, instructionCount: 2 });
    expect(back.instructions.map(({ address }: { address: string }) => address)).toEqual([rip, instructions[3].address]);
  });

  it('is forgotten when the program runs on', async () => {
    const frame = (await client.ask('stackTrace', THREAD)).stackFrames[0].id as number;
    const reference = (await client.ask('scopes', { frameId: frame })).scopes[0].variablesReference as number;
    await client.go('next');
    expect(await client.refusal('scopes', { frameId: frame })).toContain('no stack frame');
    expect(await client.refusal('variables', { variablesReference: reference })).toContain('no variables');
  });

  it('starts over with the sources read again', async () => {
    await client.go('continue');
    await client.ask('restart');
    expect(await client.event('stopped')).toMatchObject({ reason: 'entry' });
    expect(await client.evaluate('rdx')).toBe('0x100 (256)');
  });
});

describe('breakpoints', () => {
  async function launched(): Promise<TestClient> {
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    await client.ask('launch', { program: FIXTURE, entry: 'recursive', poison: false });
    return client;
  }

  it('on a line without code move to the next with some', async () => {
    const client = await launched();
    const { breakpoints } = await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: 1 }, { line: line('recurses') }, { line: 100_000 }] });
    expect(breakpoints).toMatchObject([
      { verified: true }, { verified: true, line: line('recurses') }, { verified: false, message: expect.stringContaining('no code') as string },
    ]);
  });

  it('stop where they are, as often as they are reached', async () => {
    const client = await launched();
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses') }] });
    await client.ask('configurationDone');
    expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint', hitBreakpointIds: [1] });
    expect(await client.evaluate('edi')).toBe('0x2');
    await client.go('continue');
    expect(await client.evaluate('edi')).toBe('0x1');
    await client.ask('continue', THREAD);
    await client.event('mcsafe/ended');
  });

  it('stop on the first instruction, by function name', async () => {
    const client = await launched();
    expect(await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'recursive' }, { name: 'nobody' }] })).toMatchObject({
      breakpoints: [{ verified: true }, { verified: false, message: 'the program has no symbol or label "nobody"' }],
    });
    await client.ask('configurationDone');
    expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint' });
    expect((await client.stack())[0]).toMatch(/^recursive /);
  });

  it('ask their condition and count first', async () => {
    for (const [option, value] of [['condition', 'edi == 1'], ['hitCondition', '2']] as const) {
      const client = await launched();
      await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses'), [option]: value }] });
      await client.ask('configurationDone');
      await client.event('stopped');
      expect(await client.evaluate('edi'), option).toBe('0x1');
    }
    const client = await launched();
    expect(await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses'), condition: '1 +' }] }))
      .toMatchObject({ breakpoints: [{ verified: false, message: 'condition: the expression ends too early' }] });
  });

  it('log instead of stopping', async () => {
    const client = await launched();
    await client.ask('setBreakpoints', { source: { path: FIXTURE }, breakpoints: [{ line: line('recurses'), logMessage: 'edi is {edi}, and {nobody}' }] });
    await client.ask('configurationDone');
    await client.event('mcsafe/ended');
    const logged = client.events.map(({ body }) => (body as { output?: string } | undefined)?.output ?? '').filter((text) => text.startsWith('edi'));
    expect(logged).toEqual([2, 1].map((edi) => `edi is 0x${String(edi)}, and {nobody: "nobody" is no register, flag, buffer or symbol}\n`));
  });

  it('can be set on instructions', async () => {
    const client = await launched();
    const stopped = (await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: '.Ldone' }] })).breakpoints[0] as { instructionReference: string };
    await client.ask('setFunctionBreakpoints', { breakpoints: [] });
    await client.ask('setInstructionBreakpoints', { breakpoints: [{ instructionReference: stopped.instructionReference }] });
    await client.ask('configurationDone');
    expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint' });
    expect((await client.stack())[0]).toMatch(/^recursive\+0x/);
  });
});

describe('exceptions', () => {
  it('stop as their filters say', async () => {
    const reasons = async (filters: readonly string[], config: object = {}): Promise<readonly string[]> => {
      const client = new TestClient();
      await client.start({ program: SAMPLE, ...config }, filters);
      const seen: string[] = [];
      while (seen.at(-1) !== 'terminated' && seen.length < 10) {
        const { event, body } = await client.eventOf('stopped', 'terminated');
        seen.push(event === 'stopped' ? (body as { description: string }).description : event);
        if (event === 'stopped') await client.ask('continue', THREAD);
      }
      return seen;
    };
    expect(await reasons([])).toEqual(['terminated']);
    expect(await reasons(['fixup'])).toEqual(['Fixup executed', 'terminated']);
    expect(await reasons(['machineCheck'])).toEqual(['#MC delivered', 'terminated']);
    expect(await reasons(['machineCheck', 'fixup'])).toEqual(['#MC delivered', 'Fixup executed', 'terminated']);
    const fault = { poison: false, buffers: { dst: { access: 'r' } } };
    expect(await reasons(['machineCheck'], fault)).toEqual(['terminated']);
    expect(await reasons(['pageFault'], fault)).toEqual(['#PF delivered', 'terminated']);
    // A store has no entry that is safe under a machine check; a load from nowhere has none for #GP.
    const unhandled = { poison: false, entry: 'outer', program: FIXTURE, arguments: { rsi: '0x5000' } };
    expect(await reasons(['unhandled'], unhandled)).toEqual(['Unhandled exception', 'terminated']);
    expect(await reasons([], unhandled)).toEqual(['terminated']);
  });
});
