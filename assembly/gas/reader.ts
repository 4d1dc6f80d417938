/**
 * The reader itself: takes statements from its sources, carries out what is the reader's business (macros, conditionals, includes) and
 * passes on the rest.
 */
import type { Problem, Severity, SourceRange } from '../source.ts';
import { endOfName, isDigit, isNamePart, skipBlanks } from './characters.ts';
import { Conditionals } from './conditionals.ts';
import { parseArguments } from './directive-arguments.ts';
import { readString, skipQuoted } from './escapes.ts';
import { parseExpression, parseWholeExpression } from './expression.ts';
import { Forms, MadeLine, PlacedAssignment, PlacedInstruction } from './forms.ts';
import type { StatementForm } from './forms.ts';
import type { GasMacro } from './gas-macro.ts';
import { parseHead, withLong } from './instruction.ts';
import { parseIntelInstruction } from './intel/instruction.ts';
import { MAX_LINE_LENGTH, MAX_PROBLEMS, MAX_STATEMENTS } from './limits.ts';
import type { Budget } from './limits.ts';
import { Journal, JournaledMap } from './journal.ts';
import { Line } from './line.ts';
import { LocalLabels } from './local-labels.ts';
import type { EvaluateAt } from './macro-arguments.ts';
import { INSTRUCTION, isLocalLabel, isNameless, LABEL, namesSymbol, standInFor } from './names-only.ts';
import { parseOperands } from './operands.ts';
import type { OperandContext } from './operands.ts';
import { expandMacro } from './macro-directives.ts';
import { bareRegister } from './register-names.ts';
import { READER_DIRECTIVES } from './reader-directives.ts';
import { splitStatements } from './sources.ts';
import type { Piece, Source } from './sources.ts';
import type { AssignmentStatement, CommentDirective, Expression, IncludeReference, MacroDefinition, MacroUse, ReadOptions, Statement } from './statement.ts';
import { MacroOrigin, substitute } from './substitute.ts';
import type { Substitutions } from './substitute.ts';
import { Symbols } from './symbols.ts';
import { GasSyntaxError, problemOf } from './syntax-error.ts';

/** Directives of which the reader must know that they define a symbol. */
const DEFINING = new Set(['.comm', '.lcomm']);

/** Who is told where a reading stands. */
export interface Pauses {
  /** The statement that comes next is the first of its line in the outermost source. True ends the reading. */
  between(): boolean;
  /** All statements are read. */
  end(): void;
}

export class Reader {
  statements: Statement[] = [];
  problems: Problem[] = [];
  macroDefinitions: MacroDefinition[] = [];
  macroUses: MacroUse[] = [];
  includes: IncludeReference[] = [];
  directives: CommentDirective[] = [];
  /** Everything below that changes as statements are read, but scalars. */
  readonly journal = new Journal();
  readonly macros: Map<string, GasMacro> = new JournaledMap<GasMacro>(this.journal);
  readonly conditionals = new Conditionals();
  readonly symbols: Symbols;
  /** What the texts that macros make say. */
  readonly forms = new Forms();
  /** Macros by the line that defines them: one that is read again and says the same is the same. */
  readonly definedBy = new WeakMap<Line, GasMacro>();
  options: ReadOptions;
  budget: Budget;
  /** Files were read of which the preprocessor knows nothing. */
  opensFiles = false;
  readonly sources: Source[] = [];
  alternate = false;
  intel = false;
  /** Registers are written with `%`. */
  registerPrefix = true;
  bits: 16 | 32 | 64 = 64;
  /** `.code16gcc`: 16-bit code whose stack operations are of 32 bits unless a suffix says otherwise, as compilers write it. */
  wideStack = false;
  stopped = false;
  /** Expansions so far, for `\@`. */
  expansions = 0;
  /** How often a body was expanded that has a `\@`. */
  numberUses = 0;
  /** Symbols of `LOCAL` so far. */
  locals = 0;
  private lastContext: OperandContext | undefined;
  private readonly localLabels = new LocalLabels(this.journal);
  private readonly bareRegisterOf = (name: string): string | undefined => bareRegister(name) ?? this.symbols.registerOf(name);

