/**
 * How far a sweep is, on standard error: a bar on a terminal, a line now and then in a log.
 */
import type { UnitProgress } from '../sweep/units.ts';

/** Between two redraws of the bar, and between two lines of a log, ms. */
const REDRAW_MS = 100, LINE_MS = 30_000;
const BAR_CELLS = 20;

/** Where the progress goes; `process.stderr` is one. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class SweepProgress {
  readonly #output: ProgressOutput;
  readonly #total: number;
  readonly #before: number;
  readonly #clock: () => number;
  readonly #start: number;
  #shown: number;
  #drawn = false;

  /** `before`: cases that an earlier run has done, which count as done but not for the rate. */
  constructor(output: ProgressOutput, total: number, before: number, clock: () => number = () => performance.now()) {
    this.#output = output;
    this.#total = total;
    this.#before = before;
    this.#clock = clock;
    this.#start = clock();
    this.#shown = this.#start;
  }

  readonly update = (progress: UnitProgress): void => {
    const now = this.#clock();
    const terminal = this.#output.isTTY === true;
    if (now - this.#shown < (terminal ? REDRAW_MS : LINE_MS)) return;
    this.#shown = now;
    const text = progressText(progress, this.#total, this.#before, (now - this.#start) / 1000);
    if (terminal) this.#output.write(`\r${bar(progress.done / this.#total, text, this.#output.columns ?? 80)}\u001b[K`);
    else this.#output.write(`mcsafe: ${text}\n`);
    this.#drawn = terminal;
  };

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) this.#output.write('\r\u001b[K');
  }
}

function progressText({ done, violating }: UnitProgress, total: number, before: number, seconds: number): string {
  const rate = (done - before) / Math.max(seconds, 0.001);
  const found = violating === 0 ? '' : `, ${violating.toLocaleString('en')} violating`;
  return `${String(Math.floor((100 * done) / total))} %  ${done.toLocaleString('en')} of ${total.toLocaleString('en')} cases, ${Math.round(rate).toLocaleString('en')}/s, ${timeText((total - done) / Math.max(rate, 0.001))} left${found}`;
}

/** The bar and the text, cut to one line of the terminal: what wraps cannot be taken back. */
function bar(part: number, text: string, columns: number): string {
  const full = Math.round(BAR_CELLS * part);
  const line = `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${text}`;
  return line.length < columns ? line : text.slice(0, Math.max(0, columns - 1));
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`; more than a hundred days are `long`. */
export function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole > 100 * 24 * 3600) return 'a long time';
  if (whole < 60) return `${String(whole)} s`;
  if (whole < 3600) return `${String(Math.floor(whole / 60))} min ${String(whole % 60)} s`;
  return `${String(Math.floor(whole / 3600))} h ${String(Math.floor((whole % 3600) / 60))} min`;
}
