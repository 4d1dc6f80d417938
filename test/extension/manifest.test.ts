import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

interface Manifest {
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly languages: readonly { readonly id: string; readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string; readonly scopeName: string }[];
    readonly snippets: readonly { readonly path: string }[];
    readonly breakpoints: readonly { readonly language: string }[];
    readonly debuggers: readonly { readonly type: string; readonly languages: readonly string[]; readonly configurationAttributes: { readonly launch: { readonly properties: Record<string, { readonly description?: string }> } } }[];
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly description?: string; readonly markdownDescription?: string }>> };
  };
}

const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest;
const { contributes } = manifest;

/** The text of all sources of the extension that may name a command or setting. */
function sources(...paths: readonly string[]): string {
  return paths.map((path) => readFileSync(new URL(path, root), 'utf8')).join('\n');
}

test('launch attributes and the settings schema follow from the code', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/manifest.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('breakpoints can be set wherever the debugger is offered, whichever extension owns .S', () => {
  const languages = contributes.breakpoints.map(({ language }) => language);
  expect(languages).toEqual(contributes.debuggers[0]!.languages);
  expect(languages).toEqual(expect.arrayContaining(['gas', 'asm', 'asm-collection', 'asm-intel-x86-generic']));
  for (const language of languages) expect(sources('extension/languages.ts')).toContain(`'${language}'`);
});

test('every launch attribute says what it is for', () => {
  const { properties } = contributes.debuggers[0]!.configurationAttributes.launch;
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(['program', 'entry', 'n', 'poison', 'buffers']));
  const mute = Object.entries(properties).filter(([, { description }]) => description === undefined).map(([name]) => name);
  expect(mute).toEqual([]);
});

test('every command in a menu is declared', () => {
  const declared = new Set(contributes.commands.map(({ command }) => command));
  const used = Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command));
  expect(used.filter((command) => !declared.has(command))).toEqual([]);
});

test('files the manifest names exist', () => {
  const paths = [...contributes.languages.map(({ configuration }) => configuration), ...contributes.grammars.map(({ path }) => path), ...contributes.snippets.map(({ path }) => path)];
  expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test('every setting says what it does', () => {
  const mute = Object.entries(contributes.configuration.properties).filter(([, one]) => (one.description ?? one.markdownDescription) === undefined);
  expect(mute).toEqual([]);
});

test('the API that is compiled against is the oldest that is supported', () => {
  expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies['@types/vscode']!}`);
});
