// Imports a TypeScript module of this repository into a script, on any Node from 20 on: bundled in memory first.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../', import.meta.url));

/** The exports of `path`, seen from the repository's root. Packages stay outside the bundle. */
export async function importTs(path) {
  const { outputFiles } = await build({
    absWorkingDir: root, entryPoints: [path], bundle: true, write: false, packages: 'external', platform: 'node', format: 'esm', target: 'node20.11', logLevel: 'warning',
  });
  // Inside the repository, so that the packages it names are found.
  const folder = mkdtempSync(join(root, 'node_modules', '.mcsafe-'));
  try {
    const file = join(folder, 'module.mjs');
    writeFileSync(file, outputFiles[0].text);
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
