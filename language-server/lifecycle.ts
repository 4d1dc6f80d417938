/**
 * The order in which a client may speak: `initialize` first and once, nothing but `exit` after `shutdown`; and in what form. What comes out
 * of turn or malformed is turned into a request of our own, which answers with the error that the protocol has for it; a notification is dropped.
 */
import { ErrorCodes, ResponseError } from 'vscode-languageserver';
import type { Connection } from 'vscode-languageserver';
import type { Message, MessageStrategy } from 'vscode-languageserver/node';
import { wrongParameters } from './parameters.ts';

const REFUSED = 'mcsafe/refused';

interface Refusal {
  readonly code: number;
  readonly message: string;
}

type State = 'new' | 'running' | 'down';

/** Of one connection. */
export class Lifecycle implements MessageStrategy {
  #state: State = 'new';

  /** The client has asked for the shutdown. */
  get isDown(): boolean {
    return this.#state === 'down';
  }

  handleMessage(message: Message, next: (message: Message) => void): void {
    const { id, method, params } = message as { readonly id?: number | string; readonly method?: string; readonly params?: unknown };
    // Answers to requests of the server are always in turn.
    if (method === undefined) {
      next(message);
      return;
    }
    const refusal = refusalOf(this.#state, method, params);
    if (refusal === undefined) {
      if (method === 'initialize') this.#state = 'running';
      if (method === 'shutdown') this.#state = 'down';
      next(message);
    } else if (id !== undefined) next({ ...message, method: REFUSED, params: refusal } as Message);
  }
}

function refusalOf(state: State, method: string, parameters: unknown): Refusal | undefined {
  if (method === 'exit' || method.startsWith('$/')) return undefined;
  if (state === 'down') return { code: ErrorCodes.InvalidRequest, message: 'the server has been shut down' };
  if (state === 'new' && method !== 'initialize') return { code: ErrorCodes.ServerNotInitialized, message: 'the first request must be initialize' };
  if (state === 'running' && method === 'initialize') return { code: ErrorCodes.InvalidRequest, message: 'the server is initialized already' };
  // Our own name for what was refused is nobody else's.
  if (method === REFUSED) return { code: ErrorCodes.MethodNotFound, message: `there is no request ${method}` };
  const wrong = wrongParameters(method, parameters);
  return wrong === undefined ? undefined : { code: ErrorCodes.InvalidParams, message: wrong };
}

/** Answers what {@link lifecycle} refused. */
export function registerRefusals(connection: Connection): void {
  connection.onRequest(REFUSED, ({ code, message }: Refusal) => new ResponseError(code, message));
}
