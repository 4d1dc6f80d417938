/**
 * libmcsafe against the kernel model: the same samples as a user program and in the emulator, with the same registers and the same memory.
 * Registers, flags, memory, number of exceptions and who was asked must be the same in every case.
 *
 * What an unprivileged program can show: #PF (not present, not writable), #GP (addresses that are not canonical, selectors that do not exist),
 * #DE, #UD; and #MC in place of the SIGBUS of a page behind the end of its file. Alignment checks exist in ring 3 alone.
 */
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FLAG } from '../../machine/cpu/cpu.ts';
import { missing } from '../corpus/corpus.ts';
import { hostCpu } from './native.ts';
import { TEST_TIMEOUT } from './oracle.ts';
import { chooseSeed, Random } from './random.ts';
import { formatCase, parseCase, randomCase } from './user-program/cases.ts';
import type { UserCase } from './user-program/cases.ts';
import { EmulatedProgram } from './user-program/emulated.ts';
import { UserProgram } from './user-program/native.ts';
import { FLAGS as ALL_FLAGS, ordered } from './user-program/outcome.ts';
import { PROGRAMS } from './user-program/programs.ts';

const here = process.platform === 'linux' && process.arch === 'x64';
if (!here) console.log('skipped: user programs with exception tables need x86-64 Linux');
const skip = here ? missing('user programs with exception tables', { commands: ['gcc', 'make'] }) : 'the host';
const COUNT = Number(process.env['MCSAFE_USER_CASES'] ?? 100_000);
const BATCH = 4000;

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-user-program-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/**
 * The path's steps sorted as the emulator's are; the second table is a range there and an entry here, with the same landing pad. What dies in
 * a handler dies on another stack, with other registers.
 */
function comparable(line: string, knownFlags: bigint): string {
  const [, before, path, after] = /^(.* path)(.*)( registers .*)$/.exec(line)!;
  const steps = path!.trim().split(' ').map((step) => step.replace(/^1[LR]1:18(copy_counting\S*):\S+$/, '1T1:18$1'));
  const inHandler = steps.some((step) => /^[2-9]N/.test(step));
  const state = inHandler ? after!.replace(/ registers .* memory/, ' memory') : after!.replace(/ flags ([0-9a-f]+)/, (_, flags: string) => ` flags ${(BigInt(`0x${flags}`) & knownFlags).toString(16)}`);
  return `${before!} ${ordered(steps.filter((step) => step !== '')).join(' ')}${state}`;
}

test.skipIf(skip !== undefined)('samples end as user programs as they end in the emulated kernel', async () => {
  const vendor = hostCpu().vendor === 'amd' ? 'amd' : 'intel';
  // Logic instructions and shifts leave AF and OF undefined; what they are then is known of AMD's processors alone.
  const knownFlags = vendor === 'amd' ? ALL_FLAGS : ALL_FLAGS & ~BigInt(FLAG.AF | FLAG.OF);
  const native = new UserProgram(folder);
  const emulated = new Map((await Promise.all(PROGRAMS.map(async (program) => {
    const machine = await EmulatedProgram.load(program, vendor);
    return program.routines.map((routine) => [routine, machine] as const);
  }))).flat());
  const given = process.env['MCSAFE_USER_CASE'];
  const seed = chooseSeed();
  const random = new Random(seed ^ 0x05e2);
  const routines = [...emulated.keys()];
  const count = given === undefined ? COUNT : 1;
  const reports: string[] = [];
  const seen = { exceptions: 0, died: 0, vectors: new Set<string>(), takers: new Set<string>() };
  const milliseconds = { native: 0, emulated: 0 };
  for (let done = 0; done < count; done += BATCH) {
    const cases: UserCase[] = given === undefined
      ? Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => randomCase(random, routines[(done + i) % routines.length]!)) : [parseCase(given)];
    const start = performance.now();
    const real = native.run(cases).map((line) => comparable(line, knownFlags));
    milliseconds.native += performance.now() - start;
    const middle = performance.now();
    cases.forEach((one, i) => {
      const modelled = comparable(emulated.get(one.routine)!.run(one), knownFlags);
      if (given !== undefined) console.log(`here:     ${real[i]!}\nemulated: ${modelled}`);
      if (modelled !== real[i]) reports.push(`MCSAFE_USER_CASE='${formatCase(one)}'\n  here:     ${real[i]!}\n  emulated: ${modelled}`);
      seen.exceptions += Number(/exceptions (\d+)/.exec(modelled)![1]);
      if (modelled.startsWith('died')) seen.died++;
      for (const [, taker, vector] of modelled.matchAll(/ \d([A-Z])\d:(\d+)[a-z]/g)) {
        seen.takers.add(taker!);
        seen.vectors.add(vector!);
      }
    });
    milliseconds.emulated += performance.now() - middle;
  }
  console.log(`seed ${String(seed)}: ${String(count)} cases of ${String(routines.length)} routines, ${String(seen.exceptions)} exceptions, ${String(seen.died)} that nobody took; `
    + `${(milliseconds.native / 1000).toFixed(1)} s here, ${(milliseconds.emulated / 1000).toFixed(1)} s emulated; ${String(reports.length)} differ`);
  if (reports.length > 0) console.log(`run one again: MCSAFE_USER_CASE='…' npx vitest run --project oracle test/oracle/user-program.test.ts\n${reports.slice(0, 5).join('\n')}`);
  expect(reports.length).toBe(0);
  if (given !== undefined) return;
  expect([...seen.takers].sort(), 'handlers, landing pads, nobody, ranges, a second table').toEqual(['H', 'L', 'N', 'R', 'T']);
  expect([...seen.vectors].map(Number).sort((a, b) => a - b)).toEqual([0, 6, 13, 14, 18]);
}, TEST_TIMEOUT);
