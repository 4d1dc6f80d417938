import type { Problem } from '../source.ts';
import type { TextPlaces } from './places.ts';

/**
 * What a statement's parser throws at the first thing it cannot read, and its caller turns into a {@link Problem}:
 * it never leaves `assembly/gas`.
 */
export class GasSyntaxError extends Error {
  /** Offsets in the statement's text. */
  readonly start: number;
  readonly end: number;
  /** The problem's code, if it is not that of the statement's parser. */
  readonly code: string | undefined;

  constructor(message: string, start: number, end: number, code?: string) {
    super(message);
    this.start = start;
    this.end = end;
    this.code = code;
  }
}

/** The problem to report for `error`; rethrows whatever is not a {@link GasSyntaxError}. */
export function problemOf(error: unknown, places: TextPlaces, code = 'syntax'): Problem {
  if (!(error instanceof GasSyntaxError)) throw error;
  return { severity: 'error', code: error.code ?? code, message: error.message, range: places.range(error.start, error.end) };
}
