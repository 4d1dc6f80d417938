/**
 * What the fixup view and the extension say to each other.
 */
import type { FixupReport } from '../../debug-adapter/fixup-report.ts';

/** To the view: all fixups of the session so far, oldest first. */
export interface ShowMessage {
  readonly kind: 'show';
  readonly fixups: readonly FixupReport[];
}

/** A place in a source file; `line` from 1. */
export interface SourceLine {
  readonly path: string;
  readonly line: number;
}

/** From the view. */
export type ViewMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'reveal' } & SourceLine;
