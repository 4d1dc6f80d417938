import { beforeEach, describe, expect, it } from 'vitest';
import { SAMPLE, TestClient, THREAD } from './client.ts';

describe('a data breakpoint', () => {
  let client: TestClient;
  beforeEach(async () => {
    client = new TestClient();
    await client.start({ program: SAMPLE, stopOnEntry: true }, ['fixup']);
    await client.event('stopped');
  });

  const set = async (name: string, options: object = {}): Promise<string> => {
    const { dataId, description } = await client.ask('dataBreakpointInfo', { name });
    const { breakpoints } = await client.ask('setDataBreakpoints', { breakpoints: [{ dataId, ...options }] });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    return description as string;
  };

  it('stops behind the instruction that wrote there, and says which it was', async () => {
    expect(await set('dword [dst+8]')).toBe('4 bytes at dst+0x8');
    expect(await client.go('continue')).toMatchObject({
      reason: 'data breakpoint', text: expect.stringMatching(/^8 bytes at dst\+0x8 written by mov %r8,\(%rdi\) at copy_mc\+0x/), hitBreakpointIds: [expect.any(Number)],
    });
    expect(await client.evaluate('qword [dst+8] == qword [src+8]')).toBe('0x1');
    expect(await client.go('continue')).toMatchObject({ description: 'Fixup executed' });
  });

  it('stops behind reads if it is to, on a condition, from the given time on', async () => {
    await set('src+16', { accessType: 'read' });
    expect((await client.go('continue')).text).toMatch(/^8 bytes at src\+0x10 read by /);
    await client.ask('setDataBreakpoints', { breakpoints: [{ dataId: ((await client.ask('dataBreakpointInfo', { name: 'dst', bytes: 64 })).dataId as string), condition: 'rdx == 208' }] });
    expect((await client.go('continue')).text).toMatch(/^8 bytes at dst\+0x30 /);
    await client.ask('setDataBreakpoints', { breakpoints: [] });
    expect((await client.go('continue')).description).toBe('Fixup executed');
  });

  it('is reached backwards: who wrote this?', async () => {
    expect((await client.go('continue')).description).toBe('Fixup executed');
    await set('byte [dst+33]');
    const stop = await client.go('reverseContinue');
    expect(stop).toMatchObject({ reason: 'data breakpoint', text: expect.stringMatching(/^8 bytes at dst\+0x20 written by mov %r8,\(%rdi\)/) });
    expect(await client.evaluate('byte [dst+33] == byte [src+33]')).toBe('0x1');
    expect(await client.evaluate('byte [dst+40]')).toBe('0xcc (-52)');
    expect((await client.go('reverseContinue')).reason).toBe('entry');
  });

  it('is offered for memory, for what registers point at, and for addresses', async () => {
    const frame = (await client.ask('stackTrace', THREAD)).stackFrames[0].id as number;
    const scopes = (await client.ask('scopes', { frameId: frame })).scopes as { readonly name: string; readonly variablesReference: number }[];
    const info = (scope: string, name: string) => client.ask('dataBreakpointInfo', { variablesReference: scopes.find((one) => one.name === scope)!.variablesReference, name });
    expect(await info('General registers', 'rsi')).toMatchObject({ description: '8 bytes at src', accessTypes: ['write', 'read', 'readWrite'] });
    expect(await info('Flags', 'CF')).toEqual({ dataId: null, description: 'CF is not in memory, and holds no address' });
    expect(await client.refusal('dataBreakpointInfo', { variablesReference: scopes[0]!.variablesReference, name: 'nobody' })).toContain('nobody');
    const address = (await client.evaluate('src')).split(' ')[0]!;
    expect(await client.ask('dataBreakpointInfo', { name: address, asAddress: true, bytes: 3 })).toMatchObject({ dataId: `${address}/3`, description: '3 bytes at src' });
    expect(await client.ask('dataBreakpointInfo', { name: '0x1234', asAddress: true })).toEqual({ dataId: null, description: 'nothing is mapped at 0x1234' });
    expect(await client.refusal('setDataBreakpoints', { breakpoints: [{ dataId: 'dst' }] })).toBe('"dst" is no data id that dataBreakpointInfo gives');
    expect(await client.refusal('dataBreakpointInfo', { name: 'dst +' })).not.toBe('');
  });
});
