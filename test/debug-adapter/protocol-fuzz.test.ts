import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REQUESTS } from '../../debug-adapter/requests/index.ts';
import { EDITOR, SAMPLE, TestClient, THREAD } from './client.ts';

const COMMANDS = REQUESTS.map(({ command }) => command).filter((command) => !['launch', 'restart', 'terminate', 'disconnect'].includes(command));
const NAMES = ['threadId', 'frameId', 'variablesReference', 'memoryReference', 'count', 'offset', 'instructionCount', 'instructionOffset', 'expression', 'value', 'name', 'source', 'breakpoints', 'filters', 'data', 'sourceReference', 'line', 'text', 'column', 'startFrame', 'levels', 'granularity', 'context'];
const values = fc.oneof(
  fc.constantFrom<unknown>(0, 1, -1, 1e18, 2 ** 53, 1.5, '', '0x0', '0xffffffffffffffff', 'rax', 'poison 0', 'rip = 0', '{', null, true, [], [{}], {}, { path: '/x' }, [{ line: 27 }], ['machineCheck']),
  fc.jsonValue(),
);
const messages = fc.record({ command: fc.constantFrom(...COMMANDS), args: fc.oneof(fc.dictionary(fc.constantFrom(...NAMES), values, { maxKeys: 6 }), values) });

describe('whatever a client sends', () => {
  it('is answered once, and the session goes on', async () => {
    await fc.assert(fc.asyncProperty(fc.array(messages, { maxLength: 30 }), async (list) => {
      const client = new TestClient();
      await client.start({ program: SAMPLE, budget: 100_000 });
      await client.event('stopped');
      for (const { command, args } of list) {
        const response = await client.send(command, args);
        expect(response.success || response.message !== '').toBe(true);
        expect(response.message ?? '', `${command} ${JSON.stringify(args)}`).not.toContain('internal error');
      }
      expect(await client.ask('threads')).toEqual({ threads: [{ id: 1, name: 'copy_mc' }] });
      client.session.dispose();
    }), { numRuns: 60 });
  }, 60_000);

  it('that is no request is ignored', async () => {
    const client = new TestClient();
    for (const nonsense of [undefined, null, 5, 'x', [], {}, { type: 'request' }, { type: 'request', seq: 'a', command: 'threads' }, { type: 'request', seq: 1, command: 7 }, { type: 'event', event: 'x' }, { type: 'response', request_seq: 1 }]) {
      client.session.handleMessage(nonsense);
    }
    await client.ask('initialize', EDITOR);
    expect(await client.ask('threads')).toEqual({ threads: [] });
  });

  it('before anything is launched is refused by name', async () => {
    const client = new TestClient();
    await client.ask('initialize', EDITOR);
    for (const command of ['stackTrace', 'continue', 'evaluate', 'configurationDone', 'restart']) {
      expect(await client.refusal(command, { ...THREAD, expression: '1', frameId: 1 })).toBe(`${command}: nothing has been launched yet`);
    }
    expect(await client.refusal('gotoMars')).toBe('unknown request "gotoMars"');
    expect(await client.refusal('setVariable', { variablesReference: 'x' })).toBe('setVariable: variablesReference: Invalid input: expected number, received string; name: Invalid input: expected string, received undefined; value: Invalid input: expected string, received undefined');
  });
});
