/**
 * `npm run bench`: the emulator beside the real CPU (gcc) and qemu-x86_64, ratios from one run. Each figure is the median of interleaved
 * rounds of CPU time. `--rounds N`; `--faults` for the cost of caught faults alone, `--checked` for campaigns.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { COPY_TEXT } from '../cpu/copy-routine.ts';
import { sweptSpace, SWEPT_COPY, SWEPT_SPACES } from './checked-runs.ts';
import { emulatedKernel, emulatedShortRuns, emulatedSteps, emulatedStepsBack, objectFile } from './emulated.ts';
import type { ShortKind } from './emulated.ts';
import { emulatedFaults, nativeFaults } from './faults.ts';

const ROUNDS = process.argv.includes('--rounds') ? Number(process.argv[process.argv.indexOf('--rounds') + 1]) : 7;
const cache = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const here = fileURLToPath(new URL('./', import.meta.url));

interface Kernel {
  readonly name: string;
  readonly title: string;
  readonly arguments: readonly (string | number)[];
  readonly calls: number;
}
const KERNELS: readonly Kernel[] = [
  { name: 'alu', title: 'dependent ALU loop', arguments: [4_000_000], calls: 4 },
  { name: 'copy_words', title: '8-byte copy loop, 64 KiB', arguments: ['dst', 'src', 65536, 200], calls: 4 },
  { name: 'rep_copy', title: 'rep movsb, 4 KiB', arguments: ['dst', 'src', 4096, 2000], calls: 4 },
  { name: 'checksum', title: 'byte checksum with branches', arguments: [0, 'src', 65536, 40], calls: 4 },
  { name: 'fib', title: 'recursive fib(27)', arguments: [27], calls: 2 },
];
const SHORT: readonly { readonly kind: ShortKind; readonly title: string; readonly native: boolean }[] = [
  { kind: 'clean', title: 'clean', native: true },
  { kind: 'guard', title: 'one guard-page fault', native: true },
  { kind: 'poison', title: 'one poison byte in a mapped page', native: false },
  { kind: 'two', title: 'two faults', native: true },
];

function find(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

function build(): string | undefined {
  if (find('gcc') === undefined) return undefined;
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${cache}copy.s`, COPY_TEXT);
  execFileSync('gcc', ['-O2', '-static', '-o', `${cache}native`, `${here}native.c`, `${here}kernels.s`, `${cache}copy.s`]);
  return `${cache}native`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function outside(command: readonly string[], args: readonly string[]): { readonly ns: number; readonly result: bigint } {
  const [ns, result] = execFileSync(command[0]!, [...command.slice(1), ...args], { encoding: 'utf8' }).trim().split(' ');
  return { ns: Number(ns), result: BigInt(result!) };
}

async function main(): Promise<void> {
  const native = build();
  const qemu = native === undefined ? undefined : find('qemu-x86_64');
  if (native === undefined) console.log('skipped: native figures: no gcc');
  if (qemu === undefined) console.log('skipped: qemu figures: no qemu-x86_64 (Debian package qemu-user)');
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, ${String(cpus().length)} cores, Node ${process.versions.node}; median of ${String(ROUNDS)} rounds, CPU time\n`);
  const ratios: number[] = [];
  console.log('| kernel | guest MIPS here | native: here | qemu: here (above 1: faster than qemu) | figure |');
  console.log('|---|---|---|---|---|');
  for (const kernel of KERNELS) {
    const call = emulatedKernel(kernel.name, kernel.arguments);
    const times = { here: [] as number[], native: [] as number[], qemu: [] as number[] };
    let instructions = 0;
    // Hot code is found, compiled and optimised first: cold start is a figure of its own below.
    for (let i = 0; i < 12; i++) call();
    const args = [kernel.name, String(kernel.calls), ...kernel.arguments.map(String)];
    for (let round = 0; round < ROUNDS; round++) {
      const mine = call();
      instructions = mine.instructions;
      times.here.push(mine.ns);
      if (native === undefined) continue;
      const real = outside([native], args);
      if (BigInt.asUintN(64, mine.result * BigInt(kernel.calls)) !== real.result && kernel.name !== 'copy_words' && kernel.name !== 'rep_copy') throw new Error(`${kernel.name}: ${String(mine.result)} here, ${String(real.result)} natively`);
      times.native.push(real.ns);
      if (qemu !== undefined) times.qemu.push(outside([qemu, native], args).ns);
    }
    const here = median(times.here), real = median(times.native), other = median(times.qemu);
    if (!Number.isNaN(other)) ratios.push(other / here);
    const bytes = kernel.name === 'rep_copy' ? `${((4096 * 2000) / here * 1000).toFixed(0)} MB/s` : '';
    console.log(`| ${kernel.title} | ${(instructions / here * 1000).toFixed(0)} | ${(real / here).toFixed(3)} | ${(other / here).toFixed(2)} | ${bytes} |`);
  }
  if (ratios.length > 0) console.log(`\ngeometric mean against qemu-x86_64: ${(ratios.reduce((a, b) => a * b, 1) ** (1 / ratios.length)).toFixed(2)}\n`);
  console.log('| short runs of a 256-byte copy | here, k runs/s | native, k/s | qemu, k/s | here / native | slow cases |');
  console.log('|---|---|---|---|---|---|');
  for (const { kind, title, native: natively } of SHORT) {
    const run = emulatedShortRuns(kind);
    run(60_000);
    const times = { here: [] as number[], native: [] as number[], qemu: [] as number[] };
    let slow = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const mine = run(100_000);
      times.here.push(mine.ns);
      slow += mine.slow;
      if (native === undefined || !natively) continue;
      times.native.push(outside([native], [`short-${kind}`, '20000']).ns);
      if (qemu !== undefined) times.qemu.push(outside([qemu, native], [`short-${kind}`, '5000']).ns);
    }
    const rate = (ns: number): string => (Number.isNaN(ns) ? '-' : (1e6 / ns).toFixed(0));
    const here = median(times.here), real = median(times.native);
    console.log(`| ${title} | ${rate(here)} | ${rate(real)} | ${rate(median(times.qemu))} | ${Number.isNaN(real) ? '-' : (real / here).toFixed(1)} | ${String(slow)} |`);
  }
  await checkedRuns(native);
  flatCost();
  debugging();
  caughtFaults(native !== undefined);
}

/** Runs of a campaign, each with all its promises checked, beside a harness in C that compares the same bytes. */
async function checkedRuns(native: string | undefined): Promise<void> {
  const file = `${cache}swept-copy.S`;
  mkdirSync(cache, { recursive: true });
  writeFileSync(file, SWEPT_COPY);
  console.log('\n| checked runs of a campaign | cases | k runs/s | the whole space, ms (the first time, with compiling) | native harness, k/s | here / native |');
  console.log('|---|---|---|---|---|---|');
  for (const space of SWEPT_SPACES) {
    const { cases, first, again } = await sweptSpace(file, space);
    const here: number[] = [], real: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      here.push(again());
      if (native !== undefined && space.native !== undefined) real.push(outside([native], ['sweep', ...space.native]).ns);
    }
    const ns = median(here), other = median(real);
    const shown = (value: number, digits: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));
    console.log(`| ${space.title} | ${cases.toLocaleString('en')} | ${(1e6 / ns).toFixed(0)} | ${(ns * cases / 1e6).toFixed(0)} (${(first * cases / 1e6).toFixed(0)}) | ${shown(1e6 / other, 0)} | ${shown(other / ns, 1)} |`);
  }
}

