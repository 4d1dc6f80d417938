/*
 * iced-x86 in a bundle, cut down to what is used of it, since most of a cold start was spent on the rest:
 * - Its script becomes an ES module, of which a bundler keeps what is imported, in one scope with what imports it. WebAssembly is read and
 *   instantiated when something is first asked of it.
 * - Its enumerations name every member twice in object literals (`Code` alone is a quarter of a megabyte), which V8 compiles and fills at
 *   every start. They become lists of names, split when something looks one up, and the members our sources mention become their numbers.
 * - Methods whose name is no word of our sources go, and with them the exports of the WebAssembly that only they call.
 * What is done to the WebAssembly is in iced-wasm.mjs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { icedModules } from './iced-wasm.mjs';
import { FIRST, LATER } from './wasm-split.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const library = createRequire(import.meta.url).resolve('iced-x86');
const iced = createRequire(import.meta.url)(library);

/** What is bundled. */
const SOURCES = ['assembly', 'cli', 'debug-adapter', 'extension', 'fault-model', 'host', 'language-server', 'machine', 'sweep'];
/** Methods of classes as wasm-bindgen writes them. */
const METHOD = /^ {4}(?:static |get |set )?(\w+)\([^)\n]*\) \{\n(?:(?! {4}\}\n).*\n)*? {4}\}\n/gm;

const FIRST_FILE = 'iced_x86.wasm', REST_FILE = 'iced_x86_rest.wasm';

/** In place of the way wasm-bindgen finds and instantiates its WebAssembly for Node. */
const LOADER = `
function instantiate(file, others) {
  const module = new WebAssembly.Module(readFileSync(join(__dirname, file)));
  return new WebAssembly.Instance(module, { __wbindgen_placeholder__: imports, ...others }).exports;
}
function fetchRest() {
  const { there } = wasm;
  if (there.value === 1) return;
  wasm = { ...wasm, ...instantiate('${REST_FILE}', { ${FIRST}: wasm }) };
  there.value = 1;
}
const nothing = new Proxy({}, { get(_, name) {
  if (wasm === nothing) wasm = { __proto__: nothing, ...instantiate('${FIRST_FILE}', { ${LATER}: { fetch: fetchRest } }) };
  else fetchRest();
  return wasm[name];
} });
let wasm = nothing;
`;

/** Members of an enumeration by value, or undefined if it is none whose values are 0, 1, 2 … */
function memberNames(value) {
  if (typeof value !== 'object' || value === null) return undefined;
  const names = Object.keys(value).filter((key) => typeof value[key] === 'number');
  return names.length * 2 === Object.keys(value).length && names.every((name) => value[value[name]] === name && value[name] < names.length)
    ? Array.from(names, (_, i) => value[i]) : undefined;
}

/** The words of all TypeScript in a folder of the repository. */
function wordsOf(folder) {
  const words = new Set();
  for (const file of readdirSync(join(root, folder), { recursive: true })) {
    if (file.endsWith('.ts')) for (const [word] of readFileSync(join(root, folder, file), 'utf8').matchAll(/\w+/g)) words.add(word);
  }
  return words;
}

let used;

/** The library's text without the methods nobody calls. */
function shakenLibrary() {
  if (used !== undefined) return used;
  const text = readFileSync(library, 'utf8').replace(/\/\*\*[^]*?\*\//g, '');
  const words = new Set(['constructor', 'free', ...SOURCES.flatMap((folder) => [...wordsOf(folder)])]);
  // What is left may call further methods.
  for (let before = -1; words.size !== before;) {
    before = words.size;
    const kept = text.replace(METHOD, (method, name) => (words.has(name) || name.startsWith('__') ? method : ''));
    for (const [, word] of kept.matchAll(/\.(\w+)/g)) words.add(word);
    used = kept;
  }
  return used;
}

/** Writes iced's WebAssembly to where its script in a bundle looks for it: the bundle's folder. */
export function copyIced(folder) {
  const called = new Set([...shakenLibrary().matchAll(/\bwasm\.(\w+)/g)].map(([, name]) => name));
  const { first, rest } = icedModules(called, wordsOf('machine'));
  writeFileSync(join(folder, FIRST_FILE), first);
  writeFileSync(join(folder, REST_FILE), rest);
}

/** The library as an ES module. An enumeration is a function there, which returns its names by value. */
function rewriteLibrary() {
  const text = shakenLibrary()
    .replace(/^let imports = [^]*?require\(`util`\);$/m, "import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\nconst imports = {};")
    .replace(/^const path = require[^]*$/m, LOADER)
    .replace(/^module\.exports\.(\w+) = Object\.freeze\(\{[^]*?\}\);$/gm, (_, name) => {
      const names = memberNames(iced[name]);
      return names === undefined ? '' : `let names${name};\nexport function ${name}() { return names${name} ??= '${names.join(' ')}'.split(' '); }`;
    })
    .replace(/^module\.exports\.(\w+) = \1;$/gm, '')
    .replace(/^class \w+ \{$/gm, 'export $&')
    .replace(/^module\.exports\.(__wb\w+) = /gm, 'imports.$1 = ')
    .replace(/^module\.exports\.(\w+) = function/gm, 'export function $1');
  const [left] = /^.*(?:\bmodule\.exports\b|\brequire\().*$/m.exec(text) ?? [];
  if (left !== undefined) throw new Error(`iced-x86 has something new that its rewriting does not know: ${left}`);
  return text;
}

/** JavaScript of ours with iced's enumerations as {@link rewriteLibrary} leaves them: numbers for members, a call in front of what looks up a name. */
function rewriteSource(text) {
  const [statement, imported] = /^import \{([^}]*)\} from "iced-x86";$/m.exec(text) ?? [];
  if (imported === undefined) return text;
  const kept = [];
  let rest = text.replace(statement, '');
  for (const item of imported.split(',')) {
    const [name, local = name] = item.trim().split(' as ');
    const members = iced[name];
    const lookedUp = new RegExp(`(?<![.\\w$])${local}\\[`, 'g');
    if (typeof members !== 'object' || lookedUp.test(rest)) kept.push(item);
    if (typeof members !== 'object') continue;
    rest = rest.replace(lookedUp, `${local}()[`).replace(new RegExp(`(?<![.\\w$])${local}\\.(\\w+)`, 'g'), (whole, member) => {
      if (typeof members[member] !== 'number') throw new Error(`iced-x86 has no ${whole}`);
      return String(members[member]);
    });
    if (new RegExp(`(?<![.\\w$])${local}\\b(?!\\(\\)\\[)`).test(rest)) throw new Error(`${name} of iced-x86 is a list of names in a bundle: its members can be named and names be looked up in it, nothing else`);
  }
  return rest.replace(/^/, `import {${kept.join(',')}} from 'iced-x86';`);
}

export const icedPlugin = {
  name: 'iced-x86',
  setup(build) {
    build.onLoad({ filter: /[\\/]iced_x86\.js$/ }, () => ({ contents: rewriteLibrary(), loader: 'js' }));
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (/[\\/]node_modules[\\/]/.test(path)) return undefined;
      const text = await readFile(path, 'utf8');
      if (!text.includes("from 'iced-x86'")) return undefined;
      // Types go first: of what is left, every name of an enumeration is its value.
      const { code, map } = await build.esbuild.transform(text, { loader: 'ts', target: 'node20', sourcefile: path, sourcemap: 'external' });
      return { contents: `${rewriteSource(code)}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`, loader: 'js' };
    });
  },
};
