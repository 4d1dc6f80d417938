/**
 * The host of a browser: files come from a function that fetches them, and nothing is ever started.
 */
import type { Host, HostFiles } from '../host.ts';
import { folderOf, resolvePath } from '../paths.ts';

/** Files that arrive asynchronously: a `read` that misses is remembered, `settle` fetches what was missed. */
export class FetchedFiles implements HostFiles {
  readonly #fetch: (path: string) => Promise<Uint8Array | undefined>;
  readonly #known = new Map<string, Uint8Array | undefined>();
  readonly #missed = new Set<string>();

  /** `fetch` gives a file's bytes, undefined if there is none. */
  constructor(fetch: (path: string) => Promise<Uint8Array | undefined>) {
    this.#fetch = fetch;
  }

  read(asked: string): Uint8Array | undefined {
    const path = asked.startsWith('/') ? resolvePath('/', asked) : asked;
    if (!this.#known.has(path)) this.#missed.add(path);
    return this.#known.get(path);
  }

  async settle(): Promise<boolean> {
    const paths = [...this.#missed];
    this.#missed.clear();
    const contents = await Promise.all(paths.map((path) => this.#fetch(path)));
    paths.forEach((path, index) => this.#known.set(path, contents[index]));
    return contents.some((bytes) => bytes !== undefined);
  }
}

export function browserHost(fetch: (path: string) => Promise<Uint8Array | undefined>, workingFolder: string): Host {
  return {
    files: new FetchedFiles(fetch),
    noProcesses: 'a browser cannot start programs',
    resolve: resolvePath,
    folder: folderOf,
    workingFolder,
  };
}
