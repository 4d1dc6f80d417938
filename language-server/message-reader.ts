/**
 * Messages of JSON-RPC from a stream of bytes. What is none is answered with the error that JSON-RPC has for it, and reading goes on.
 */
import { AbstractMessageReader, ErrorCodes } from 'vscode-languageserver/node';
import type { DataCallback, Disposable, Message } from 'vscode-languageserver/node';
import { FrameReader } from '../host/framing.ts';

/** To what cannot be told from a request, or has no id that could be named, the answer has none either (JSON-RPC 2.0, 5). */
export interface Complaint {
  readonly id: number | string | null;
  readonly code: number;
  readonly message: string;
}

export interface ReaderListener {
  /** A request, which has to be answered, has been read. */
  onRequest(): void;
  /** Answers what is no message. */
  complain(complaint: Complaint): void;
}

export class JsonRpcReader extends AbstractMessageReader {
  readonly #input: NodeJS.ReadableStream;
  readonly #listener: ReaderListener;

  constructor(input: NodeJS.ReadableStream, listener: ReaderListener) {
    super();
    this.#input = input;
    this.#listener = listener;
  }

  listen(callback: DataCallback): Disposable {
    const frames = new FrameReader((value) => {
      const complaint = complaintAbout(value);
      if (complaint !== undefined) {
        this.#listener.complain(complaint);
        return;
      }
      if (isRequest(value as object)) this.#listener.onRequest();
      try {
        callback(value as Message);
      } catch (error) {
        // The library looks into cancellations at once, whatever they look like.
        this.fireError(error);
      }
    }, (message) => { this.#listener.complain({ id: null, code: ErrorCodes.ParseError, message }); });
    const onData = (bytes: Uint8Array): void => { frames.push(bytes); };
    this.#input.on('data', onData);
    return { dispose: () => { this.#input.off('data', onData); } };
  }

  /** Tells the connection that there is nothing more to come, and nobody to answer. */
  close(): void {
    this.fireClose();
  }
}

function isRequest(message: object): boolean {
  return 'method' in message && 'id' in message;
}

/** Why a value is neither a request nor a notification nor an answer; undefined if it is one. */
function complaintAbout(value: unknown): Complaint | undefined {
  const invalid = (message: string, id: Complaint['id'] = null): Complaint => ({ id, code: ErrorCodes.InvalidRequest, message });
  if (Array.isArray(value)) return invalid('a message is one object; the Language Server Protocol has no batches');
  if (typeof value !== 'object' || value === null) return invalid('a message is an object');
  const { id, method } = value as { readonly id?: unknown; readonly method?: unknown };
  const isId = typeof id === 'number' || typeof id === 'string';
  if (method !== undefined) {
    if (typeof method !== 'string') return invalid('`method` is a string', isId ? id : null);
    return id === undefined || isId ? undefined : invalid('`id` is a number or a string');
  }
  return (isId || id === null) && ('result' in value || 'error' in value) ? undefined : invalid('a message has a `method`, or an `id` and a `result` or an `error`');
}
