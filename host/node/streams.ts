/**
 * Byte streams of Node, as the servers want them.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';

export interface NodeStreams {
  onData(listener: (bytes: Uint8Array) => void): void;
  onClose(listener: () => void): void;
  write(bytes: Uint8Array): void;
}

/** A readable and a writable stream as one; errors of either count as its end. */
export function nodeStreams(input: Readable, output: Writable): NodeStreams {
  return {
    onData: (listener) => { input.on('data', (data: Buffer) => { listener(data); }); },
    onClose: (listener) => {
      for (const event of ['end', 'close', 'error'] as const) input.on(event, listener);
      output.on('error', listener);
    },
    write: (bytes) => { if (output.writable) output.write(bytes); },
  };
}

/**
 * Listens on the loopback address and calls `serve` for each connection; `end` closes that connection.
 * Resolves with the port (the one asked for; any free one for 0), rejects if it cannot be had.
 */
export function listen(port: number, serve: (streams: NodeStreams, end: () => void) => void): Promise<{ readonly port: number; close(): void }> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      serve(nodeStreams(socket, socket), () => { socket.end(); });
    });
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => { resolve({ port: (server.address() as AddressInfo).port, close: () => { server.close(); } }); });
  });
}
