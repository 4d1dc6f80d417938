/**
 * The library for user programs, built and used in each way its README names; its own tests are in C, beside it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { fixTables } from '../../assembly/extable/fix.ts';
import { missing } from '../corpus/corpus.ts';

const RUNTIME = fileURLToPath(new URL('../../runtime', import.meta.url));
const here = process.platform === 'linux' && process.arch === 'x64';
if (!here) console.log('skipped: the runtime needs x86-64 Linux');
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-runtime-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** Output of a program; its whole output as the error if it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${String(status)}\n${stdout}${stderr}`);
  return stdout;
}

const CONSUMER = `#include <mcsafe/runtime.h>
int main(void)
{
	unsigned long value;

	return mcsafe_init() != 0 || MCSAFE_LOAD((unsigned long *)8, &value) != 14;
}
`;

const skip = here ? missing('the runtime', { commands: ['gcc', 'make'] }) : 'the host';
const noPkgConfig = missing('the runtime through pkg-config', { commands: ['pkg-config'] });
const noCMake = missing('the runtime through CMake', { commands: ['cmake'] });

describe.skipIf(skip !== undefined)('the runtime', () => {
  describe.each(['gcc', 'clang'])('built with %s', (compiler) => {
    const noCompiler = missing(`the runtime built with ${compiler}`, { commands: [compiler] });

    test.skipIf(noCompiler !== undefined)('passes its own tests', () => {
      const output = run('make', ['-s', '-C', RUNTIME, `CC=${compiler}`, `BUILD=${folder}/${compiler}`, 'check']);
      expect(output.match(/^ok /gm)?.length).toBeGreaterThan(20);
      expect(output).toContain('all passed');
    });

    test.skipIf(noCompiler !== undefined)('passes them under the address and undefined-behaviour sanitizers', () => {
      // The sanitizer's own handlers would be "the handlers before" of tests that are about there being none.
      const env = { ASAN_OPTIONS: 'handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:detect_leaks=0', UBSAN_OPTIONS: 'halt_on_error=1' };
      expect(run('make', ['-s', '-C', RUNTIME, `CC=${compiler}`, `BUILD=${folder}/${compiler}-sanitized`, 'SANITIZE=address,undefined', 'check'], env)).toContain('all passed');
    });
  });

  test('refuses a range whose length is left open, and takes it once mcsafe table --fix has filled it in', () => {
    const program = `${folder}/ranged`;
    writeFileSync(`${program}.c`, `#include <stdio.h>
#include <mcsafe/runtime.h>
static bool handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self; (void)info;
	regs->ax = 0x1000 + trapnr;
	regs->ip = *(const unsigned long *)regs->sp;
	regs->sp += 8;
	return true;
}
const struct extable_handler whole = { .handler = handle, .vectors = EXTABLE_PF };
__attribute__((naked, noinline)) unsigned long load(const unsigned long *from) { (void)from; __asm__("movq (%rdi), %rax\\n\\tret"); }
EXTABLE_RANGE_OF(load, whole);
int main(void)
{
	if (mcsafe_init() != 0) {
		puts(mcsafe_last_error());
		return 1;
	}
	printf("%lx\\n", load((const unsigned long *)8));
	return 0;
}
`);
    run('make', ['-s', '-C', RUNTIME, `BUILD=${folder}/make`, 'all']);
    execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', `-I${RUNTIME}/include`, '-o', program, `${program}.c`, `${folder}/make/libmcsafe.a`, '-pthread', '-ldl'], { stdio: 'pipe' });
    expect(spawnSync(program, { encoding: 'utf8' })).toMatchObject({ status: 1, stdout: expect.stringMatching(/length.*mcsafe table --fix/) as string });
    const { bytes, changes } = fixTables(program, readFileSync(program));
    expect(changes[0]).toMatch(/^__ex_range: range 0 is as long as load, \d+ bytes$/);
    writeFileSync(program, bytes);
    expect(run(program, [])).toBe('100e\n');
  });

  test.skipIf(noPkgConfig !== undefined)('is installed by make and found by pkg-config', () => {
    run('make', ['-s', '-C', RUNTIME, `BUILD=${folder}/install`, `PREFIX=${folder}/prefix`, 'install']);
    writeFileSync(`${folder}/consumer.c`, CONSUMER);
    const flags = run('pkg-config', ['--cflags', '--libs', 'mcsafe'], { PKG_CONFIG_PATH: `${folder}/prefix/lib/pkgconfig` }).trim().split(' ');
    for (const standard of ['-std=c11', '-std=gnu17']) {
      execFileSync('gcc', [standard, '-Wall', '-Wextra', '-Werror', '-o', `${folder}/consumer`, `${folder}/consumer.c`, ...flags], { stdio: 'pipe' });
      run(`${folder}/consumer`, [], { LD_LIBRARY_PATH: `${folder}/prefix/lib` });
    }
  });

  test.skipIf(noCMake !== undefined)('is built by CMake, and found by a project that uses it', () => {
    const prefix = `${folder}/cmake-prefix`;
    run('cmake', ['-S', RUNTIME, '-B', `${folder}/cmake`, `-DCMAKE_INSTALL_PREFIX=${prefix}`]);
    run('cmake', ['--build', `${folder}/cmake`]);
    run('cmake', ['--install', `${folder}/cmake`]);
    execFileSync('mkdir', ['-p', `${folder}/project`]);
    writeFileSync(`${folder}/project/consumer.c`, CONSUMER);
    writeFileSync(`${folder}/project/CMakeLists.txt`, 'cmake_minimum_required(VERSION 3.13)\nproject(consumer C)\nfind_package(mcsafe REQUIRED)\nadd_executable(consumer consumer.c)\ntarget_link_libraries(consumer mcsafe::mcsafe_static)\n');
    run('cmake', ['-S', `${folder}/project`, '-B', `${folder}/project/build`, `-DCMAKE_PREFIX_PATH=${prefix}`]);
    run('cmake', ['--build', `${folder}/project/build`]);
    run(`${folder}/project/build/consumer`, []);
  });
});
