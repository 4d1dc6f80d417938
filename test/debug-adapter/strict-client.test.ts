/**
 * Clients that hold the adapter to the letter of the protocol: what comes when, and nothing that the client did not announce.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EDITOR, SAMPLE, TestClient, THREAD } from './client.ts';

/** Everything called `name` in what the adapter sent. */
function members(client: TestClient, name: string): readonly unknown[] {
  const found: unknown[] = [];
  JSON.stringify(client.messages.filter(({ type }) => type !== 'request'), (key, value: unknown) => {
    if (key === name) found.push(value);
    return value;
  });
  return found;
}

async function stoppedAtEntry(announced: object): Promise<{ readonly client: TestClient; readonly frameId: number; readonly registers: number }> {
  const client = new TestClient();
  await client.ask('initialize', { adapterID: 'mcsafe', ...announced });
  await client.ask('launch', { program: SAMPLE, stopOnEntry: true });
  await client.ask('configurationDone');
  await client.event('stopped');
  const [frame] = (await client.ask('stackTrace', THREAD)).stackFrames as DebugProtocol.StackFrame[];
  const [scope] = (await client.ask('scopes', { frameId: frame!.id })).scopes as DebugProtocol.Scope[];
  return { client, frameId: frame!.id, registers: scope!.variablesReference };
}

describe('the order of a session', () => {
  it('begins with initialize, once; nothing is sent before its answer', async () => {
    const client = new TestClient();
    expect(await client.refusal('launch', { program: SAMPLE })).toBe('launch: the first request must be initialize');
    expect(client.events).toEqual([]);
    await client.ask('initialize', { adapterID: 'mcsafe', linesStartAt1: false });
    expect(await client.refusal('initialize', { adapterID: 'mcsafe' })).toBe('initialize: this session is initialized already');
    // And lines are counted as the first one said.
    await client.ask('launch', { program: SAMPLE, stopOnEntry: true });
    await client.ask('configurationDone');
    await client.event('stopped');
    const [frame] = (await client.ask('stackTrace', THREAD)).stackFrames as DebugProtocol.StackFrame[];
    expect(readFileSync(SAMPLE, 'utf8').split('\n')[frame!.line]).toContain('copy_mc');
  });

  it('may be sent in one breath: what builds on the launch waits for it', async () => {
    const client = new TestClient();
    const answers = [
      client.send('initialize', EDITOR), client.send('launch', { program: SAMPLE }),
      client.send('setFunctionBreakpoints', { breakpoints: [{ name: 'copy_mc' }] }), client.send('configurationDone'), client.send('threads'),
    ];
    expect((await Promise.all(answers)).map(({ command, success }) => `${command} ${String(success)}`)).toEqual(['initialize true', 'launch true', 'setFunctionBreakpoints true', 'configurationDone true', 'threads true']);
    expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint' });
    expect(client.messages.flatMap((message) => (message.type === 'event' ? [(message as DebugProtocol.Event).event] : [])).filter((name) => name !== 'output')).toEqual(['initialized', 'stopped']);
  });

  it('survives a client that configures and ends in one breath', async () => {
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    await client.ask('launch', { program: SAMPLE });
    const answers = await Promise.all([client.send('configurationDone'), client.send('terminate'), client.send('disconnect')]);
    expect(answers.map(({ success }) => success)).toEqual([true, true, true]);
  });

  it('ends with one terminated, however often it is ended', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE, noDebug: true });
    await client.event('terminated');
    await client.ask('terminate');
    await client.ask('terminate');
    expect(await client.refusal('launch', { program: SAMPLE })).toBe('launch: the program was terminated; a new session can launch it again');
    expect(await client.refusal('continue', THREAD)).toBe('continue: the program was terminated; a new session can launch it again');
    await client.ask('disconnect', { terminateDebuggee: false, suspendDebuggee: true });
    expect(client.events.filter(({ event }) => event === 'terminated')).toHaveLength(1);
  });

  it('is over for a client that leaves while its program is being loaded', async () => {
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    void client.send('launch', { program: SAMPLE });
    await client.ask('disconnect');
    const { length } = client.messages;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(client.messages).toHaveLength(length);
  });
});

