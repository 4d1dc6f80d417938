// How programs for Node are bundled: what is shipped, and what the bench measures.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyIced, icedPlugin } from './iced.mjs';
import { importTs } from './import-ts.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** CommonJS for Node: the extension host wants it, and one file starts faster than many. */
export async function nodeBundle({ production }) {
  return {
    absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node20', metafile: true, logLevel: 'error',
    // The `main` of jsonc-parser is UMD, whose parts a bundler does not find.
    mainFields: ['module', 'main'],
    legalComments: 'linked', minify: production, sourcemap: production ? false : 'linked', sourcesContent: false,
    // Files of the sources are found by import.meta.url, which CommonJS does not have: nothing may depend on it.
    logOverride: { 'empty-import-meta': 'error' },
    plugins: [icedPlugin, prebuiltPlugin(await interpreterLoop())],
  };
}

/** Bytes in place of machine/cpu/interpreter/prebuilt.ts. */
function prebuiltPlugin(loop) {
  return {
    name: 'prebuilt',
    setup(build) {
      const name = 'interpreter-loop';
      build.onLoad({ filter: /[\\/]interpreter[\\/]prebuilt\.ts$/ }, () => ({ contents: `import loop from '${name}'; export const prebuiltLoop = () => loop;`, loader: 'js' }));
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: name }));
      build.onLoad({ filter: /.*/, namespace: name }, () => ({ contents: loop, loader: 'binary' }));
    },
  };
}

export { copyIced };

/** The module of the interpreter's loop. */
async function interpreterLoop() {
  const { hotShapes, loopModule } = await importTs('machine/cpu/interpreter/module.ts');
  return loopModule(hotShapes());
}
