// How programs for Node are bundled: what is shipped, and what the bench measures.
import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** CommonJS for Node: the extension host wants it, and one file starts faster than many. */
export function nodeBundle({ production }) {
  return {
    absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node20', metafile: true, logLevel: 'error',
    // The `main` of jsonc-parser is UMD, whose parts a bundler does not find.
    mainFields: ['module', 'main'],
    legalComments: 'linked', minify: production, sourcemap: production ? false : 'linked', sourcesContent: false,
    // Files of the sources are found by import.meta.url, which CommonJS does not have: nothing may depend on it.
    logOverride: { 'empty-import-meta': 'error' },
  };
}

/** iced-x86 reads its WebAssembly from the folder its script is in: the bundle's own. */
export function copyIced(folder) {
  copyFileSync(join(dirname(createRequire(import.meta.url).resolve('iced-x86')), 'iced_x86_bg.wasm'), join(folder, 'iced_x86_bg.wasm'));
}
