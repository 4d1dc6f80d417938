/**
 * The file of `--resume`: what an interrupted sweep has done, written while it runs.
 */
import type { Host } from '../host/host.ts';
import { writeFile } from '../host/node/output.ts';
import type { SweepReport } from '../sweep/report-schema.ts';
import { EMPTY_STATE, readState, resumed, ResumeError } from '../sweep/resume.ts';
import type { RoutineState, SweepState } from '../sweep/resume.ts';
import { CommandError } from './exit-codes.ts';

/** Between two writings, ms: a crash loses so much work at most, beside the units in hand. */
const SAVE_MS = 1000;

export class ResumeFile {
  readonly #path: string;
  #state: SweepState;
  #saved = 0;

  /** Reads the file if there is one. Throws CommandError if it is no state of a sweep. */
  constructor(name: string, host: Host) {
    this.#path = host.resolve(host.workingFolder, name);
    const bytes = host.files.read(this.#path);
    this.#state = bytes === undefined ? EMPTY_STATE : asCommand(() => readState(new TextDecoder().decode(bytes), name));
    // Better now than after an hour's work.
    if (bytes === undefined) this.#write();
  }

  /** What is known of the campaign whose report without a case is given. Throws CommandError if the file is of another one. */
  known(empty: SweepReport, unitSize: number): RoutineState | undefined {
    return asCommand(() => resumed(this.#state, empty, unitSize, this.#path));
  }

  /** Takes in what is done now; writes it if the last time was a while ago. */
  save(unitSize: number, units: readonly number[], report: SweepReport): void {
    this.#state = { version: 1, routines: { ...this.#state.routines, [report.routine]: { unitSize, units: [...units], report } } };
    if (performance.now() - this.#saved >= SAVE_MS) this.#write();
  }

  /** Writes what is known. */
  close(): void {
    this.#write();
  }

  #write(): void {
    try {
      writeFile(this.#path, JSON.stringify(this.#state));
    } catch (error) {
      throw new CommandError(`cannot write ${this.#path}: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#saved = performance.now();
  }
}

function asCommand<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ResumeError) throw new CommandError(error.message);
    throw error;
  }
}
