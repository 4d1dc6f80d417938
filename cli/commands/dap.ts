/**
 * `mcsafe dap`: the debug adapter for any client.
 */
import { serveStreams } from '../../debug-adapter/transport/streams.ts';
import { nodeHost } from '../../host/node/host.ts';
import { listen, nodeStreams } from '../../host/node/streams.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export async function dap(options: { readonly port?: number }): Promise<number> {
  if (options.port === undefined) {
    await new Promise<void>((resolve) => { serveStreams(nodeStreams(process.stdin, process.stdout), nodeHost(), resolve); });
    process.stdin.destroy();
    return EXIT.OK;
  }
  try {
    const { port } = await listen(options.port, (streams, end) => { serveStreams(streams, nodeHost(), end); });
    process.stderr.write(`mcsafe dap listens on 127.0.0.1:${String(port)}\n`);
  } catch (error) {
    throw new CommandError(`cannot listen on port ${String(options.port)}: ${error instanceof Error ? error.message : String(error)}`);
  }
  // Serves until it is interrupted.
  return EXIT.OK;
}
