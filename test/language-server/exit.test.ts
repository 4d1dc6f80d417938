/**
 * How the server's process ends. A file of its own: the library notes a shutdown for the whole process.
 */
import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { createProtocolConnection } from 'vscode-languageserver/node';
import { nodeHost } from '../../host/node/host.ts';
import { openConnection } from '../../language-server/node.ts';
import { serve } from '../../language-server/server.ts';

it('is with 1 after exit alone, with 0 after shutdown and exit', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as () => never);
  for (const shutdown of [false, true]) {
    const [up, down] = [new PassThrough(), new PassThrough()];
    serve(openConnection(up, down), nodeHost());
    const connection = createProtocolConnection(down, up);
    connection.listen();
    await connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
    if (shutdown) await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    await expect.poll(() => exit.mock.calls.at(-1)).toEqual([shutdown ? 0 : 1]);
    connection.dispose();
  }
  exit.mockRestore();
});
