/**
 * The server on standard input and output.
 */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import type { Host } from '../host/host.ts';
import { serve } from './server.ts';

/** Serves until the client says `exit` or goes away; the process ends then. */
export function serveStdio(host: Host): void {
  // `console` would write into the protocol's own stream.
  serve(createConnection(ProposedFeatures.all, process.stdin, process.stdout), host);
}
