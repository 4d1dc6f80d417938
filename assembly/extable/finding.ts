import type { Severity } from '../source.ts';

/** Something wrong with a table. */
export interface Finding {
  readonly severity: Severity;
  /** Stable kebab-case name. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** The entry or range it is about: section and position in it. */
  readonly table: string;
  readonly index?: number;
}
