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

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit status:
  0  done; for run: the routine returned
  1  done, with findings: the run ended otherwise, a check found something
  2  could not be done: wrong usage, a file that cannot be read, a source that does not assemble`;

/** What a command could not do, for the person who asked: printed without a stack trace. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
