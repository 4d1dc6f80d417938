/**
 * What the reader of GNU-as source returns: statements after preprocessing and macro expansion, each with its place.
 */
import type { Problem, SourcePosition, SourceRange } from '../source.ts';

/** Operators as gas writes them. `!` between two operands is "or not"; comparisons give -1 for true. */
export type BinaryOperator =
  | '*' | '/' | '%' | '<<' | '>>'
  | '|' | '&' | '^' | '!'
  | '+' | '-' | '==' | '<>' | '<' | '>' | '>=' | '<='
  | '&&' | '||';

/** An expression of the assembler. Arithmetic wraps at 64 bits. */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | {
      readonly kind: 'symbol';
      /** `.` for the location counter; numeric labels already resolved to their unique internal name (see {@link LabelStatement}). */
      readonly name: string;
      /** Relocation modifier: `PLT`, `GOTPCREL`, … for `name@PLT`. */
      readonly modifier?: string;
      readonly range: SourceRange;
    }
  | { readonly kind: 'unary'; readonly operator: '-' | '~' | '!'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression };

/** What AVX-512 writes in braces behind an operand: `%zmm1{%k2}{z}`, `(%rax){1to16}`. */
export interface OperandDecoration {
  /** Opmask register without `%`: `k1`. */
  readonly mask?: string;
  /** True for `{z}`. */
  readonly zeroing?: boolean;
  /** The 16 of `{1to16}`. */
  readonly broadcast?: number;
  /** Intel syntax: bytes of the element that `word bcst`, `dword bcst` or `qword bcst` repeats. */
  readonly broadcastElement?: 2 | 4 | 8;
}

/**
 * An instruction operand in AT&T order and meaning, whichever syntax it was written in.
 * A `rounding` operand is the `{rn-sae}` or `{sae}` that AT&T writes among the operands.
 * A register's name is lower case, without `%`; x87 stack registers are `st(0)` ... `st(7)`, and `st` as written.
 */
export type Operand =
  | { readonly kind: 'register'; readonly name: string; readonly decoration?: OperandDecoration; readonly range: SourceRange }
  | { readonly kind: 'rounding'; readonly mode: 'rn-sae' | 'rd-sae' | 'ru-sae' | 'rz-sae' | 'sae'; readonly range: SourceRange }
  | { readonly kind: 'immediate'; readonly value: Expression; readonly range: SourceRange }
  | MemoryOperand
  | { readonly kind: 'indirect'; readonly target: Operand; readonly range: SourceRange };

/** `segment:disp(base,index,scale)`; a bare expression (jump target or absolute address) has none of the registers. */
export interface MemoryOperand {
  readonly kind: 'memory';
  /** Lower case, without `%`. */
  readonly segment?: string;
  readonly displacement?: Expression;
  readonly base?: string;
  readonly index?: string;
  /** 1, 2, 4 or 8; a wrong one is kept for the assembler to refuse. */
  readonly scale?: number;
  /** True if parentheses were written, so `foo` and `foo(,1)` differ. */
  readonly parenthesised: boolean;
  readonly decoration?: OperandDecoration;
  readonly range: SourceRange;
}

export interface LabelStatement {
  readonly kind: 'label';
  /** The unique name; for a numeric label `1` its internal name, e.g. `1\u00023`, equal for every reference to it. */
  readonly name: string;
  /** As written: `1`, `.Lfoo`, `copy_mc_fragile`. */
  readonly written: string;
  readonly range: SourceRange;
}

export interface InstructionStatement {
  readonly kind: 'instruction';
  /**
   * Lower case, in written order: `rep`, `lock`, `cs`, `data16`, `rex.w` …, and gas's pseudo prefixes with their braces
   * (`{vex3}`, `{disp32}`, `{load}` …).
   */
  readonly prefixes: readonly string[];
  /** Lower case, with the suffix as written. */
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  /** `.code16`, `.code32` or `.code64` in force. */
  readonly bits: 16 | 32 | 64;
  /** The statement's text after expansion, for `as` and for messages; `.intel_syntax` input is given back as written. */
  readonly text: string;
  readonly range: SourceRange;
  /** What it says apart from its place: one object for all statements that macros made of the same text. Places in it mean nothing. */
  readonly form?: InstructionStatement;
}

/** A directive the reader does not itself consume (sections, data, alignment, symbol attributes …). */
export interface DirectiveStatement {
  readonly kind: 'directive';
  /** With the dot, lower case: `.quad`, `.pushsection`. */
  readonly name: string;
  readonly arguments: readonly DirectiveArgument[];
  readonly text: string;
  readonly range: SourceRange;
}

