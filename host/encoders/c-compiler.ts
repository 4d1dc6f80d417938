/**
 * C sources beside the assembly: compiled for the guest as a kernel's are, by gcc or clang, whichever is there.
 */
import { EXTABLE_HANDLERS_HEADER } from '../../assembly/linux-compat/headers/extable-handlers.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Host } from '../host.ts';
import { fileProblem } from '../problems.ts';
import type { Encoded } from './encoding.ts';
import { OBJECT_NAME, runTool, toolProblems } from './toolchain.ts';

export interface CompileRequest {
  readonly file: string;
  readonly host: Host;
  /** Absolute folders for #include, most important first. */
  readonly includePaths: readonly string[];
  readonly defines: Readonly<Record<string, string>>;
}

/** Folder, below the one the compiler runs in, that `mcsafe/extable.h` is put into. */
const OWN_HEADERS = 'stand-ins';
const COMPILERS = ['gcc', 'clang'];
/**
 * Kernel code: no library, no vector or x87 registers (handlers run with the interrupted ones), no red zone (exceptions push below rsp),
 * addresses in the top 2 GiB; lines as written, so that stepping follows the source.
 */
export const GUEST_C_FLAGS = [
  '-c', '-m64', '-std=gnu11', '-ffreestanding', '-mgeneral-regs-only', '-mno-red-zone', '-mcmodel=kernel', '-fno-pic', '-fno-pie', '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables', '-fcf-protection=none', '-fno-strict-aliasing', '-Og', '-g', '-gdwarf-5', '-Wall',
];

export async function compileC({ file, host, includePaths, defines }: CompileRequest): Promise<Encoded> {
  const failures: Problem[] = [];
  for (const command of COMPILERS) {
    const outcome = await runTool(file, host, {
      command,
      arguments: [
        ...GUEST_C_FLAGS, ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`), ...includePaths.map((folder) => `-I${folder}`), `-I${OWN_HEADERS}`, '-o', OBJECT_NAME, file,
      ],
      files: new Map([[`${OWN_HEADERS}/mcsafe/extable.h`, EXTABLE_HANDLERS_HEADER]]),
    }, 'install gcc');
    if (outcome.problem !== undefined) {
      failures.push(outcome.problem);
      continue;
    }
    const problems = outcome.result === undefined ? [] : toolProblems(file, outcome.result, command, (message) => (
      { start: { file: message.file, line: message.line, column: message.column }, endColumn: message.column + 1 }));
    return { problems, ...(outcome.object === undefined ? {} : { object: outcome.object }) };
  }
  const missing = host.processes !== undefined && failures.every(({ message }) => message.includes('is not installed'));
  return { problems: missing ? [fileProblem(file, 'no-c-compiler', 'a C source needs a C compiler: install gcc or clang (Debian: apt-get install gcc)')] : failures.slice(0, 1) };
}