/** A caught fault: natively nearly all of it is the system's way into a signal handler and back, which is elapsed time for both. */
function caughtFaults(natively: boolean): void {
  const native = natively ? nativeFaults(`${cache}runtime`) : new Map<string, number>();
  const emulated = (['landing_pad', 'handler'] as const).map((by) => {
    const run = emulatedFaults(by);
    run(2000);
    return median(Array.from({ length: ROUNDS }, () => run(2000)));
  });
  const us = (ns: number | undefined): string => (ns === undefined ? '-' : (ns / 1000).toFixed(1));
  console.log(`
| a caught fault | user program, µs | emulated kernel, µs |
|---|---|---|
| landing pad | ${us(native.get('landing pad'))} | ${us(emulated[0])} |
| handler | ${us(native.get('handler in C'))} | ${us(emulated[1])} |
| sigsetjmp, siglongjmp | ${us(native.get('sigsetjmp/siglongjmp'))} | has neither |`);
}

/** Cost of a run by how many there are. Each count is measured several times, so that few runs are not lost in the noise. */
function flatCost(): void {
  console.log('\ncost of a run by how many there are (one poison byte), and the process\'s memory:');
  const run = emulatedShortRuns('poison');
  const { ns: first } = run(1_000);
  console.log(`  the first 1000 of a new CPU: ${first.toFixed(0)} ns, with decoding, and compiling what is hot`);
  run(60_000);
  for (const count of [1_000, 10_000, 100_000, 1_000_000]) {
    const ns = median(Array.from({ length: Math.max(3, Math.min(50, 100_000 / count)) }, () => run(count).ns));
    console.log(`  ${String(count).padStart(8)}: ${ns.toFixed(0)} ns, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
  }
}

/** What a debug session waits for. */
function debugging(): void {
  const step = median(Array.from({ length: ROUNDS }, () => emulatedSteps(100_000)));
  const { ms, checkpoints } = emulatedStepsBack(10_000_000, 101);
  const cold = coldStarts();
  console.log(`
| debugging | figure |
|---|---|
| single steps through the machine's interface | ${(1e6 / step).toFixed(0)} k/s |
| a step back after 10 million instructions, median of ${String(ms.length)} (slowest) | ${median(ms).toFixed(2)} ms (${Math.max(...ms).toFixed(2)} ms), ${String(checkpoints)} checkpoints |
| ${String(cold.size)}-byte object: load to first instruction, in a new process | median ${median(cold.ms).toFixed(1)} ms, least ${Math.min(...cold.ms).toFixed(1)} ms |
| node's own start, beside it: an empty script | median ${median(cold.empty).toFixed(1)} ms, least ${Math.min(...cold.empty).toFixed(1)} ms |`);
}

/** New processes that load an object and run one instruction: milliseconds from the program's first line. Elapsed time, so load counts. */
function coldStarts(): { readonly ms: readonly number[]; readonly empty: readonly number[]; readonly size: number } {
  const bytes = objectFile();
  writeFileSync(`${cache}object.o`, bytes);
  writeFileSync(`${cache}empty.cjs`, '');
  const ms: number[] = [], empty: number[] = [];
  for (let i = 0; i < 3 * ROUNDS; i++) {
    ms.push(Number(execFileSync(process.execPath, [`${cache}load.cjs`, `${cache}object.o`, 'copy'], { encoding: 'utf8' })));
    const start = performance.now();
    execFileSync(process.execPath, [`${cache}empty.cjs`]);
    empty.push(performance.now() - start);
  }
  return { ms, empty, size: bytes.length };
}

if (process.argv.includes('--faults')) caughtFaults(build() !== undefined);
else if (process.argv.includes('--checked')) await checkedRuns(build());
else await main();
