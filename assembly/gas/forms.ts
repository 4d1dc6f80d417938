/**
 * What a text says, wherever it stands. Macros make the same texts thousands of times: each is taken apart once, and its statements
 * differ only in their places.
 */
import type { SourcePosition, SourceRange } from '../source.ts';
import { endOfName, isDigit, skipBlanks } from './characters.ts';
import { parseWholeExpression } from './expression.ts';
import type { GasMacro } from './gas-macro.ts';
import { parseHead } from './instruction.ts';
import { Line } from './line.ts';
import type { Origin } from './line.ts';
import { parseOperands } from './operands.ts';
import type { OperandContext } from './operands.ts';
import type { TextPlaces } from './places.ts';
import { splitStatements } from './sources.ts';
import type { AssignmentStatement, Expression, InstructionStatement, Operand } from './statement.ts';
import { isNameless } from './names-only.ts';
import type { Substitution } from './substitute.ts';
import { GasSyntaxError } from './syntax-error.ts';

/** Texts remembered at most; one that macros make of numbers may never come again. */
const MAX_TEXTS = 20_000;
/** Longer texts are not remembered. */
const MAX_LENGTH = 1000;
/** Lines remembered at most, of all invocations together. */
const MAX_LINES = 200_000;

/** A stretch of a text: all that is known of a place before it is known where the text stands. */
class TextRange implements SourceRange {
  readonly from: number;
  readonly to: number;

  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
  }

  get start(): SourcePosition {
    return { file: '', line: 1, column: this.from + 1 };
  }

  get endColumn(): number {
    return this.to + 1;
  }
}

const IN_TEXT: TextPlaces = { range: (start, end) => new TextRange(start, end) };

type RegisterOf = (name: string) => string | undefined;

/** A text and its statements. */
export interface Text {
  readonly text: string;
  readonly forms: readonly StatementForm[];
}

/** An invocation of a macro, whose text is all that decides what it makes. */
export interface Call {
  readonly macro: GasMacro;
  /** What its parameters stand for. */
  readonly values: ReadonlyMap<string, Substitution>;
  /** What the lines of the body become, those that have been made; undefined if they differ from time to time, or are too many. */
  readonly lines: (Text | undefined)[] | undefined;
}

/** One statement of a text. */
export class StatementForm {
  /** The whole text; the statement is the stretch `start` to `end` of it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Offset behind the first word. */
  readonly nameEnd: number;
  /** The first word in lower case. */
  readonly word: string;
  /** `word`: a mnemonic, a directive or a macro's name begins it; `assignment`: `name = value`; `other`: a label, a quote, a brace. */
  readonly kind: 'word' | 'assignment' | 'other';
  /** No conditional can be in it. */
  readonly isInert: boolean;
  /** As an invocation of a macro: the last one. */
  call: Call | undefined;
  /** It says something else at another place, or nothing that could be read. */
  #isFixed = true;
  /** Names that may stand for a register. */
  #names: readonly string[] = [];
  /** By what they stand for. */
  #instructions: Map<string, InstructionStatement> | undefined;
  #assignment: AssignmentStatement | undefined;
  #expression: Expression | undefined;
  #isNameless: boolean | undefined;

  constructor(text: string, start: number, end: number) {
    this.text = text;
    this.start = start;
    this.end = end;
    const first = text.charCodeAt(start);
    this.nameEnd = Math.min(endOfName(text, start), end);
    const next = skipBlanks(text, this.nameEnd);
    const follows = next < end ? text.charCodeAt(next) : 0;
    this.kind = isDigit(first) || this.nameEnd === start || follows === 0x3a ? 'other' : follows === 0x3d ? 'assignment' : 'word';
    this.word = text.slice(start, this.nameEnd).toLowerCase();
    this.isInert = first !== 0x2e && text.indexOf(':', start) < 0;
  }

