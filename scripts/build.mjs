// Bundles what is shipped into dist/: `node scripts/build.mjs [--quiet] [--production]`.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { copyIced, nodeBundle, root } from './bundle.mjs';
import { thirdPartyNotices } from './notices.mjs';

const quiet = process.argv.includes('--quiet');
const production = process.argv.includes('--production');
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const node = await nodeBundle({ production });
/** Scripts of webviews. */
const browser = { ...node, platform: 'browser', format: 'iife', target: 'es2022' };

const bundles = [
  { ...node, entryPoints: ['cli/main.ts'], outfile: 'dist/mcsafe.cjs', banner: { js: '#!/usr/bin/env node' }, define: { MCSAFE_VERSION: JSON.stringify(version) } },
  { ...node, entryPoints: ['host/node/sweep-worker.ts'], outfile: 'dist/sweep-worker.cjs' },
  { ...node, entryPoints: ['extension/main.ts'], outfile: 'dist/extension.cjs', external: ['vscode'] },
  { ...browser, entryPoints: ['extension/webview/main.ts'], outfile: 'dist/fixup-view.js' },
].filter(({ entryPoints: [file] }) => existsSync(join(root, file)));

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const started = performance.now();
const results = await Promise.all(bundles.map((options) => build(options)));
copyIced(dist);
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(root, results.map(({ metafile }) => metafile)));

for (const { outfile, format } of bundles) {
  if (format === 'cjs' && readFileSync(join(root, outfile), 'utf8').includes('import.meta.url')) throw new Error(`${outfile} uses import.meta.url, which CommonJS does not have`);
}
if (!quiet) {
  for (const { metafile } of results) {
    for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
      if (/\.c?js$/.test(file)) console.log(`${file}  ${(bytes / 1024).toFixed(0)} KiB`);
    }
  }
  console.log(`built in ${(performance.now() - started).toFixed(0)} ms`);
}