  constructor(options: ReadOptions, budget: Budget) {
    this.options = options;
    this.budget = budget;
    this.symbols = new Symbols(this.statements, options.instructionSize, this.journal);
  }

  /** Reads everything from the sources that are open. */
  run(pauses?: Pauses): void {
    for (;;) {
      if (pauses !== undefined && this.isBetweenLines && pauses.between()) break;
      const source = this.sources.at(-1);
      if (source === undefined) break;
      const piece = this.nextOf(source);
      if (piece === undefined) {
        this.endSource(source);
        continue;
      }
      if (this.statements.length > MAX_STATEMENTS) {
        this.report('error', 'expansion-limit', `there are more than ${String(MAX_STATEMENTS)} statements: reading ends here`, piece.line.bodyRange(piece.start, piece.end));
        return;
      }
      this.readPiece(piece);
      if (this.stopped) break;
    }
    pauses?.end();
    for (const [number, range] of this.localLabels.missing()) this.report('error', 'undefined-symbol', `there is no label ${number} behind this`, range);
    for (const range of this.conditionals.closeTo(0)) this.report('error', 'unbalanced-conditional', 'the .if has no .endif', range);
  }

  private get isBetweenLines(): boolean {
    const [source, inner] = this.sources;
    return source !== undefined && inner === undefined && source.at >= source.pending.length;
  }

