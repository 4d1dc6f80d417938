/**
 * What the reader and the assembler report, and the checks of the report itself: codes that belong to no check of exception handling.
 */
import type { Severity } from '../../assembly/source.ts';

/** By code: the severity it has unless the settings say otherwise. */
export const READER_CODES: Readonly<Record<string, Severity>> = {
  'bad-address': 'error', 'bad-directive': 'error', 'bad-expression': 'error', 'bad-prefix': 'error', 'bad-relocation': 'error',
  'bad-scale': 'error', 'bad-section': 'error', 'bad-symbol': 'error', cfi: 'error', 'expansion-limit': 'error',
  'foreign-architecture': 'information',
  'include-not-found': 'hint', 'macro-argument': 'error', 'macro-redefined': 'warning', 'missing-file': 'hint', 'no-convergence': 'error', 'not-constant': 'error',
  'operand-mismatch': 'error', preprocessor: 'error', 'settings-syntax': 'error', 'settings-value': 'error', 'size-limit': 'error', 'symbol-redefined': 'error', syntax: 'error', 'unbalanced-conditional': 'error',
  'unclosed-macro': 'error', 'undefined-macro': 'error', 'unknown-directive': 'error', 'unknown-mnemonic': 'error',
  'unknown-register': 'error', 'unused-suppression': 'hint', 'user-error': 'error', 'value-out-of-range': 'error',
};
