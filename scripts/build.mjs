// Bundles what is shipped into dist/: `node scripts/build.mjs [--quiet] [--production]`.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { thirdPartyNotices } from './notices.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');
const production = process.argv.includes('--production');
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** CommonJS for Node: the extension host wants it, and one file starts faster than many. */
const node = {
  absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node20', metafile: true, logLevel: 'error',
  // The `main` of jsonc-parser is UMD, whose parts a bundler does not find.
  mainFields: ['module', 'main'],
  legalComments: 'linked', minify: production, sourcemap: production ? false : 'linked', sourcesContent: false,
  // Files of the sources are found by import.meta.url, which CommonJS does not have: nothing may depend on it.
  logOverride: { 'empty-import-meta': 'error' },
};
/** Scripts of webviews. */
const browser = { ...node, platform: 'browser', format: 'iife', target: 'es2022' };

const bundles = [
  { ...node, entryPoints: ['cli/main.ts'], outfile: 'dist/mcsafe.cjs', banner: { js: '#!/usr/bin/env node' }, define: { MCSAFE_VERSION: JSON.stringify(version) } },
  { ...node, entryPoints: ['extension/main.ts'], outfile: 'dist/extension.cjs', external: ['vscode'] },
  { ...browser, entryPoints: ['extension/webview/main.ts'], outfile: 'dist/fixup-view.js' },
].filter(({ entryPoints: [file] }) => existsSync(join(root, file)));

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const started = performance.now();
const results = await Promise.all(bundles.map((options) => build(options)));
// iced-x86 reads its WebAssembly from the folder its script is in: the bundles' own.
copyFileSync(join(dirname(createRequire(import.meta.url).resolve('iced-x86')), 'iced_x86_bg.wasm'), join(dist, 'iced_x86_bg.wasm'));
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
