/**
 * Writing files, for commands that were told where.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file whole or not at all: nobody ever sees half of it. */
export function writeFile(path: string, contents: Uint8Array | string): void {
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    writeFileSync(temporary, contents);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
