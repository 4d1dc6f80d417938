/**
 * Frames of the debugger's and the language server's protocol on a stream: `Content-Length: N`, an empty line, N bytes of JSON.
 * What comes in is from outside: sizes are checked before they are believed, and nonsense is skipped, never fatal.
 */

const HEADER_LIMIT = 4096;
/** Larger than any message a client sends; a memory write of 16 MiB in base64 fits. */
const BODY_LIMIT = 64 << 20;
const SEPARATOR = [13, 10, 13, 10];

/** Takes bytes as they arrive and gives whole messages, parsed. */
export class FrameReader {
  readonly #onMessage: (message: unknown) => void;
  readonly #onProblem: (what: string) => void;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Bytes the message in hand needs; undefined while its header is awaited. */
  #length: number | undefined;
  /** Bytes of a refused message still to be thrown away. */
  #skip = 0;

  /** `onProblem` is told of what was skipped. */
  constructor(onMessage: (message: unknown) => void, onProblem: (what: string) => void = () => undefined) {
    this.#onMessage = onMessage;
    this.#onProblem = onProblem;
  }

  push(bytes: Uint8Array): void {
    const dropped = Math.min(this.#skip, bytes.length);
    this.#skip -= dropped;
    if (dropped < bytes.length) {
      this.#chunks.push(bytes.subarray(dropped));
      this.#buffered += bytes.length - dropped;
    }
    while (this.#step());
  }

  #step(): boolean {
    if (this.#length === undefined) return this.#readHeader();
    if (this.#buffered < this.#length) return false;
    const text = new TextDecoder().decode(this.#take(this.#length));
    this.#length = undefined;
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error));
      return true;
    }
    this.#onMessage(message);
    return true;
  }

  #readHeader(): boolean {
    const all = this.#joined();
    const end = indexOf(all, SEPARATOR);
    if (end < 0) {
      // No header is this long: it is not the protocol. The tail is kept, for a separator may be arriving in pieces.
      if (all.length > HEADER_LIMIT) this.#take(all.length - SEPARATOR.length);
      return false;
    }
    const header = new TextDecoder().decode(this.#take(end + SEPARATOR.length));
    const length = /(?:^|\r\n)content-length: *(\d{1,15})\s*(?:\r\n|$)/i.exec(header)?.[1];
    if (length === undefined) {
      this.#onProblem('a message begins with a header Content-Length: and the number of its bytes');
      return true;
    }
    if (Number(length) > BODY_LIMIT) {
      this.#onProblem(`a message of ${length} bytes is longer than the ${String(BODY_LIMIT)} that are read`);
      this.#skip = Number(length);
      const rest = this.#take(this.#buffered);
      this.push(rest);
      return false;
    }
    this.#length = Number(length);
    return true;
  }

  #take(count: number): Uint8Array {
    const all = this.#joined();
    const rest = all.subarray(count);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
    return all.subarray(0, count);
  }

  #joined(): Uint8Array {
    if (this.#chunks.length !== 1) {
      const all = new Uint8Array(this.#buffered);
      let at = 0;
      for (const chunk of this.#chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
      this.#chunks = [all];
    }
    return this.#chunks[0]!;
  }
}

/** A message as it goes over the stream. */
export function frame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const header = new TextEncoder().encode(`Content-Length: ${String(body.length)}\r\n\r\n`);
  const whole = new Uint8Array(header.length + body.length);
  whole.set(header);
  whole.set(body, header.length);
  return whole;
}

function indexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
