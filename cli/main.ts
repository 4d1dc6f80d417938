/**
 * `mcsafe`: what can be done from a terminal. Each command is a file in `commands/`, loaded when it is used.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { LAYOUTS } from '../assembly/extable/layouts.ts';
import type { LintOptions } from './commands/lint.ts';
import { CommandError, EXIT, EXIT_HELP, SWEEP_HELP } from './exit-codes.ts';
import { VERSION } from './version.ts';

const program = new Command('mcsafe')
  .description('Runs and debugs x86-64 assembly that survives page faults and machine checks.')
  .version(VERSION)
  .addHelpText('after', EXIT_HELP)
  .showHelpAfterError('(see mcsafe --help)')
  .exitOverride();

/** What a command returns becomes the exit status. */
function status(action: (...args: never[]) => Promise<number>): (...args: unknown[]) => Promise<void> {
  return async (...args) => { process.exitCode = await action(...(args as never[])); };
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}

function jobs(text: string): number {
  const value = wholeNumber(text);
  if (value < 1 || value > 1024) throw new InvalidArgumentError('Threads are 1 to 1024.');
  return value;
}

function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65_535) throw new InvalidArgumentError('Ports go up to 65535.');
  return value;
}

function list(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** How sources are read: the same for all commands that read them. */
function withSourceOptions(command: Command): Command {
  return command
    .option('-I, --include <folder>', 'search a folder for #include (may be given several times)', list)
    .option('-D, --define <name[=value]>', 'define a macro (may be given several times)', list)
    .option('--kernel <generation>', 'kernel whose headers and fault rules apply, such as 6.12 or 6.1')
    .addOption(new Option('--encoder <name>', 'who encodes').choices(['embedded', 'as', 'gcc']));
}

withSourceOptions(program.command('run'))
  .description('Runs a routine in a debug session and tells what happened: stops, severity, entry, changed registers, result.')
  .argument('<file...>', 'sources (.S, .s, .c) or objects; the first holds the routine')
  .option('-e, --entry <symbol>', 'routine to run (default: the first with exception-table entries)')
  .option('-n, --n <bytes>', 'length passed to it', wholeNumber)
  .option('-s, --set <register=value>', 'what a register holds at the start: a number, a buffer or a symbol, such as rdx=16 or rsi=src+8 (may be given several times)', list)
  .option('--buffer <name=size>', 'memory for the run, between guard pages (may be given several times)', list)
  .option('-p, --poison <place>', 'where memory is poisoned, such as src+64, or "none" (may be given several times)', list)
  .addOption(new Option('--granule <unit>', 'what a read of poison must touch').choices(['line', 'byte']))
  .option('--profile <name>', 'CPU profile: default, intel-server, intel-old, amd-server')
  .option('--contract <kind>', 'what the routine promises: copy, copy-partial, clear, get, put, csum, probe, none')
  .option('--budget <instructions>', 'give up after so many instructions', wholeNumber)
  .option('--json', 'print one JSON object')
  .action(status(async (files: string[], options: object) => (await import('./commands/run.ts')).run(files, options)));

withSourceOptions(program.command('asm'))
  .description('Assembles a source and, with -o, writes the ELF object.')
  .argument('<file>', 'source (.S or .s)')
  .option('-o, --output <object>', 'where to write the object')
  .action(status(async (file: string, options: object) => (await import('./commands/asm.ts')).asm(file, options)));

withSourceOptions(program.command('table'))
  .description('Lists exception tables: fault site, instruction, landing pad, handler, and whether a machine check there is recoverable.')
  .argument('<file>', 'source (.S), object, module (also .ko.xz, .ko.gz …), vmlinux, vmlinuz or executable')
  .option('--sort', 'list by fault site')
  .addOption(new Option('--layout <name>', 'how to read the table, instead of finding out').choices(Object.keys(LAYOUTS)))
  .option('--check', 'report what is wrong, and exit with 1 if anything is')
  .option('--fix', 'sort the tables of a linked file and fill in lengths of ranges; writes FILE.fixed')
  .option('-o, --output <file>', 'with --fix: where to write')
  .option('--in-place', 'with --fix: write the file itself')
  .option('--json', 'print one JSON object')
  .action(status(async (file: string, options: object) => (await import('./commands/table.ts')).table(file, options)));

const sweep = program.command('sweep')
  .description('Runs a routine against every fault it can meet, and tells which promises of its contract it breaks, where, and in which smallest case.')
  .argument('<file[:routine]>', 'source (.S, .s, .c) or object; without a routine all that have exception-table entries, one after the other')
  .option('-I, --include <folder>', 'search a folder for #include (may be given several times)', list)
  .option('-D, --define <name[=value]>', 'define a macro (may be given several times)', list)
  .addOption(new Option('--encoder <name>', 'who encodes').choices(['embedded', 'as', 'gcc']))
  .option('--contract <kind>', 'what the routine promises: copy, copy-partial, clear, get, put, csum, probe, none')
  .option('-n, --n <range>', 'lengths: 200 (0 to 200), 8..64, 0..256/16')
  .option('--faults <kinds>', 'of none, mc-line, mc-byte, mc-two, pf-read, pf-write, pf-both and others, see docs/sweep.md; default: those the entries are there for')
  .option('--src-offsets <list>', 'offsets of the source in its page, such as 0..7 or 0,3,60')
  .option('--dst-offsets <list>', 'offsets of the destination')
  .option('--profile <name>', 'CPU profiles, separated by commas; features may be added or taken away (intel-server-erms+la57); all: every CPU on which the routine runs differently', list)
  .option('--kernel <generation>', 'kernel generations, separated by commas; all: every one that the source assembles for', list)
  .option('--progress <bytes>', 'promise: at most so many bytes before the fault are given up', wholeNumber)
  .option('--exceptions <count>', 'promise: at most so many exceptions in a call (default: 4)', wholeNumber)
  .option('--helper <symbol>', 'a function that fixups may resume in (may be given several times)', list)
  .option('--budget <instructions>', 'give up a run after so many instructions (default: 20000, or 400 for each byte of the greatest length)', wholeNumber)
  .option('--shard <i/n>', 'only the i-th of n parts; default: what Slurm, Kubernetes, GitLab or MCSAFE_JOB_INDEX say, else all')
  .option('--shard-count <n>', 'how many parts there are, where only the number of this one is known', wholeNumber)
  .option('--random <count>', 'so many cases drawn at random instead of all', wholeNumber)
  .option('--seed <number>', 'seed of the drawing (default: 1)', wholeNumber)
  .option('-j, --jobs <count>', 'threads (default: one for each core, if the sweep takes more than a moment)', jobs)
  .option('--resume <file>', 'go on from this file if it is there, and keep it up to date')
  .option('--report <format=file>', 'write a report: json, junit, sarif or html (may be given several times)', list)
  .option('--json', 'print the JSON report instead of the summary')
  .addHelpText('after', SWEEP_HELP)
  .action(status(async (file: string, options: object) => (await import('./commands/sweep.ts')).sweep(file, options)));

sweep.command('merge')
  .description('Puts the JSON reports of the shards of one sweep together, with the numbers that one run gives. What cannot be read is named and left out (exit status 2).')
  .argument('<report...>', 'files written by mcsafe sweep --shard i/n --json')
  // --json and --report are options of the command above.
  .action(status(async (files: string[], _options: object, command: Command) => (await import('./commands/sweep-merge.ts')).sweepMerge(files, command.optsWithGlobals())));

program.command('dap')
  .description('Serves the Debug Adapter Protocol on standard input and output, or on a port of the loopback address.')
  .option('--port <number>', 'listen on this port; 0 takes a free one and prints it', port)
  .action(status(async (options: { port?: number }) => (await import('./commands/dap.ts')).dap(options)));

withSourceOptions(program.command('lint'))
  .description('Reports what is wrong with sources: syntax, operands, and their exception-table entries.')
  .argument('<file...>', 'sources (.S or .s)')
  .addOption(new Option('--format <name>', 'how to print').choices(['text', 'json', 'sarif']).default('text'))
  .option('--severity <code=level>', 'how findings of a code are shown: error, warning, information, hint or off (may be given several times)', list)
  .option('--all', 'check routines in files without exception-table entries too')
  .option('--fix', 'make the fixes that are safe, in the files themselves')
  .action(status(async (files: string[], options: LintOptions) => (await import('./commands/lint.ts')).lint(files, options)));

program.command('lsp')
  .description('Serves the Language Server Protocol on standard input and output.')
  .option('--stdio', 'the only transport; accepted because clients pass it')
  .option('--clientProcessId <id>', 'the client, with whose end the server ends; VS Code passes it')
  .action(status(async () => (await import('./commands/lsp.ts')).lsp()));

async function main(): Promise<void> {
  // Whoever reads may have read enough: `mcsafe table vmlinuz | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.OK : EXIT.FAILED;
    else if (error instanceof CommandError) {
      process.exitCode = EXIT.FAILED;
      process.stderr.write(`mcsafe: ${error.message}\n`);
    } else throw error;
  }
}

void main();
