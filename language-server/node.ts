/**
 * The server on streams of Node.
 */
import { createConnection, ErrorCodes, ProposedFeatures, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type { Connection, Message } from 'vscode-languageserver/node';
import type { Host } from '../host/host.ts';
import { lifecycle } from './lifecycle.ts';
import { serve } from './server.ts';

/** A connection for {@link serve}. */
export function openConnection(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Connection {
  const [reader, writer] = [new StreamMessageReader(input), new StreamMessageWriter(output)];
  // What is no JSON cannot be told from a request: it is answered, without an id (JSON-RPC 2.0, 5.1). The next message is read as usual.
  reader.onError(({ message }) => {
    const answer: Message & { readonly id: null; readonly error: object } = { jsonrpc: '2.0', id: null, error: { code: ErrorCodes.ParseError, message } };
    writer.write(answer).catch(() => { /* nobody listens any more */ });
  });
  return createConnection(ProposedFeatures.all, reader, writer, { messageStrategy: lifecycle() });
}

/** Serves on standard input and output until the client says `exit` or goes away; the process ends then. */
export function serveStdio(host: Host): void {
  // `console` would write into the protocol's own stream.
  serve(openConnection(process.stdin, process.stdout), host);
}
