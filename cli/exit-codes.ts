/**
 * Exit statuses of `mcsafe`, the same for every command.
 */
export const EXIT = {
  /** Done; `run`: the routine returned; `table --check`, `lint`, `sweep`: nothing found. */
  OK: 0,
  /** Done, with findings: the run died or was given up, a check found something. */
  FOUND: 1,
  /** Could not be done: wrong usage, a file that cannot be read, a source that does not assemble. */
  FAILED: 2,
} as const;

export const EXIT_HELP = `
Exit status:
  0  done; for run: the routine returned
  1  done, with findings: the run ended otherwise, a check found something
  2  could not be done: wrong usage, a file that cannot be read, a source that does not assemble`;

export const SWEEP_HELP = `
Examples:
  mcsafe sweep copy.S                            every routine with entries, every default fault
  mcsafe sweep copy.S:copy_mc -n 300             lengths 0 to 300
  mcsafe sweep copy.S --report html=copy.html    a page to look at, beside the summary
  mcsafe sweep copy.S -n 4096 --resume copy.state    go on where Ctrl-C ended it
  mcsafe sweep copy.S --shard 3/8 --json >3.json     one of eight parts, for mcsafe sweep merge

Exit status:
  0    no promise was broken
  1    a promise was broken
  2    could not run: wrong usage, a file that cannot be read, a source that does not assemble
  130  interrupted by Ctrl-C, 143 by SIGTERM; what is known was printed`;

/** What a command could not do, for the person who asked: printed without a stack trace. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
