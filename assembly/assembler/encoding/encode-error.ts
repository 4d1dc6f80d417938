/** Stable codes of what the encoder refuses; each has a page under `docs/diagnostics/`. */
export type EncodeErrorCode =
  | 'unknown-mnemonic' | 'undefined-macro' | 'operand-mismatch' | 'value-out-of-range' | 'bad-prefix' | 'bad-scale' | 'bad-address' | 'unknown-register';

/** Why one instruction cannot be encoded. The message is one sentence for the person who wrote it. */
export class EncodeError extends Error {
  readonly code: EncodeErrorCode;

  constructor(code: EncodeErrorCode, message: string) {
    super(message);
    this.name = 'EncodeError';
    this.code = code;
  }
}