export interface DirectiveArgument {
  /** The argument as written, trimmed. */
  readonly text: string;
  /** The argument read as an expression, where it reads as one. */
  readonly expression?: Expression;
  /** The argument's bytes, where it is a string literal (several adjacent ones joined). */
  readonly string?: Uint8Array;
  readonly range: SourceRange;
}

/** `name = expr`, `.set`, `.equ`, `.equiv`, `==`. */
export interface AssignmentStatement {
  readonly kind: 'assignment';
  readonly name: string;
  readonly value: Expression;
  /** `==` and `.equiv` refuse a second definition. */
  readonly once: boolean;
  /** `==` and `.eqv`: worked out anew at each use, with what names and `.` mean there. */
  readonly lazy?: true | undefined;
  readonly text: string;
  readonly range: SourceRange;
  /** As with instructions. */
  readonly form?: AssignmentStatement;
}

export type Statement = LabelStatement | InstructionStatement | DirectiveStatement | AssignmentStatement;

/** A macro as defined: gas `.macro` or cpp `#define`. */
export interface MacroDefinition {
  readonly kind: 'gas' | 'cpp';
  readonly name: string;
  readonly parameters: readonly string[];
  readonly body: string;
  readonly range: SourceRange;
}

/** A comment that begins with `mcsafe:`; its text behind the colon, trimmed (see docs/manual.md, "Comment directives"). */
export interface CommentDirective {
  readonly text: string;
  readonly range: SourceRange;
}

/** An `#include` or `.include`, resolved or not. */
export interface IncludeReference {
  readonly written: string;
  readonly resolved?: string;
  readonly range: SourceRange;
}

/** A macro's use, with what it was expanded to. */
export interface MacroUse {
  readonly definition: MacroDefinition;
  readonly range: SourceRange;
}

/** Everything the reader found in one source file and what it includes. Reading never fails as a whole. */
export interface GasUnit {
  readonly file: string;
  readonly statements: readonly Statement[];
  readonly macros: readonly MacroDefinition[];
  readonly macroUses: readonly MacroUse[];
  readonly includes: readonly IncludeReference[];
  readonly directives: readonly CommentDirective[];
  readonly problems: readonly Problem[];
}

/** Where the reader gets the text of files; the only way it reaches outside. */
export interface SourceProvider {
  /** The text of `path`, or undefined if there is no such file. */
  read(path: string): string | undefined;
  /** The bytes of `path` for `.incbin`. */
  readBytes?(path: string): Uint8Array | undefined;
}

export interface ReadOptions {
  readonly provider: SourceProvider;
  /** Searched in order for `#include <…>` and, after the including file's folder, `#include "…"`. */
  readonly includePaths?: readonly string[];
  /** Files read before the first line, as with `-include`; paths as they are. */
  readonly preincludes?: readonly string[];
  /** Macros defined before the first line, as with `-D`; the value `''` defines an empty macro. */
  readonly defines?: Readonly<Record<string, string>>;
  /** Run the C preprocessor (`.S`); off for `.s`. Default: by the file's extension, on when unknown. */
  readonly preprocess?: boolean;
  /**
   * Bytes of an instruction, for `.if` over the difference of two labels with instructions between them; undefined for one whose size
   * depends on the layout. Without it such a difference is not known.
   */
  readonly instructionSize?: (statement: InstructionStatement) => number | undefined;
  /** Keeps headers that have been taken apart from one reading to the next. */
  readonly cache?: ReadCache;
  /**
   * For an index: only names of symbols are wanted. Called with each statement that may name one that other files can see, as it is read.
   * The unit's statements are stand-ins then, which hold no memory.
   */
  readonly namesOnly?: (statement: Statement) => void;
  /** Keep what it takes to read the same file again after a change: see `previous`. */
  readonly incremental?: boolean;
  /** The last reading of the same file, made with `incremental`: only what has changed since is read. It serves once; its places are no longer valid then. */
  readonly previous?: GasUnit;
}

/** Files taken apart, kept while their text stays the same. Made by `createReadCache` of read.ts. */
export interface ReadCache {
  /** Forgets what is kept of `path`, or everything. */
  forget(path?: string): void;
}

/** Turns a single position into a range of `length` code units. */
export function rangeAt(start: SourcePosition, length: number): SourceRange {
  return { start, endColumn: start.column + length };
}
