/**
 * The stand-ins as files on disk, for handing them to a real gcc.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { COMPAT_FOLDER, linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';

/** Writes the stand-ins of `generation` below a new folder and returns the include path. */
export function writeStandIns(generation: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcsafe-standins-'));
  const { provider, files } = linuxCompat(generation);
  for (const file of files) {
    const path = join(folder, file.slice(COMPAT_FOLDER.length + 1));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, provider.read(file)!);
  }
  return folder;
}

/** gcc's arguments for assembling with the stand-ins in `folder`. */
export function standInFlags(generation: string, folder: string): readonly string[] {
  return ['-nostdinc', `-I${folder}`, ...Object.entries(linuxCompat(generation).defines).map(([name, value]) => `-D${name}=${value}`), '-m64'];
}

/** Runs `gcc -c`; throws with gcc's own messages if it fails. */
export function gcc(flags: readonly string[], source: string, object: string): void {
  try {
    execFileSync('gcc', [...flags, '-c', '-o', object, source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`gcc ${source}: ${String((error as { stderr?: string }).stderr)}`, { cause: error });
  }
}
