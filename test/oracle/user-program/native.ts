/**
 * The user program: built from the samples and libmcsafe, fed with cases.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readElf } from '../../../assembly/elf/read.ts';
import { GUEST_C_FLAGS } from '../../../host/encoders/c-compiler.ts';
import { gcc, standInFlags, writeStandIns } from '../../linux-compat/standins.ts';
import { formatCase } from './cases.ts';
import type { UserCase } from './cases.ts';
import { PROGRAMS, ROOT } from './programs.ts';
import { functionNames } from './outcome.ts';
import type { NameOf } from './outcome.ts';

const HERE = join(ROOT, 'test/oracle/user-program');
const MOST_OUTPUT = 1 << 28;

export class UserProgram {
  readonly #path: string;
  readonly #nameOf: NameOf;

  /** Builds everything below `folder`. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    execFileSync('make', ['-s', '-C', join(ROOT, 'runtime'), `BUILD=${folder}/runtime`, `${folder}/runtime/libmcsafe.a`], { stdio: 'pipe' });
    const objects = PROGRAMS.flatMap(({ files, generation }) => {
      const standIns = writeStandIns(generation);
      return files.map((file) => {
        const object = join(folder, `${basename(file)}.o`);
        // The same object code as the guest's: a kernel's code model fits a program that lies in the lowest 2 GiB, too.
        const flags = file.endsWith('.c') ? [...GUEST_C_FLAGS, `-I${standIns}`] : [`-I${HERE}`, ...standInFlags(generation, standIns)];
        gcc(flags, join(ROOT, file), object);
        return object;
      });
    });
    this.#path = join(folder, 'program');
    execFileSync('gcc', [
      '-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-no-pie', '-fno-pie', '-Wl,-z,noexecstack', `-I${ROOT}/runtime/include`, '-o', this.#path,
      join(HERE, 'program.c'), join(HERE, 'enter.S'), ...objects, `${folder}/runtime/libmcsafe.a`, '-pthread', '-ldl',
    ], { stdio: 'pipe' });
    const { symbols } = readElf(this.#path, readFileSync(this.#path));
    this.#nameOf = functionNames(symbols.map(({ name, value, size, type }) => ({ name, address: value, size, type })));
  }

  /** What came of each case. */
  run(cases: readonly UserCase[]): readonly string[] {
    const { status, signal, stdout, stderr } = spawnSync(this.#path, { input: `${cases.map(formatCase).join('\n')}\n`, encoding: 'utf8', maxBuffer: MOST_OUTPUT });
    const lines = stdout.trimEnd().split('\n');
    if (status !== 0 || lines.length !== cases.length) {
      const next = cases[lines.length];
      throw new Error(`the user program ended with ${signal ?? String(status)} after ${String(lines.length)} of ${String(cases.length)} cases: ${stderr}${next === undefined ? '' : formatCase(next)}`);
    }
    return lines.map((line) => line.replaceAll(/@([0-9a-f]+)/g, (_, hex: string) => this.#nameOf(BigInt(`0x${hex}`))));
  }
}
