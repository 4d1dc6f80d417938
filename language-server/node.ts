/**
 * The server on streams of Node.
 */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import type { Connection } from 'vscode-languageserver/node';
import type { Host } from '../host/host.ts';
import { lifecycle } from './lifecycle.ts';
import { serve } from './server.ts';

/** A connection for {@link serve}. */
export function openConnection(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Connection {
  return createConnection(ProposedFeatures.all, input, output, { messageStrategy: lifecycle() });
}

/** Serves on standard input and output until the client says `exit` or goes away; the process ends then. */
export function serveStdio(host: Host): void {
  // `console` would write into the protocol's own stream.
  serve(openConnection(process.stdin, process.stdout), host);
}
