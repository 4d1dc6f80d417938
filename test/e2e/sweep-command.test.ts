/**
 * `mcsafe sweep` as it is shipped: threads, signals, parts on several machines (here: several processes), files.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { has } from '../host/tools.ts';
import { ROOT } from './harness/server.ts';

const COMMAND = join(ROOT, 'dist', 'mcsafe.cjs');
const WRONG = join(ROOT, 'samples', 'faulty', 'clobbered_count.S');
const RIGHT = join(ROOT, 'samples', 'copy_mc.S');
/** Several units, in a second or two. */
const SPACE = ['-n', '64', '--faults', 'none,mc-line,pf-read', '--src-offsets', '0..15', '--dst-offsets', '0..31'];
/** Several seconds: the state of a sweep is written every second. */
const LONGER = ['-n', '64', '--faults', 'none,mc-line,mc-byte,pf-read,pf-read-byte', '--src-offsets', '0..15', '--dst-offsets', '0..15'];
/** Hours, if it were let. */
const ENDLESS = ['-n', '3000', '--faults', 'mc-byte', '--src-offsets', '0..3'];

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-sweep-command-'));
afterAll(() => { rmSync(folder, { recursive: true }); });
const path = (name: string): string => join(folder, name);
const json = (name: string): unknown => JSON.parse(readFileSync(path(name), 'utf8'));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function mcsafe(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return run(process.execPath, [COMMAND, ...args], environment);
}

function run(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: folder, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: '1', ...environment } }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}

/** Runs until something matches on standard error or in a file, then sends the signal. */
function interrupted(args: readonly string[], signal: NodeJS.Signals, ready: () => boolean): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
    let stdout = '', stderr = '';
    child.stdout.on('data', (text) => { stdout += String(text); });
    child.stderr.on('data', (text) => { stderr += String(text); });
    const timer = setInterval(() => {
      if (!ready()) return;
      clearInterval(timer);
      child.kill(signal);
    }, 50);
    child.on('close', (status) => {
      clearInterval(timer);
      resolve({ status: status ?? -1, stdout, stderr });
    });
  });
}

/** Whether the file of `--resume` tells of work done. */
function hasUnits(name: string): boolean {
  return existsSync(path(name)) && /"units":\[\d/.test(readFileSync(path(name), 'utf8'));
}

let alone: Outcome;
beforeAll(async () => { alone = await mcsafe(['sweep', WRONG, ...SPACE, '--jobs', '1', '--json']); });

test('one thread or two: the same report, to the byte; status 1 for a broken promise', async () => {
  expect(alone.status).toBe(1);
  const two = await mcsafe(['sweep', WRONG, ...SPACE, '--jobs', '2', '--json']);
  expect(two.status).toBe(1);
  expect(two.stdout).toBe(alone.stdout);
});

test('status 0 for a routine that keeps its promises, 2 for one that cannot be swept', async () => {
  expect((await mcsafe(['sweep', RIGHT, '-n', '8..8', '--src-offsets', '0'])).status).toBe(0);
  expect((await mcsafe(['sweep', 'nothing.S'])).status).toBe(2);
  expect((await mcsafe(['sweep', RIGHT, '--report', 'html=/nowhere/a.html'])).status).toBe(2);
});

test('GNU parallel runs the parts; together they are what one run finds', async () => {
  if (!has('parallel')) return;
  const parts = await run('parallel', ['--jobs', '2', `${process.execPath} ${COMMAND} sweep ${WRONG} ${SPACE.join(' ')} --jobs 1 --shard-count 3 --json > ${folder}/part-{}.json; test $? = 1`, ':::', '1', '2', '3']);
  expect(parts.stderr).toMatch(/part 3\/3, as GNU parallel says/);
  expect(parts.status).toBe(0);
  const together = await mcsafe(['sweep', 'merge', 'part-3.json', 'part-1.json', 'part-2.json', '--json', '--report', 'html=merged.html']);
  expect(together.status).toBe(1);
  expect(JSON.parse(together.stdout)).toEqual(JSON.parse(alone.stdout));
  expect(readFileSync(path('merged.html'), 'utf8')).toContain('.Lread');
});

test('a job array of Slurm runs the part of its number; the parts of another sweep are refused', async () => {
  const slurm = (id: number): Record<string, string> => ({ SLURM_ARRAY_TASK_ID: String(id), SLURM_ARRAY_TASK_MIN: '0', SLURM_ARRAY_TASK_MAX: '1', SLURM_ARRAY_TASK_COUNT: '2', SLURM_ARRAY_TASK_STEP: '1' });
  const small = ['sweep', WRONG, '-n', '8', '--src-offsets', '0', '--dst-offsets', '0', '--report'];
  const first = await mcsafe([...small, 'json=0.json'], slurm(0));
  expect(first.stderr).toContain('part 1/2, as Slurm says');
  await mcsafe([...small, 'json=1.json'], slurm(1));
  await mcsafe([...small, 'json=other.json', '--exceptions', '1'], slurm(1));
  expect((await mcsafe(['sweep', 'merge', '0.json', '1.json'])).stdout).toContain('exhaustive');
  const refused = await mcsafe(['sweep', 'merge', '0.json', 'other.json']);
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toMatch(/other\.json is of another campaign/);
});

describe('an interruption', () => {
  test('prints what is known and exits with 130', async () => {
    const { status, stdout } = await interrupted(['sweep', RIGHT, ...ENDLESS, '--resume', 'a.state', '--report', 'json=known.json'], 'SIGINT', () => hasUnits('a.state'));
    expect(status).toBe(130);
    expect(stdout).toMatch(/interrupted after [\d,]+ of [\d,]+ cases/);
    const { cases, planned } = json('known.json') as { cases: number; planned: number };
    expect(cases).toBeGreaterThan(0);
    expect(cases).toBeLessThan(planned);
  });

  test('is gone on from, with the report of one run; a changed campaign is not', async () => {
    const whole = mcsafe(['sweep', WRONG, ...LONGER, '--json']);
    const args = ['sweep', WRONG, ...LONGER, '--jobs', '1', '--resume', 'b.state'];
    const first = await interrupted(args, 'SIGTERM', () => hasUnits('b.state'));
    expect(first.status).toBe(143);
    expect((await mcsafe([...args, '--exceptions', '1'])).stderr).toMatch(/b\.state is of another campaign of copy_clobbering/);
    const { status, stdout } = await mcsafe([...args, '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual(JSON.parse((await whole).stdout));
    expect(await mcsafe([...args, '--json'])).toMatchObject({ status: 1 });
  });
});
