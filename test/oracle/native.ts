/**
 * The real CPU: builds the C runner and hands it batches of cases.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';
import { DecoderOptions } from 'iced-x86';
import type { OracleCase, Outcome } from './case.ts';
import { decodeAnswers, encodeBatch } from './wire.ts';

const source = fileURLToPath(new URL('./runner.c', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/oracle/', import.meta.url));
const RUNNER = 'runner';
const binary = `${cache}${RUNNER}`;

const FLAGS = [
  '-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-fno-stack-protector', '-fno-pic', '-no-pie', '-fcf-protection=none', '-mcmodel=large', '-mno-red-zone', '-nostdlib', '-static',
  '-Wl,-Ttext-segment=0x55aa00000000',
];

/** The CPU the tests run on, as /proc/cpuinfo tells it. */
export interface HostCpu {
  readonly vendor: 'intel' | 'amd' | 'other';
  readonly family: number;
  readonly model: string;
  readonly features: ReadonlySet<string>;
}

export interface NativeCpu {
  readonly host: HostCpu;
  /** Runs the cases in order; one answer each. */
  run(cases: readonly OracleCase[]): Outcome[];
}

export function hostCpu(): HostCpu {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  const vendor = field('vendor_id');
  return { vendor: vendor === 'GenuineIntel' ? 'intel' : vendor === 'AuthenticAMD' ? 'amd' : 'other', family: Number(field('cpu family')), model: field('model name'), features: new Set(field('flags').split(' ')) };
}

/** How instructions are to be decoded so that they are what this machine's CPU takes them for; iced-x86's `DecoderOptions`. */
export const hostDecoding: number = existsSync('/proc/cpuinfo') && hostCpu().vendor === 'amd' ? DecoderOptions.AMD : DecoderOptions.None;

/** Compiles a runner into `.cache/oracle/`, unless it is there and up to date; its path. Several tests may ask at once. */
export function builtRunner(from: string, name: string, flags: readonly string[]): string {
  const runner = `${cache}${name}`;
  mkdirSync(cache, { recursive: true });
  if (existsSync(runner) && statSync(runner).mtimeMs > statSync(from).mtimeMs) return runner;
  const temporary = `${runner}.${process.pid}.${threadId}`;
  execFileSync('gcc', [...flags, '-o', temporary, from], { stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(temporary, runner);
  return runner;
}

const nothing: Outcome = { ending: { kind: 'lost' }, rip: 0n, rflags: 0n, gpr: new Array<bigint>(16).fill(0n), vectors: new Uint8Array(512), x87: new Uint8Array(80), x87Status: 0, x87Tag: 0, changes: [] };

function run(cases: readonly OracleCase[]): Outcome[] {
  const outcomes: Outcome[] = [];
  while (outcomes.length < cases.length) {
    const rest = cases.slice(outcomes.length);
    const { stdout, stderr, status } = spawnSync(binary, { input: encodeBatch(rest), maxBuffer: 1 << 30 });
    if (status === 2) throw new Error(`the oracle's runner: ${stderr.toString()}`);
    const answered = decodeAnswers(stdout);
    for (const answer of answered) outcomes.push(answer);
    // The runner flushes in blocks, so the case that killed it is somewhere behind the last answer: run that stretch one by one.
    if (answered.length === rest.length) break;
    const suspect = rest[answered.length]!;
    const alone = spawnSync(binary, { input: encodeBatch([suspect]), maxBuffer: 1 << 30 });
    outcomes.push(decodeAnswers(alone.stdout)[0] ?? nothing);
  }
  return outcomes;
}

/** The real CPU, or why this machine cannot lend it. */
export function nativeCpu(): NativeCpu | { readonly skipped: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { skipped: 'the oracle needs x86-64 Linux' };
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
  } catch {
    return { skipped: 'the oracle needs gcc' };
  }
  builtRunner(source, RUNNER, FLAGS);
  return { host: hostCpu(), run };
}
