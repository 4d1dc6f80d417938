/**
 * A debugger's client in the same process: requests answered by promises, events in the order they came.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { McsafeDebugSession } from '../debug-adapter/session.ts';
import type { Host } from '../host/host.ts';

export class RequestFailed extends Error {}

export class InlineClient {
  readonly #session: McsafeDebugSession;
  readonly #waiting = new Map<number, { resolve(body: unknown): void; reject(error: Error): void }>();
  readonly #onEvent: (event: DebugProtocol.Event) => void;
  #next = 1;
  #queue: DebugProtocol.Event[] = [];
  #wake: (() => void) | undefined;

  /** `onEvent` sees every event as it comes; {@link event} gives those waited for. */
  constructor(host: Host, onEvent: (event: DebugProtocol.Event) => void = () => undefined) {
    this.#onEvent = onEvent;
    this.#session = new McsafeDebugSession(host);
    this.#session.onDidSendMessage((message) => { this.#receive(message as DebugProtocol.ProtocolMessage); });
  }

  /** The response's body; rejects with {@link RequestFailed} if the adapter refuses. */
  request<Response extends DebugProtocol.Response>(command: string, args: unknown = {}): Promise<Response['body']> {
    const seq = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject });
      this.#session.handleMessage({ seq, type: 'request', command, arguments: args });
    });
  }

  /** The next event with one of these names; those before it are passed over. */
  async event(...names: readonly string[]): Promise<DebugProtocol.Event> {
    for (;;) {
      const index = this.#queue.findIndex(({ event }) => names.includes(event));
      if (index >= 0) {
        const found = this.#queue[index]!;
        this.#queue = this.#queue.slice(index + 1);
        return found;
      }
      this.#queue = [];
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  dispose(): void {
    this.#session.dispose();
  }

  #receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      const event = message as DebugProtocol.Event;
      this.#onEvent(event);
      this.#queue.push(event);
      this.#wake?.();
      return;
    }
    const { request_seq: seq, success, body, message: text } = message as DebugProtocol.Response;
    const waiting = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    if (success) waiting?.resolve(body);
    else waiting?.reject(new RequestFailed(text ?? 'the request failed'));
  }
}