  report(severity: Severity, code: string, message: string, range: SourceRange): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ severity, code, message, range });
  }

  /** An error about all of `piece`. */
  refuse(piece: Piece, code: string, message: string): void {
    this.report('error', code, message, piece.line.bodyRange(piece.start, piece.end));
  }

  // --- sources

  /** Leaves `source`, the innermost one, which is used up. */
  private endSource(source: Source): void {
    this.sources.pop();
    if (!source.isMacro) return;
    for (const range of this.conditionals.closeTo(source.conditionalDepth)) {
      this.report('error', 'unbalanced-conditional', 'the macro ends inside of this .if', range);
    }
  }

  /** The next statement's text of `source`. */
  nextOf(source: Source): Piece | undefined {
    for (;;) {
      if (source.at < source.pending.length) return source.pending[source.at++];
      source.pending.length = 0;
      source.at = 0;
      if (this.budget.exhausted) return undefined;
      const line = source.next();
      if (line === undefined) return undefined;
      if (line instanceof MadeLine) for (const form of line.forms) source.pending.push({ line, start: form.start, end: form.end, form });
      else for (const { start, end } of splitStatements(line.text)) source.pending.push({ line, start, end });
    }
  }

  // --- statements

  private readPiece(piece: Piece): void {
    const { line, start, end, form } = piece;
    if (this.conditionals.skipping) {
      if (form?.isInert !== true) this.skipPiece(piece);
      return;
    }
    if (form !== undefined && form.kind !== 'other') {
      if (form.kind === 'word') this.statementOf(piece, form.word, form.nameEnd);
      else this.assignmentOf(form, line);
      return;
    }
    const { text } = line;
    let at = start;
    // Labels.
    for (;;) {
      const label = this.labelAt(line, at, end);
      if (label < 0) break;
      at = skipBlanks(text, label);
      if (at >= end) return;
    }
    const from = at;
    at = endOfName(text, at);
    if (at > end) at = end;
    if (at === from) {
      if (text[from] === '"') {
        this.quotedAssignment(line, from, end);
        return;
      }
      this.instruction(line, from, end);
      return;
    }
    const next = skipBlanks(text, at);
    if (text.charCodeAt(next) === 0x3d && next < end) {
      this.assignment(line, from, at, next, end);
      return;
    }
    this.statementOf({ line, start: from, end }, text.slice(from, at).toLowerCase(), at);
  }

  /** A macro's use, a directive or an instruction, which begins with `word` (in lower case). */
  private statementOf(piece: Piece, word: string, nameEnd: number): void {
    const { line, start, end, form } = piece;
    const macro = this.macros.get(word);
    if (macro !== undefined) {
      this.attempt(line, () => { expandMacro(this, macro, piece, nameEnd); });
      return;
    }
    if (line.text.charCodeAt(start) !== 0x2e) {
      if (form === undefined || !this.keepInstruction(form, line)) this.instruction(line, start, end);
      return;
    }
    const handler = READER_DIRECTIVES.get(word);
    if (handler !== undefined) this.attempt(line, () => { handler(this, piece, nameEnd); });
    else this.directive(word, line, start, nameEnd, end);
  }

  /** What forms are read for. */
  private get hasPlainSyntax(): boolean {
    return !this.intel && this.registerPrefix && this.bits === 64 && !this.wideStack;
  }

  /** Notes the instruction that `form` is; false if it has to be read at its place. */
  private keepInstruction(form: StatementForm, line: Line): boolean {
    if (this.readsNames && form.isNameless) {
      this.statements.push(INSTRUCTION);
      return true;
    }
    const instruction = this.hasPlainSyntax ? form.instruction(this.symbols.registerOf) : undefined;
    if (instruction === undefined) return false;
    if (this.options.namesOnly !== undefined && !instruction.operands.some(namesSymbol)) this.statements.push(INSTRUCTION);
    else this.add(new PlacedInstruction(instruction, line));
    return true;
  }

  /** Only names are read, in a syntax in which characters show that an instruction has none. */
  private get readsNames(): boolean {
    return this.options.namesOnly !== undefined && !this.intel && this.registerPrefix;
  }

  private assignmentOf(form: StatementForm, line: Line): void {
    const assignment = this.hasPlainSyntax ? form.assignment() : undefined;
    if (assignment === undefined) this.assignment(line, form.start, form.nameEnd, skipBlanks(line.text, form.nameEnd), form.end);
    else this.define(assignment.name, assignment.value, assignment.lazy === true, () => new PlacedAssignment(assignment, line));
  }

  /** Text that does not count: only conditionals matter. */
  private skipPiece({ line, start, end }: Piece): void {
    const { text } = line;
    let from = start;
    if (text.charCodeAt(from) !== 0x2e) {
      // A label may stand in front of it.
      const colon = text.indexOf(':', from);
      if (colon < 0 || colon >= end) return;
      from = skipBlanks(text, colon + 1);
      if (text.charCodeAt(from) !== 0x2e) return;
    }
    const at = endOfName(text, from);
    const word = text.slice(from, at).toLowerCase();
    if (!(word.startsWith('.if') || word.startsWith('.el') || word === '.endif' || word === '.endc')) return;
    const handler = READER_DIRECTIVES.get(word);
    if (handler !== undefined && word !== '.include') this.attempt(line, () => { handler(this, { line, start: from, end }, at); });
  }

  /** Does `work`; a syntax error in it becomes a problem. */
  private attempt(line: Line, work: () => void): void {
    try {
      work();
    } catch (error) {
      const problem = problemOf(error, line);
      this.report(problem.severity, problem.code, problem.message, problem.range);
    }
  }

  /** Defines the label at `from`, if one stands there; gives the offset behind its colon, or -1. */
  private labelAt(line: Line, from: number, end: number): number {
    const { text } = line;
    const first = text.charCodeAt(from);
    let at: number;
    let quoted = false;
    if (isDigit(first)) {
      at = from + 1;
      while (at < end && isDigit(text.charCodeAt(at))) at++;
    } else if (first === 0x22) {
      at = skipQuoted(text, from);
      quoted = true;
    } else at = endOfName(text, from);
    if (at === from || at >= end) return -1;
    const colon = isBlankAt(text, at) ? skipBlanks(text, at) : at;
    if (colon >= end || text.charCodeAt(colon) !== 0x3a) return -1;
    let written = text.slice(from, at);
    if (quoted) written = written.slice(1, -1).replace(/\\(["\\])/g, '$1');
    let name = written;
    if (isDigit(first)) {
      name = this.localLabels.define(written);
    }
    this.symbols.defineLabel(name);
    if (this.options.namesOnly !== undefined && isLocalLabel(text, from)) this.statements.push(LABEL);
    else this.add({ kind: 'label', name, written, range: line.range(from, at) });
    return colon + 1;
  }

  private assignment(line: Line, from: number, nameEnd: number, equals: number, end: number): void {
    const { text } = line;
    const once = text[equals + 1] === '=';
    this.assign(line, { from, end, name: text.slice(from, nameEnd), valueStart: equals + (once ? 2 : 1), once, lazy: once });
  }

  private quotedAssignment(line: Line, from: number, end: number): void {
    this.attempt(line, () => {
      const { text } = line;
      const { end: nameEnd } = readString(text, from);
      const equals = skipBlanks(text, nameEnd);
      if (text[equals] !== '=') throw new GasSyntaxError(`"${text.slice(from, end)}" is no instruction`, from, end);
      const name = text.slice(from + 1, nameEnd - 1).replace(/\\(["\\])/g, '$1');
      this.assign(line, { from, end, name, valueStart: equals + 1, once: false, lazy: false });
    });
  }

  /** Notes an assignment. `lazy`: its value is worked out where it is used. */
  assign(line: Line, { from, end, name, valueStart, once, lazy }: {
    readonly from: number; readonly end: number; readonly name: string; readonly valueStart: number; readonly once: boolean; readonly lazy: boolean;
  }): void {
    this.attempt(line, () => {
      const value = this.registerValue(parseWholeExpression(line.text, valueStart, end, { ...this.context(line), intel: this.intel }));
      this.define(name, value, lazy, () => ({ kind: 'assignment', name, value, once, ...(lazy ? { lazy } : {}), text: line.text.slice(from, end), range: line.bodyRange(from, end) }));
    });
  }

  /** Gives `name` its value, and notes the statement that says so. */
  private define(name: string, value: Expression, lazy: boolean, statement: () => AssignmentStatement): void {
    this.symbols.assign(name, value, lazy);
    this.add(statement());
  }

  /** A name for a register may be given without `%` where registers are written so. */
  private registerValue(value: Expression): Expression {
    const register = !this.registerPrefix && value.kind === 'symbol' && value.modifier === undefined ? bareRegister(value.name) : undefined;
    return register === undefined || value.kind !== 'symbol' ? value : { ...value, name: `%${register}` };
  }

  private directive(name: string, line: Line, from: number, nameEnd: number, end: number): void {
    const args = parseArguments(name, line.text, nameEnd, end, this.intel ? { ...this.context(line), intel: true } : this.context(line));
    if (DEFINING.has(name) && args[0] !== undefined) this.symbols.defineExternal(args[0].text);
    this.keep(name, { line, start: from, end }, args);
  }

  /** Takes a statement up; where only names are wanted, whoever wants them sees it, and something shorter stands for it. */
  private add(statement: Statement): void {
    const { namesOnly } = this.options;
    if (namesOnly === undefined) this.statements.push(statement);
    else {
      namesOnly(statement);
      this.statements.push(standInFor(statement));
    }
  }

  /** Passes a directive on to the assembler. */
  keep(name: string, { line, start, end }: Piece, args: ReturnType<typeof parseArguments>): void {
    this.add({ kind: 'directive', name, arguments: args, text: line.text.slice(start, end), range: line.bodyRange(start, end) });
  }

  private instruction(line: Line, from: number, end: number): void {
    const { text } = line;
    if (this.readsNames && isNameless(text, from, end)) {
      this.statements.push(INSTRUCTION);
      return;
    }
    try {
      const context = this.context(line);
      if (this.intel) {
        const parsed = parseIntelInstruction(text, from, end, { ...context, registerPrefix: this.registerPrefix, bits: this.bits });
        if (this.options.namesOnly !== undefined && !parsed.operands.some(namesSymbol)) this.statements.push(INSTRUCTION);
        else this.add({ kind: 'instruction', ...parsed, bits: this.bits, text: text.slice(from, end), range: line.bodyRange(from, end) });
        return;
      }
      const { prefixes, mnemonic, end: headEnd } = parseHead(text, from, end);
      const operands = parseOperands(text, headEnd, end, context);
      if (this.options.namesOnly !== undefined && !operands.some(namesSymbol)) {
        this.statements.push(INSTRUCTION);
        return;
      }
      const named = this.wideStack ? withLong(mnemonic, operands) : mnemonic;
      this.add({ kind: 'instruction', prefixes, mnemonic: named, operands, bits: this.bits, text: text.slice(from, end), range: line.bodyRange(from, end) });
    } catch (error) {
      const problem = problemOf(error, line);
      this.report(problem.severity, problem.code, problem.message, problem.range);
    }
  }

  /** What expressions and operands of `line` need to know. */
  context(line: Line): OperandContext {
    const registerOf = this.registerPrefix || this.intel ? this.symbols.registerOf : this.bareRegisterOf;
    if (this.lastContext?.places === line && this.lastContext.registerOf === registerOf) return this.lastContext;
    this.lastContext = { places: line, localLabel: this.localLabels.refer, lookup: this.symbols.lookup, registerOf };
    return this.lastContext;
  }

  /** The expression that fills `piece` from `start` on, behind its first word, as a number; undefined (and a problem) if it is none by now. */
  number({ line, end, form }: Piece, start: number, what: string): bigint | undefined {
    const from = skipBlanks(line.text, start);
    const known = this.hasPlainSyntax ? form?.expression() : undefined;
    const expression = known ?? parseWholeExpression(line.text, from, end, { ...this.context(line), intel: this.intel });
    return this.absolute(expression, line.range(from, end), what);
  }

  private absolute(expression: Expression, range: SourceRange, what: string): bigint | undefined {
    const folded = this.symbols.fold(expression);
    if (folded.kind === 'absolute') return folded.value;
    const why = folded.kind === 'error' ? folded.message : 'it depends on a symbol whose value is not known here';
    this.report('error', 'not-constant', `${what} needs a number that is known while reading: ${why}`, range);
    return undefined;
  }

  // --- macros

  /** The number of the next symbol of `LOCAL`. */
  nextLocal(): number {
    return this.locals++;
  }

  /** For `%expression` in the arguments of `.altmacro`. */
  evaluatorFor(piece: Piece): EvaluateAt {
    return (text, offset) => {
      const line = new Line(text, piece.line.origin);
      const range = piece.line.bodyRange(piece.start, piece.end);
      const { expression, end } = parseExpression(text, offset, { ...this.context(line), places: { range: () => range } });
      return { value: this.absolute(expression, range, '"%"') ?? 0n, end };
    };
  }

  /** The line of this index in a macro's body with its parameters replaced; undefined when macros have made too much. */
  instantiate(piece: Piece, substitutions: Substitutions, index: number): Line | undefined {
    const { lines } = substitutions;
    const made = lines?.[index] ?? this.forms.of(substitute(piece, substitutions));
    if (lines !== undefined) lines[index] = made;
    const line = new MadeLine(made, new MacroOrigin(piece, substitutions));
    if (line.text.length > MAX_LINE_LENGTH) this.refuse(piece, 'expansion-limit', `the macro makes a line of more than ${String(MAX_LINE_LENGTH)} characters`);
    return this.budget.spend(1, line.text.length) ? line : undefined;
  }
}

function isBlankAt(text: string, at: number): boolean {
  return !isNamePart(text.charCodeAt(at)) && text.charCodeAt(at) !== 0x3a;
}
