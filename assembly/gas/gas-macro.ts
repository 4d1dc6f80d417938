/**
 * Macros of the assembler.
 */
import type { Parameter } from './macro-arguments.ts';
import type { Piece } from './sources.ts';
import type { MacroDefinition } from './statement.ts';

/** A macro as `.macro` defines it. Its name is compared without regard to case. */
export interface GasMacro {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Piece[];
  readonly definition: MacroDefinition;
}
