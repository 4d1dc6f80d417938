/**
 * Places in source text, and problems found there. Shared by every reader in `assembly/`.
 */

/** One macro (gas `.macro`, `.rept`, `.irp`; or cpp) on the way from the written line to the statement. */
export interface MacroFrame {
  /** The macro's name; `.rept`, `.irp` and `.irpc` for the anonymous ones. */
  readonly name: string;
  /** Where the macro was invoked. */
  readonly invokedAt: SourcePosition;
}

/** A place in a source file. */
export interface SourcePosition {
  /** Path as the reader was given it (for an include: as it was resolved). */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
  /**
   * The macros whose expansion produced the statement, innermost first; absent for text written in place.
   * `file`, `line` and `column` then name the line *inside* the macro's body.
   */
  readonly expansion?: readonly MacroFrame[];
}

/** A stretch of one line. */
export interface SourceRange {
  readonly start: SourcePosition;
  /** 1-based column just behind the stretch. */
  readonly endColumn: number;
}

export type Severity = 'error' | 'warning' | 'information' | 'hint';

/** Something wrong, or worth saying, about a place in the source. */
export interface Problem {
  readonly severity: Severity;
  /** Stable kebab-case name, e.g. `unknown-mnemonic`; one page each under `docs/diagnostics/`. */
  readonly code: string;
  /** What is wrong and what to do about it: one sentence, no trailing newline. */
  readonly message: string;
  readonly range: SourceRange;
  /** Other places that belong to it (the first definition, the other entry …). */
  readonly related?: readonly { readonly message: string; readonly range: SourceRange }[];
}

/** The outermost place: where the person who wrote the file wrote the line that led here. */
export function writtenPosition(position: SourcePosition): SourcePosition {
  const outermost = position.expansion?.at(-1);
  return outermost === undefined ? position : outermost.invokedAt;
}

/** `file:line:column`, followed by the macro stack if there is one. */
export function formatPosition(position: SourcePosition): string {
  const frames = (position.expansion ?? []).map(
    (frame) => ` (in ${frame.name} from ${frame.invokedAt.file}:${String(frame.invokedAt.line)})`,
  );
  return `${position.file}:${String(position.line)}:${String(position.column)}${frames.join('')}`;
}
