// Bundles the bench (Node 20 runs no TypeScript by itself) and starts it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { copyIced, nodeBundle } from '../../scripts/bundle.mjs';

const here = new URL('./', import.meta.url);
const cache = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const path = (name) => fileURLToPath(new URL(name, here));
mkdirSync(cache, { recursive: true });
await Promise.all([
  build({ entryPoints: [path('bench.ts')], bundle: true, platform: 'node', format: 'esm', outfile: path('bench.bundled.mjs'), packages: 'external', logLevel: 'warning' }),
  // The cold start is measured in what is shipped.
  build({
    ...await nodeBundle({ production: true }), entryPoints: [path('load.ts')], outfile: `${cache}load.cjs`, legalComments: 'none', metafile: false,
    banner: { js: 'globalThis.benchStart = performance.now();' },
  }),
]);
copyIced(cache);
const { status } = spawnSync(process.execPath, [path('bench.bundled.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
rmSync(path('bench.bundled.mjs'));
process.exitCode = status ?? 1;
