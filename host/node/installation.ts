/**
 * What lies beside the running program.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the documentation that was installed with `dist/mcsafe.cjs`; undefined if it was not, or if something else runs. */
export function documentationFolder(program = process.argv[1]): string | undefined {
  if (program === undefined || !existsSync(program)) return undefined;
  const folder = join(dirname(realpathSync(program)), '..', 'docs');
  return existsSync(join(folder, 'diagnostics', 'README.md')) ? folder : undefined;
}
