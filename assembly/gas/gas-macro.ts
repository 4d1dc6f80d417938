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
  /** Its body has a `\@`. */
  readonly usesNumber: boolean;
}

/** Whether two macros are made of the same lines. */
export function sameGasMacro(a: GasMacro, b: GasMacro): boolean {
  return a.name === b.name && a.body.length === b.body.length
    && a.body.every(({ line, start, end }, index) => line === b.body[index]!.line && start === b.body[index]!.start && end === b.body[index]!.end)
    && a.parameters.length === b.parameters.length
    && a.parameters.every(({ name, kind, default: value }, index) => name === b.parameters[index]!.name && kind === b.parameters[index]!.kind && value === b.parameters[index]!.default);
}

/** Whether a `\@` stands in `body`. */
export function hasNumber(body: readonly Piece[]): boolean {
  return body.some(({ line, start, end }) => {
    const at = line.text.indexOf('\\@', start);
    return at >= 0 && at < end;
  });
}
