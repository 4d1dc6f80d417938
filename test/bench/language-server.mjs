/**
 * Measures the built language server (dist/mcsafe.cjs) from outside, over the protocol: the time a person waits.
 *
 *     npm run bench:lsp [-- --rounds N] [--json]
 *
 * A keystroke is timed from the moment `didChange` is sent to the arrival of the diagnostics for that version, whatever the server does
 * in between, pushed and pulled. `as` assembles the same text in the same run, for scale. Needs the corpus (`node test/corpus/fetch.mjs 6.1`).
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { importTs } from '../../scripts/import-ts.mjs';

const [{ readGas }, { expandedText }, { projectOptions }, { nodeHost }] = await Promise.all(
  ['assembly/gas/read.ts', 'assembly/gas/expanded-text.ts', 'language-server/analysis/project-options.ts', 'host/node/host.ts'].map(importTs),
);
const host = nodeHost({ trusted: false });
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVER = join(ROOT, 'dist', 'mcsafe.cjs');
const KERNEL = join(ROOT, '.cache', 'corpus', '6.1', 'source');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : '';
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 100;

class Client {
  #process;
  #buffer = Buffer.alloc(0);
  #id = 0;
  #answers = new Map();
  #published = new Map();
  #ended = new Map();

  constructor() {
    this.#process = spawn(process.execPath, [SERVER, 'lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdout.on('data', (chunk) => this.#take(chunk));
  }

  async initialize(capabilities, folder) {
    const uri = folder === undefined ? null : pathToFileURL(folder).href;
    await this.request('initialize', { processId: process.pid, rootUri: uri, capabilities, workspaceFolders: uri === null ? null : [{ uri, name: 'folder' }] });
    this.notify('initialized', {});
  }

  request(method, params) {
    const id = ++this.#id;
    this.#send({ jsonrpc: '2.0', id, method, params });
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  notify(method, params) {
    this.#send({ jsonrpc: '2.0', method, params });
  }

  /** Resolves with the diagnostics of exactly this version. */
  published(uri, version) {
    return new Promise((resolve) => this.#published.set(`${uri} ${version}`, resolve));
  }

  /** Resolves when a progress has ended whose title contains `title`. */
  progress(title) {
    return new Promise((resolve) => this.#ended.set(title, { resolve }));
  }

  /** Megabytes: resident now. */
  memory() {
    return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8'))[1]) / 1024;
  }

  /** Milliseconds that its main thread has been running: what is left when others use the machine too. */
  cpu() {
    return Number(readFileSync(`/proc/${this.#process.pid}/task/${this.#process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  }

  async close() {
    await this.request('shutdown');
    this.notify('exit');
    await new Promise((resolve) => this.#process.on('exit', resolve));
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify(message));
    this.#process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#process.stdin.write(body);
  }

  #take(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#buffer.subarray(0, end).toString())[1]);
      if (this.#buffer.length < end + 4 + length) return;
      const message = JSON.parse(this.#buffer.subarray(end + 4, end + 4 + length).toString());
      this.#buffer = this.#buffer.subarray(end + 4 + length);
      this.#handle(message);
    }
  }

  #handle({ id, method, params, result, error }) {
    if (method === undefined) {
      const waiting = this.#answers.get(id);
      this.#answers.delete(id);
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(error.message));
      return;
    }
    if (id !== undefined) this.#send({ jsonrpc: '2.0', id, result: method === 'workspace/configuration' ? params.items.map(() => null) : null });
    if (method === 'textDocument/publishDiagnostics') {
      const key = `${params.uri} ${params.version}`;
      this.#published.get(key)?.(params.diagnostics);
      this.#published.delete(key);
    }
    if (method !== '$/progress') return;
    if (params.value.kind === 'begin') for (const [title, waiting] of this.#ended) if (params.value.title.includes(title)) waiting.token = params.token;
    if (params.value.kind === 'end') for (const waiting of this.#ended.values()) if (waiting.token === params.token) waiting.resolve();
  }
}

const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, part) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * part))];
const rows = [];
const row = (what, ...cells) => {
  rows.push([what, ...cells]);
  console.log(`| ${[what, ...cells].join(' | ')} |`);
};

/** Cold: the server starts, reads every source below `folder`, says that it is done. */
async function indexing(folder) {
  const started = performance.now();
  const client = new Client();
  const done = client.progress('reading sources');
  await client.initialize({ window: { workDoneProgress: true }, workspace: { workspaceFolders: true } }, folder);
  const ready = performance.now();
  await done;
  const end = performance.now();
  const first = performance.now();
  const symbols = await client.request('workspace/symbol', { query: 'copy_mc' });
  const query = performance.now() - first;
  const cpu = client.cpu();
  const memory = client.memory();
  await client.close();
  return { start: ready - started, index: end - ready, cpu, memory, query, symbols: symbols.length };
}

/** Types and deletes a character at places all over the text; every place is in an instruction. */
async function typing(uri, text, pull) {
  const client = new Client();
  await client.initialize({ textDocument: pull ? { diagnostic: {} } : { publishDiagnostics: { versionSupport: true } } });
  let version = 1;
  const answer = () => (pull ? client.request('textDocument/diagnostic', { textDocument: { uri } }) : client.published(uri, version));
  const opened = performance.now();
  let wait = pull ? undefined : answer();
  client.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'gas', version, text } });
  await (wait ?? answer());
  const open = performance.now() - opened;
  const lines = text.split('\n');
  const places = lines.flatMap((line, index) => (/^\s+[a-z]\w+\s+[%$(\w]/.test(line) ? [index] : []));
  const times = [];
  const cpu = [];
  for (let round = -10; round < rounds; round++) {
    const line = places[Math.floor(((round + 10) * 0.6180339887 % 1) * places.length)];
    const character = lines[line].trimEnd().length;
    for (const change of [
      { range: { start: { line, character }, end: { line, character } }, text: 'x' },
      { range: { start: { line, character }, end: { line, character: character + 1 } }, text: '' },
    ]) {
      version++;
      wait = pull ? undefined : answer();
      const used = client.cpu();
      const from = performance.now();
      client.notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges: [change] });
      await (wait ?? answer());
      if (round < 0) continue;
      times.push(performance.now() - from);
      cpu.push(client.cpu() - used);
    }
  }
  const hovers = [];
  for (let round = 0; round < 2 * rounds; round++) {
    const line = places[Math.floor((round * 0.6180339887 % 1) * places.length)];
    const from = performance.now();
    await client.request('textDocument/hover', { textDocument: { uri }, position: { line, character: lines[line].search(/\S/) + 1 } });
    if (round >= 5) hovers.push(performance.now() - from);
  }
  const memory = client.memory();
  await client.close();
  return { open, times, cpu, hovers, memory };
}

/** Milliseconds that `command` takes on the file, the median of five; undefined if it is not there or refuses. */
function timed(command, args) {
  const times = [];
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0) return undefined;
    times.push(performance.now() - from);
  }
  return quantile(times, 0.5);
}

/** Routines of loads, stores and loops, as long as asked for; `entries`: every eighth load has an exception-table entry. */
export function longSource(length, entries) {
  const lines = entries ? ['#include <linux/linkage.h>', '#include <asm/asm.h>'] : ['\t.text'];
  for (let number = 0; lines.length < length; number++) {
    const name = `routine_${number}`;
    lines.push(...(entries ? [`SYM_FUNC_START(${name})`] : [`\t.globl ${name}`, `\t.type ${name}, @function`, `${name}:`]));
    for (let at = 0; at < 8; at++) {
      if (entries) lines.push(`.Lread_${number}_${at}:`);
      lines.push(
        `\tmovq ${at * 8}(%rsi), %r8`, '\taddq %r8, %rax', `\tmovq %r8, ${at * 8}(%rdi)`, '\tadcq $0, %rax', '\tleaq 8(%rcx,%r8,2), %r9', '\txorl %r10d, %r10d',
        `\ttestq %r9, %r9`, `\tjz .Lskip_${number}_${at}`, '\tincq %r11', `.Lskip_${number}_${at}:`,
      );
    }
    lines.push('\tret');
    if (entries) {
      lines.push(`.Lpad_${number}:`, '\tmovl %edx, %eax', '\tret');
      for (let at = 0; at < 8; at++) lines.push(`\t_ASM_EXTABLE_UA(.Lread_${number}_${at}, .Lpad_${number})`);
    }
    lines.push(entries ? `SYM_FUNC_END(${name})` : `\t.size ${name}, . - ${name}`);
  }
  return `${lines.slice(0, length).join('\n')}\n`;
}

async function main() {
  if (!existsSync(SERVER)) throw new Error('dist/mcsafe.cjs is missing: npm run build');
  const work = mkdtempSync(join(tmpdir(), 'mcsafe-bench-lsp-'));
  try {
    console.log('| what | median | p95 | slowest | CPU time, median and p95 | |\n|---|---|---|---|---|---|');
    if (existsSync(KERNEL) && 'index'.includes(only)) {
      const folder = join(KERNEL, 'arch', 'x86');
      const runs = [];
      for (let round = 0; round < 3; round++) runs.push(await indexing(folder));
      const median = (key) => quantile(runs.map((run) => run[key]), 0.5);
      row('arch/x86 of linux-source-6.1, indexed cold', ms(median('index')), '', ms(Math.max(...runs.map(({ index }) => index))), `${ms(median('cpu'))} with the start`, `${Math.round(median('memory'))} MB; starting before that: ${ms(median('start'))}`);
      row('a search in its symbols', ms(median('query')), '', '', '', `${runs[0].symbols} found`);
    } else console.log('| arch/x86 | skipped: no corpus (node test/corpus/fetch.mjs 6.1), or not asked for | | | | |');
    const files = [];
    for (const [name, why] of [['crypto/aesni-intel_asm.S', 'most lines'], ['crypto/aesni-intel_avx-x86_64.S', 'most instructions'], ['lib/copy_user_64.S', 'entries']]) {
      const path = join(KERNEL, 'arch', 'x86', name);
      if (existsSync(path)) files.push({ label: `${name} (${why})`, uri: pathToFileURL(path).href, text: readFileSync(path, 'utf8') });
    }
    // A routine of the generated source with entries has 8 of them, in 102 lines.
    for (const [label, lines, entries] of [['50,000 lines', 50_000, false], ['5,000 lines with 390 entries', 5000, true], ['5,000 entries in one file', 2 + 625 * 102, true]]) {
      const path = join(work, `${label.replaceAll(/[ ,]/g, '-')}.S`);
      writeFileSync(path, longSource(lines, entries));
      files.push({ label, uri: pathToFileURL(path).href, text: readFileSync(path, 'utf8'), path: entries ? undefined : path });
    }
    for (const { label, uri, text, path } of files.filter((one) => one.label.includes(only))) {
      const pushed = await typing(uri, text, false);
      const pulled = await typing(uri, text, true);
      for (const [how, { times, cpu }] of [['pushed', pushed], ['pulled', pulled]]) row(`${label}: keystroke to diagnostics, ${how}`, ms(quantile(times, 0.5)), ms(quantile(times, 0.95)), ms(Math.max(...times)), `${ms(quantile(cpu, 0.5))}, ${ms(quantile(cpu, 0.95))}`, how === 'pushed' ? `${text.split('\n').length - 1} lines, opened in ${ms(pushed.open)}, ${Math.round(pushed.memory)} MB` : '');
      row(`${label}: hover`, ms(quantile(pushed.hovers, 0.5)), ms(quantile(pushed.hovers, 0.95)), ms(Math.max(...pushed.hovers)), '', '');
      const expanded = join(work, 'expanded.s');
      const source = path ?? fileURLToPath(uri);
      writeFileSync(expanded, expandedText(readGas(source, text, projectOptions(source, host))).text);
      const as = timed('as', ['-o', '/dev/null', expanded]);
      row(`${label}: as on the expanded text`, as === undefined ? 'skipped: no as' : ms(as), '', '', '', '');
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

await main();
