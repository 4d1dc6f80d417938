/**
 * Glue: takes messages, finds the handler, sends its answer. What a request does is in `requests/`.
 * A message that makes no sense is answered with an error, or ignored where there is nobody to answer; it never ends the adapter.
 */
import { DebugSession, Response } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Host } from '../host/host.ts';
import { Adapter } from './adapter.ts';
import { AdapterError, errors } from './errors.ts';
import { nextTurn } from './execution/next-turn.ts';
import type { RequestHandler } from './request.ts';
import { REQUESTS } from './requests/index.ts';

const HANDLERS: ReadonlyMap<string, RequestHandler> = new Map(REQUESTS.map((handler) => [handler.command, handler]));

/** What a client may ask that has not introduced itself. */
const WITHOUT_INITIALIZE: ReadonlySet<string> = new Set(['initialize', 'disconnect']);

/** One debug session. Runs wherever its messages come from: see `transport/` for streams, or use it inline through `handleMessage` and `onDidSendMessage`. */
export class McsafeDebugSession extends DebugSession {
  readonly #adapter: Adapter;
  /** Settles when every request so far has been answered. */
  #answered: Promise<void> = Promise.resolve();
  /** The client has taken its leave, and hears no more. */
  #over = false;

  /** `onEnd` is called once, after the client has disconnected. */
  constructor(host: Host, onEnd: () => void = () => undefined) {
    super();
    // Only whoever started the adapter ends its process.
    this.setRunAsServer(true);
    this.#adapter = new Adapter(host, (event) => { if (!this.#over) this.sendEvent(event); }, () => {
      if (this.#over) return;
      this.#over = true;
      onEnd();
    });
  }

  /** Requests are answered one after the other, so that a client need not wait for a launch before it sends what builds on it. */
  override handleMessage(message: unknown): void {
    if (this.#over || !isRequest(message)) return;
    // Whoever leaves does not wait for a launch, which alone takes longer than a turn.
    const turn = message.command === 'disconnect' ? Promise.race([this.#answered, nextTurn()]) : this.#answered;
    this.#answered = turn.then(() => this.#answer(message));
  }

  override dispose(): void {
    this.#adapter.dispose();
  }

  async #answer(request: DebugProtocol.Request): Promise<void> {
    if (this.#over) return;
    const response: DebugProtocol.Response = new Response(request);
    try {
      const body = await this.#handle(request);
      if (body !== undefined) response.body = body;
    } catch (error) {
      const known = error instanceof AdapterError ? error : errors.internal(request.command, describeError(error));
      response.success = false;
      response.message = known.message;
      // As a variable, so that braces in the message are not taken for one.
      response.body = { error: { id: known.id, format: '{message}', variables: { message: known.message }, showUser: known.showUser } };
    }
    // The client may have left meanwhile.
    if (this.#over) return;
    this.sendResponse(response);
    this.#adapter.afterResponse();
  }

  async #handle(request: DebugProtocol.Request): Promise<unknown> {
    const handler = HANDLERS.get(request.command);
    if (handler === undefined) throw errors.unknownRequest(request.command);
    if (!this.#adapter.initialized && !WITHOUT_INITIALIZE.has(request.command)) throw errors.notInitialized(request.command);
    const parsed = handler.arguments.safeParse(request.arguments ?? {});
    if (!parsed.success) {
      throw errors.malformedArguments(request.command, parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })));
    }
    return handler.handle(this.#adapter, parsed.data);
  }
}

function isRequest(message: unknown): message is DebugProtocol.Request {
  if (typeof message !== 'object' || message === null) return false;
  const { type, seq, command } = message as Partial<DebugProtocol.Request>;
  return type === 'request' && Number.isSafeInteger(seq) && typeof command === 'string';
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
