/**
 * The server on streams of Node.
 */
import { createConnection, ProposedFeatures, StreamMessageWriter } from 'vscode-languageserver/node';
import type { Connection, Message } from 'vscode-languageserver/node';
import type { Host } from '../host/host.ts';
import { Lifecycle } from './lifecycle.ts';
import { JsonRpcReader } from './message-reader.ts';
import { serve } from './server.ts';

/** Milliseconds that open requests may take once nothing more can be read: one that waits for the client itself waits for ever. */
const GRACE_MS = 5000;

/**
 * A connection for {@link serve}. `onEnd` is called once, when the client has gone and what it asked before is answered, with whether it took
 * its leave in due form.
 */
export function openConnection(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, onEnd: (orderly: boolean) => void = () => undefined): Connection {
  const lifecycle = new Lifecycle();
  const writer = new AnswerCounter(output);
  const reader = new JsonRpcReader(input, {
    onRequest: () => { writer.asked++; },
    complain: ({ id, code, message }) => {
      const answer: Message & { readonly id: number | string | null; readonly error: object } = { jsonrpc: '2.0', id, error: { code, message } };
      writer.complain(answer).catch(() => { /* nobody listens any more */ });
    },
  });
  let grace: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    clearTimeout(grace);
    reader.close();
    onEnd(lifecycle.isDown);
  };
  for (const event of ['end', 'close', 'error']) {
    input.on(event, () => {
      if (ended || grace !== undefined) return;
      grace = setTimeout(end, GRACE_MS);
      writer.whenAnswered(end);
    });
  }
  output.on('error', end);
  return createConnection(ProposedFeatures.all, reader, writer, { messageStrategy: lifecycle });
}

/** Serves on standard input and output until the client says `exit` or goes away; the process ends then. */
export function serveStdio(host: Host): void {
  // `console` would write into the protocol's own stream.
  serve(openConnection(process.stdin, process.stdout, (orderly) => process.exit(orderly ? 0 : 1)), host);
}

/** Knows whether every request has been answered. */
class AnswerCounter extends StreamMessageWriter {
  asked = 0;
  #answered = 0;
  #listener: (() => void) | undefined;

  override async write(message: Message): Promise<void> {
    try {
      await super.write(message);
    } finally {
      if (!('method' in message)) this.#answered++;
      this.#check();
    }
  }

  /** Writes an answer to what was no request. */
  complain(message: Message): Promise<void> {
    this.asked++;
    return this.write(message);
  }

  /** Calls `listener` once there is no open request. */
  whenAnswered(listener: () => void): void {
    this.#listener = listener;
    this.#check();
  }

  #check(): void {
    if (this.#answered >= this.asked) this.#listener?.();
  }
}
