import type { SourceRange } from '../source.ts';

/** Stable codes of what the assembler refuses beside the encoder's own; each has a page under `docs/diagnostics/`. */
export type AssemblyErrorCode =
  | 'bad-directive' | 'operand-mismatch' | 'unknown-directive' | 'bad-expression' | 'bad-relocation' | 'bad-section' | 'bad-symbol' | 'symbol-redefined'
  | 'size-limit' | 'value-out-of-range' | 'cfi' | 'no-convergence' | 'user-error' | 'missing-file';

/** Why one statement cannot be assembled. It never leaves `assembly/assembler`: it becomes a problem at the statement's range. */
export class AssemblyError extends Error {
  readonly code: AssemblyErrorCode;
  /** The part of the statement that is wrong, if that is known. */
  readonly range: SourceRange | undefined;

  constructor(code: AssemblyErrorCode, message: string, range?: SourceRange) {
    super(message);
    this.name = 'AssemblyError';
    this.code = code;
    this.range = range;
  }
}
