import type { DebugProtocol } from '@vscode/debugprotocol';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REQUESTS } from '../../debug-adapter/requests/index.ts';
import { typeErrors } from '../protocol-types.ts';
import type { SentValue } from '../protocol-types.ts';
import { EDITOR, SAMPLE, TestClient, THREAD } from './client.ts';

const IMPORTS = "import type { DebugProtocol } from '@vscode/debugprotocol';";
/** Events of our own: their bodies are ours too. */
const OWN = /^mcsafe\//;

/** The message with the type that the protocol gives it by its command or event. */
function typed(message: DebugProtocol.ProtocolMessage): SentValue {
  const named = (name: string): string => name[0]!.toUpperCase() + name.slice(1);
  if (message.type === 'event') {
    const { event } = message as DebugProtocol.Event;
    return { type: OWN.test(event) ? 'DebugProtocol.Event' : `DebugProtocol.${named(event)}Event`, value: message };
  }
  const { command, success } = message as DebugProtocol.Response;
  return { type: success ? `DebugProtocol.${named(command)}Response` : 'DebugProtocol.ErrorResponse', value: message };
}

/** Everything behind a frame: its scopes, their rows, the rows behind those. */
async function lookAt(client: TestClient, frameId: number): Promise<void> {
  const { scopes } = await client.ask('scopes', { frameId });
  let references = (scopes as DebugProtocol.Scope[]).map(({ variablesReference }) => variablesReference);
  while (references.length > 0) {
    const rows: DebugProtocol.Variable[] = [];
    for (const variablesReference of references) rows.push(...(await client.ask('variables', { variablesReference })).variables as DebugProtocol.Variable[]);
    references = rows.map(({ variablesReference }) => variablesReference).filter((reference) => reference !== 0);
  }
}

it('everything the adapter sends is of the type that the protocol gives it, for every request it handles', async () => {
  const client = new TestClient();
  const line = readFileSync(SAMPLE, 'utf8').split('\n').findIndex((text) => text.includes('.Lread_word:')) + 2;
  await client.ask('initialize', { ...EDITOR, supportsMemoryEvent: true, supportsInvalidatedEvent: true, supportsProgressReporting: true });
  await client.send('launch', { program: '/nowhere.S' });
  await client.ask('launch', { program: SAMPLE, stopOnEntry: true, trace: true });
  await client.ask('setBreakpoints', { source: { path: SAMPLE }, breakpoints: [{ line }, { line: 1 }, { line, logMessage: 'rdx is {rdx}' }] });
  await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'copy_mc' }, { name: 'nobody' }] });
  await client.ask('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0xffffffff81000010' }, { instructionReference: '0x10' }] });
  await client.ask('setExceptionBreakpoints', { filters: ['machineCheck', 'fixup', 'unhandled'], filterOptions: [{ filterId: 'pageFault', condition: 'rdx == 1' }] });
  await client.ask('breakpointLocations', { source: { path: SAMPLE }, line, endLine: line + 3 });
  await client.ask('configurationDone');
  await client.event('stopped');
  await client.ask('threads');
  const { stackFrames } = await client.ask('stackTrace', THREAD) as DebugProtocol.StackTraceResponse['body'];
  await lookAt(client, stackFrames[0]!.id);
  const registers = ((await client.ask('scopes', { frameId: stackFrames[0]!.id })).scopes as DebugProtocol.Scope[])[0]!.variablesReference;
  await client.ask('setVariable', { variablesReference: registers, name: 'r9', value: '1' });
  await client.ask('setExpression', { expression: 'r10', value: '2' });
  await client.send('setVariable', { variablesReference: registers, name: 'nobody', value: '1' });
  for (const [expression, context] of [['rdx + 1', 'watch'], ['src', 'repl'], ['help', 'repl'], ['%rsi', 'hover']]) await client.ask('evaluate', { expression, context, frameId: stackFrames[0]!.id });
  await client.send('evaluate', { expression: '1 +' });
  await client.ask('completions', { text: 'rd', column: 3 });
  const { memoryReference } = await client.ask('evaluate', { expression: 'src', context: 'watch' });
  await client.ask('readMemory', { memoryReference, count: 32 });
  await client.ask('writeMemory', { memoryReference, data: 'AQI=' });
  const { dataId } = await client.ask('dataBreakpointInfo', { name: 'byte [dst+100]' });
  await client.ask('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'readWrite' }] });
  await client.ask('dataBreakpointInfo', { variablesReference: registers, name: 'rflags' });
  await client.ask('disassemble', { memoryReference: stackFrames[0]!.instructionPointerReference, instructionOffset: -3, instructionCount: 12 });
  for (const command of ['next', 'stepIn', 'stepOut', 'stepBack', 'stepIn', 'reverseContinue']) await client.go(command);
  await client.ask('setBreakpoints', { source: { path: SAMPLE }, breakpoints: [] });
  for (const stop of ['#MC delivered', 'Fixup executed']) {
    expect((await client.go('continue')).description).toBe(stop);
    await client.ask('exceptionInfo', THREAD);
    for (const { id, source } of (await client.ask('stackTrace', THREAD)).stackFrames as DebugProtocol.StackFrame[]) {
      await lookAt(client, id);
      if (source?.sourceReference !== undefined) await client.ask('source', { source, sourceReference: source.sourceReference });
    }
  }
  await client.send('source', { sourceReference: 12345 });
  await client.send('nobodyHandlesThis');
  await client.ask('pause', THREAD);
  await client.ask('restart');
  await client.ask('terminate');
  await client.ask('disconnect');

  const asked = new Set(client.messages.filter(({ type }) => type === 'request').map((message) => (message as DebugProtocol.Request).command));
  expect(REQUESTS.map(({ command }) => command).filter((command) => !asked.has(command))).toEqual([]);
  const sent = client.messages.filter(({ type }) => type !== 'request').map(typed);
  expect(new Set(sent.map(({ type }) => type)).size).toBeGreaterThan(REQUESTS.length);
  expect(typeErrors(IMPORTS, sent)).toEqual([]);
});

it('a message that the protocol does not know is noticed', () => {
  const event = { type: 'event', seq: 1, event: 'stopped' };
  expect(typeErrors(IMPORTS, [
    { type: 'DebugProtocol.StoppedEvent', value: { ...event, body: { reason: 'step', threadId: 1 } } },
    { type: 'DebugProtocol.StoppedEvent', value: { ...event, body: { reason: 'step', threadID: 1 } } },
    { type: 'DebugProtocol.StoppedEvent', value: { ...event, body: { threadId: 1 } } },
    { type: 'DebugProtocol.NobodyResponse', value: {} },
  ]).map((text) => text.split('\n')[0])).toEqual([
    expect.stringMatching(/threadID.* does not exist/), expect.stringContaining("'reason' is missing"), expect.stringContaining("no exported member 'NobodyResponse'"),
  ]);
});