  /** The instruction it is, with places that mean nothing, in 64-bit code of AT&T syntax; undefined if that depends on more than what registers names stand for. */
  instruction(registerOf: RegisterOf): InstructionStatement | undefined {
    if (!this.#isFixed) return undefined;
    const known = this.#instructions?.get(this.#registers(registerOf));
    return known ?? this.#readInstruction(registerOf);
  }

  #registers(registerOf: RegisterOf): string {
    const names = this.#names;
    if (names.length === 0) return '';
    let key = registerOf(names[0]!) ?? '';
    for (let index = 1; index < names.length; index++) key += `,${registerOf(names[index]!) ?? ''}`;
    return key;
  }

  #readInstruction(registerOf: RegisterOf): InstructionStatement | undefined {
    const { text, start, end } = this;
    const asked = new Set(this.#names);
    const parsed = this.#fixed((context) => {
      const { prefixes, mnemonic, end: headEnd } = parseHead(text, start, end);
      const operands = parseOperands(text, headEnd, end, context);
      return { kind: 'instruction', prefixes, mnemonic, operands, bits: 64, text: text.slice(start, end), range: new TextRange(start, end) } satisfies InstructionStatement;
    }, (name) => {
      asked.add(name);
      return registerOf(name);
    });
    if (parsed === undefined) return undefined;
    if (this.#instructions === undefined || asked.size !== this.#names.length) this.#instructions = new Map();
    this.#names = [...asked];
    this.#instructions.set(this.#registers(registerOf), parsed);
    return parsed;
  }

  /** The assignment it is, in AT&T syntax, as {@link instruction}. */
  assignment(): AssignmentStatement | undefined {
    if (!this.#isFixed || this.#assignment !== undefined) return this.#assignment;
    const { text, start, end, nameEnd } = this;
    const equals = skipBlanks(text, nameEnd);
    const once = text[equals + 1] === '=';
    return (this.#assignment = this.#fixed((context) => ({
      kind: 'assignment', name: text.slice(start, nameEnd), value: parseWholeExpression(text, equals + (once ? 2 : 1), end, context), once, ...(once ? { lazy: true } : {}),
      text: text.slice(start, end), range: new TextRange(start, end),
    }), () => undefined));
  }

  /** What stands behind the first word, if that is an expression, as {@link instruction}. */
  expression(): Expression | undefined {
    if (!this.#isFixed || this.#expression !== undefined) return this.#expression;
    return (this.#expression = this.#fixed((context) => parseWholeExpression(this.text, skipBlanks(this.text, this.nameEnd), this.end, context), () => undefined));
  }

  /** As an instruction of AT&T syntax: its characters show that it names no symbol. */
  get isNameless(): boolean {
    return (this.#isNameless ??= isNameless(this.text, this.start, this.end));
  }

  /** What `read` gives; undefined, from then on always, if it asks for what is not fixed, or fails. */
  #fixed<T>(read: (context: OperandContext) => T, registerOf: RegisterOf): T | undefined {
    const open = (): undefined => { this.#isFixed = false; };
    try {
      const result = read({ places: IN_TEXT, localLabel: open, lookup: open, registerOf });
      if (this.#isFixed) return result;
    } catch (error) {
      if (!(error instanceof GasSyntaxError)) throw error;
      this.#isFixed = false;
    }
    return undefined;
  }
}

/** The forms of texts, by text. */
export class Forms {
  readonly #known = new Map<string, Text>();
  #lines = 0;

  /** The statements of `text`. */
  of(text: string): Text {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made: Text = { text, forms: splitStatements(text).map(({ start, end }) => new StatementForm(text, start, end)) };
    if (text.length > MAX_LENGTH) return made;
    if (this.#known.size >= MAX_TEXTS) {
      this.#known.clear();
      this.#lines = 0;
    }
    this.#known.set(text, made);
    return made;
  }

  /** An invocation of `macro`. */
  call(macro: GasMacro, values: ReadonlyMap<string, Substitution>): Call {
    const keeps = !macro.usesNumber && this.#lines + macro.body.length <= MAX_LINES;
    if (keeps) this.#lines += macro.body.length;
    return { macro, values, lines: keeps ? [] : undefined };
  }
}

/** A line that a macro made. */
export class MadeLine extends Line {
  readonly forms: readonly StatementForm[];

  constructor({ text, forms }: Text, origin: Origin) {
    super(text, origin);
    this.forms = forms;
  }
}

/** An instruction of a fixed text at a place. */
export class PlacedInstruction implements InstructionStatement {
  readonly kind = 'instruction';
  readonly form: InstructionStatement;
  readonly #line: Line;
  #range: SourceRange | undefined;
  #operands: readonly Operand[] | undefined;

  constructor(form: InstructionStatement, line: Line) {
    this.form = form;
    this.#line = line;
  }

  get prefixes(): readonly string[] {
    return this.form.prefixes;
  }

  get mnemonic(): string {
    return this.form.mnemonic;
  }

  get bits(): 16 | 32 | 64 {
    return this.form.bits;
  }

  get text(): string {
    return this.form.text;
  }

  get operands(): readonly Operand[] {
    return (this.#operands ??= this.form.operands.map((operand) => placedOperand(operand, this.#line)));
  }

  get range(): SourceRange {
    return (this.#range ??= bodyRange(this.form.range, this.#line));
  }

  /** What `JSON.stringify` writes. */
  toJSON(): InstructionStatement {
    const { kind, prefixes, mnemonic, operands, bits, text, range } = this;
    return { kind, prefixes, mnemonic, operands, bits, text, range };
  }
}

/** An assignment of a fixed text at a place. */
export class PlacedAssignment implements AssignmentStatement {
  readonly kind = 'assignment';
  readonly form: AssignmentStatement;
  readonly #line: Line;
  #range: SourceRange | undefined;
  #value: Expression | undefined;

  constructor(form: AssignmentStatement, line: Line) {
    this.form = form;
    this.#line = line;
  }

  get name(): string {
    return this.form.name;
  }

  get once(): boolean {
    return this.form.once;
  }

  get lazy(): true | undefined {
    return this.form.lazy;
  }

  get text(): string {
    return this.form.text;
  }

  get value(): Expression {
    return (this.#value ??= placedExpression(this.form.value, this.#line));
  }

  get range(): SourceRange {
    return (this.#range ??= bodyRange(this.form.range, this.#line));
  }

  /** What `JSON.stringify` writes. */
  toJSON(): AssignmentStatement {
    const { kind, name, value, once, lazy, text, range } = this;
    return { kind, name, value, once, ...(lazy === undefined ? {} : { lazy }), text, range };
  }
}

function bodyRange(range: SourceRange, line: Line): SourceRange {
  return range instanceof TextRange ? line.bodyRange(range.from, range.to) : range;
}

function placedRange(range: SourceRange, line: Line): SourceRange {
  return range instanceof TextRange ? line.range(range.from, range.to) : range;
}

function placedOperand(operand: Operand, line: Line): Operand {
  const range = placedRange(operand.range, line);
  switch (operand.kind) {
    case 'immediate': return { ...operand, value: placedExpression(operand.value, line), range };
    case 'memory': return { ...operand, ...(operand.displacement === undefined ? {} : { displacement: placedExpression(operand.displacement, line) }), range };
    case 'indirect': return { ...operand, target: placedOperand(operand.target, line), range };
    case 'register': case 'rounding': return { ...operand, range };
  }
}

function placedExpression(expression: Expression, line: Line): Expression {
  switch (expression.kind) {
    case 'number': return expression;
    case 'symbol': return { ...expression, range: placedRange(expression.range, line) };
    case 'unary': return { ...expression, operand: placedExpression(expression.operand, line) };
    case 'binary': return { ...expression, left: placedExpression(expression.left, line), right: placedExpression(expression.right, line) };
  }
}
