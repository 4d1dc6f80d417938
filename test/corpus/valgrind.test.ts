/**
 * What valgrind is tested with, on the emulated CPU: lists of instructions with operands and results, of which a script of valgrind's makes
 * programs, and programs with what they print. They are built as user programs and run whole, C library included, in a process of the
 * emulator's own. Every line must be what valgrind states, but for instructions that docs/isa.md does not claim.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { missing, valgrindSuite } from './corpus.ts';
import { LinuxProcess } from './linux-process.ts';
import type { ProcessResult } from './linux-process.ts';

const ISA = fileURLToPath(new URL('../../docs/isa.md', import.meta.url));
const skip = missing('the tests of valgrind', { commands: ['gcc', 'perl'], valgrindSuite: true });
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-valgrind-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

const FLAGS = ['-w', '-O1', '-static', '-no-pie', '-fno-pie', '-fcommon', '-fno-strict-aliasing', '-msse4.2', '-maes', '-mpclmul', '-Wl,-z,noexecstack'];

/** Builds one program and runs it; an instruction that is not modelled is SIGILL to it. */
function outcome(root: string, source: string): ProcessResult {
  writeFileSync(join(folder, 'config.h'), '');
  const program = join(folder, 'program');
  execFileSync('gcc', [...FLAGS, `-I${folder}`, `-I${root}`, '-o', program, source, '-lm'], { stdio: ['ignore', 'ignore', 'pipe'] });
  return new LinuxProcess(readFileSync(program), { profile: DEFAULT_CPU_PROFILE, unsupportedIsIllegal: true }).run();
}

/** The instructions that docs/isa.md has in some row as verified or supported, by iced's mnemonics. */
function claimed(): ReadonlyMap<string, string> {
  const rows = readFileSync(ISA, 'utf8').split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.filter((cells) => cells.length >= 9).map(([, code = '', , , , status = '']) => [code, status] as const));
}

/** Definitions of each list of which the emulator gives the result, of all. */
const LISTS: Readonly<Record<string, readonly [done: number, of: number]>> = {
  'amd64/insn_basic': [1286, 1286], 'amd64/insn_mmx': [105, 105], 'amd64/insn_sse': [42, 154], 'amd64/insn_sse2': [218, 343], 'amd64/insn_sse3': [7, 43],
  'amd64/insn_ssse3': [188, 188], 'amd64/insn_pclmulqdq': [160, 160],
};

describe.skipIf(skip !== undefined)('instructions that valgrind lists', () => {
  test.each(Object.keys(LISTS))('%s have the results it states', (name) => {
    const root = valgrindSuite()!;
    const tests = join(root, 'none/tests');
    const source = join(folder, 'list.c');
    writeFileSync(source, execFileSync('perl', [join(tests, dirname(name), 'gen_insn_test.pl')], { input: readFileSync(join(tests, `${name}.def`)), maxBuffer: 1 << 28 }));
    const { output, ending, illegal } = outcome(root, source);
    expect(ending).toEqual({ status: 0 });
    const results = output.split('\n').filter((line) => line.includes(' ... '));
    const [done, of] = LISTS[name]!;
    expect(results.filter((line) => line.endsWith('not ok'))).toEqual([]);
    expect([results.filter((line) => line.endsWith(' ok')).length, results.length]).toEqual([done, of]);
    // What failed, failed on an instruction that is not claimed in any form of its operands.
    const status = claimed();
    const falsely = [...illegal.keys()].filter((text) => {
      const mnemonic = text.split(' ')[0]!;
      const rows = [...status].filter(([code]) => new RegExp(`^${mnemonic}(_|$)`, 'i').test(code));
      return rows.some(([, value]) => value === 'verified' || value === 'supported');
    });
    expect(falsely).toEqual([]);
  });
});

/** Programs that print what they found, in `amd64` unless they say otherwise. */
const PROGRAMS = [
  'asorep', 'bt_flags', 'bug127521-64', 'bug132813-amd64', 'bug137714-amd64', 'cet_nops', 'clc', 'cmpxchg', 'crc32', 'jrcxz', 'looper', 'loopnel', 'movbe', 'nibz_bennee_mmap',
  'pcmpstr64', 'rcl-amd64', 'sbbmisc', 'shrld', 'slahf-amd64', 'smc1', 'xacq_xrel', 'xadd', 'x86/bt_everything', 'x86/movx', 'x86/shift_ndep',
] as const;

describe.skipIf(skip !== undefined)('programs of valgrind\'s', () => {
  test.each(PROGRAMS)('%s prints what it states', (name) => {
    const root = valgrindSuite()!;
    const path = join(root, 'none/tests', name.includes('/') ? name : `amd64/${name}`);
    const { output, illegal } = outcome(root, `${path}.c`);
    expect([...illegal.keys()]).toEqual([]);
    expect(output).toBe(readFileSync(`${path}.stdout.exp`, 'latin1'));
  });
});
