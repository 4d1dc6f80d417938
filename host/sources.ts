/**
 * The texts a program is made of: the user's files first, then the stand-ins for kernel headers.
 */
import type { SourceProvider } from '../assembly/gas/statement.ts';
import type { Host } from './host.ts';

/** A provider that remembers what it gave, so that a debugger can show it and a real compiler can be handed it. */
export class Sources implements SourceProvider {
  readonly #host: Host;
  readonly #standIns: SourceProvider;
  readonly #texts = new Map<string, string>();
  readonly #virtual = new Map<string, string>();

  constructor(host: Host, standIns: SourceProvider) {
    this.#host = host;
    this.#standIns = standIns;
  }

  /** Stand-ins that were read, by their virtual path. */
  get virtual(): ReadonlyMap<string, string> {
    return this.#virtual;
  }

  read(path: string): string | undefined {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const bytes = this.#host.files.read(path);
    const standIn = bytes === undefined ? this.#standIns.read(path) : undefined;
    const text = bytes === undefined ? standIn : new TextDecoder().decode(bytes);
    if (text !== undefined) this.#texts.set(path, text);
    if (standIn !== undefined) this.#virtual.set(path, standIn);
    return text;
  }

  readBytes(path: string): Uint8Array | undefined {
    return this.#host.files.read(path);
  }
}
