/**
 * Files with a short memory: what was read, or was not there, is not asked for again for a moment.
 */
import type { HostFiles } from '../host/host.ts';

/** Milliseconds for which an answer holds unless somebody says that the file changed. */
const FRESH_MS = 2000;
/** Bytes kept at most. */
const MAX_KEPT = 32 << 20;

interface Known {
  readonly bytes: Uint8Array | undefined;
  readonly since: number;
}

export class CachedFiles implements HostFiles {
  readonly list?: NonNullable<HostFiles['list']>;
  readonly settle?: NonNullable<HostFiles['settle']>;
  readonly #files: HostFiles;
  readonly #known = new Map<string, Known>();
  #size = 0;

  constructor(files: HostFiles) {
    this.#files = files;
    if (files.list !== undefined) this.list = (folder) => files.list!(folder);
    if (files.settle !== undefined) this.settle = async () => {
      const arrived = await files.settle!();
      if (arrived) this.forget();
      return arrived;
    };
  }

  read(path: string): Uint8Array | undefined {
    const now = Date.now();
    const known = this.#known.get(path);
    if (known !== undefined && now - known.since < FRESH_MS) return known.bytes;
    if (known !== undefined) this.forget(path);
    const bytes = this.#files.read(path);
    this.#size += bytes?.length ?? 0;
    if (this.#size > MAX_KEPT) this.forget();
    this.#known.set(path, { bytes, since: now });
    return bytes;
  }

  /** Asks again for `path`, or for everything, the next time. */
  forget(path?: string): void {
    if (path === undefined) {
      this.#known.clear();
      this.#size = 0;
      return;
    }
    this.#size -= this.#known.get(path)?.bytes?.length ?? 0;
    this.#known.delete(path);
  }
}