describe('what a client did not announce', () => {
  it('is not sent: types, memory references, events, pages', async () => {
    const { client, registers } = await stoppedAtEntry({});
    const { variables } = await client.ask('variables', { variablesReference: registers, start: 1, count: 2 });
    expect((variables as unknown[]).length).toBeGreaterThan(2);
    for (const expression of ['src', 'byte [src]']) await client.ask('evaluate', { expression, context: 'watch' });
    await client.ask('setVariable', { variablesReference: registers, name: 'r9', value: 'src' });
    await client.ask('setExpression', { expression: 'r10', value: 'src' });
    await client.ask('writeMemory', { memoryReference: (await client.evaluate('src')).split(' ')[0], data: 'AQI=' });
    expect(members(client, 'memoryReference')).toEqual([]);
    expect(members(client, 'type').filter((type) => type !== 'response' && type !== 'event')).toEqual([]);
    expect(client.events.map(({ event }) => event).filter((event) => event === 'memory' || event === 'invalidated')).toEqual([]);
  });

  it('is sent to one that did', async () => {
    const { client, registers } = await stoppedAtEntry(EDITOR);
    expect((await client.ask('variables', { variablesReference: registers, start: 1, count: 2 })).variables).toMatchObject([{ name: 'rcx', memoryReference: expect.stringMatching(/^0x/) as string }, { name: 'rdx' }]);
    expect(await client.ask('setVariable', { variablesReference: registers, name: 'r9', value: 'src' })).toMatchObject({ memoryReference: expect.stringMatching(/^0x/) as string });
  });
});

it('files are URIs everywhere for a client that names them so', async () => {
  const uri = pathToFileURL(SAMPLE).href;
  const client = new TestClient();
  await client.ask('initialize', { ...EDITOR, pathFormat: 'uri', linesStartAt1: false });
  await client.ask('setBreakpoints', { source: { path: uri }, breakpoints: [{ line: 24 }] });
  await client.ask('launch', { program: SAMPLE });
  expect((await client.ask('setBreakpoints', { source: { path: uri }, breakpoints: [{ line: 24 }] })).breakpoints).toMatchObject([{ verified: true, line: 24, source: { path: uri } }]);
  await client.ask('configurationDone');
  await client.event('stopped');
  await client.ask('stackTrace', THREAD);
  await client.ask('setBreakpoints', { source: { path: uri }, breakpoints: [] });
  await client.go('continue');
  await client.go('continue');
  const told = client.events.filter(({ event, body }) => event === 'output' && (body as DebugProtocol.OutputEvent['body']).source !== undefined).map(({ body }) => body as DebugProtocol.OutputEvent['body']);
  const fixup = client.events.find(({ event }) => event === 'mcsafe/fixup')!.body as { readonly from: { readonly line: number } };
  // Our own event is not the protocol's, and counts from 1 always.
  expect(told.at(-1)).toMatchObject({ source: { path: uri }, line: fixup.from.line - 1 });
  const named = client.messages.filter(({ type }) => type !== 'request').flatMap((message) => [...JSON.stringify(message).matchAll(/"source":\{[^}]*"path":"([^"]*)"/g)].map((match) => match[1]));
  expect(new Set(named)).toEqual(new Set([uri]));
});

describe('what a request names must be there', () => {
  it('or it is refused: threads, frames', async () => {
    const { client, frameId } = await stoppedAtEntry(EDITOR);
    expect(await client.refusal('evaluate', { expression: 'rdx', frameId: frameId + 1000 })).toMatch(/^there is no stack frame/);
    expect(await client.refusal('setExpression', { expression: 'rdx', value: '1', frameId: frameId + 1000 })).toMatch(/^there is no stack frame/);
    expect(await client.refusal('dataBreakpointInfo', { name: 'src', frameId: frameId + 1000 })).toMatch(/^there is no stack frame/);
    await client.ask('continue', THREAD);
    await client.event('stopped');
    expect(await client.refusal('exceptionInfo', { threadId: 2 })).toMatch(/^there is no thread 2/);
    // Frames last until the program runs on.
    expect(await client.refusal('evaluate', { expression: 'rdx', frameId })).toMatch(/^there is no stack frame/);
  });

  it('or it is empty: rows without names', async () => {
    const { client, registers } = await stoppedAtEntry(EDITOR);
    expect(await client.ask('variables', { variablesReference: registers, filter: 'indexed' })).toEqual({ variables: [] });
    expect(await client.ask('variables', { variablesReference: registers, filter: 'named' })).toMatchObject({ variables: { length: (await client.ask('variables', { variablesReference: registers })).variables.length as number } });
  });
});

it('a completion says what it replaces, so that its prefix does not stand twice', async () => {
  for (const [base, announced] of [[1, {}], [0, { linesStartAt1: false, columnsStartAt1: false }]] as const) {
    const { client } = await stoppedAtEntry(announced);
    for (const [text, at, wanted] of [['rd', 2, 'rdx'], ['1 + rd * 2', 6, '1 + rdx * 2'], ['', 0, 'rdx']] as const) {
      const targets = (await client.ask('completions', { text, column: at + base })).targets as DebugProtocol.CompletionItem[];
      const { label, start = at + base, length = 0 } = targets.find((item) => item.label === 'rdx')!;
      expect(text.slice(0, start - base) + label + text.slice(start - base + length)).toBe(wanted);
    }
  }
});
