// Bundles the bench (Node 20 runs no TypeScript by itself) and starts it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = new URL('./', import.meta.url);
const outfile = fileURLToPath(new URL('./bench.bundled.mjs', here));
await build({
  entryPoints: [fileURLToPath(new URL('./bench.ts', here))], bundle: true, platform: 'node', format: 'esm', outfile, packages: 'external', logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
