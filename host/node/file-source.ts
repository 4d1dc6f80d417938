/**
 * A file as bytes at any offset, for files too large to hold.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../../assembly/elf/byte-source.ts';

/** Opens a regular file; undefined if there is none that can be read. It stays open for the life of the process or until `close`. */
export function openFile(path: string): (ByteSource & { close(): void }) | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return undefined;
  }
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    return undefined;
  }
  return {
    size: stat.size,
    read: (offset, length) => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        // The file has become shorter since it was opened: what is gone reads as zero.
        if (count === 0) break;
        done += count;
      }
      return bytes;
    },
    close: () => { closeSync(descriptor); },
  };
}
