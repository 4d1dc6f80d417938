/**
 * Reads GNU-as source: preprocessor, macros, conditionals, statements. Reading never fails as a whole; a line that is wrong costs that line.
 */
import type { MacroFrame, Problem, SourcePosition } from '../../source.ts';
import { isBlank, skipBlanks } from '../characters.ts';
import { preprocess } from './cpp/preprocess.ts';
import { readString, skipQuoted } from '../escapes.ts';
import { evaluateAbsolute } from '../evaluate.ts';
import { logicalLines } from './logical-lines.ts';
import { readArguments, readMacroHead, substitute } from './macro.ts';
import type { GasMacro } from './macro.ts';
import { splitAtCommas } from './operands.ts';
import { SourceText } from './source-text.ts';
import { parseAssignment, parseAt, parseDirective, parseInstruction, parseSet } from './statement-parser.ts';
import type { CommentDirective, Expression, GasUnit, IncludeReference, InstructionStatement, MacroDefinition, MacroUse, ReadOptions, Statement } from '../statement.ts';
import { GasSyntaxError, problemOf } from '../syntax-error.ts';

/** Reads `text`, the contents of `file`, and whatever it includes. */
export function readGas(file: string, text: string, options: ReadOptions): GasUnit {
  const reader = new GasReader(file, options);
  reader.readFile(text);
  return reader.unit();
}

const MACRO_DEPTH = 100;
const STATEMENT_LIMIT = 1_000_000;
const REPEAT_LIMIT = 1_000_000;

interface Conditional {
  active: boolean;
  taken: boolean;
  readonly outer: boolean;
  readonly start: SourceText;
}

/** Leaves the macro at hand: `.exitm`. */
class ExitMacro extends Error {}
/** Leaves everything: `.end`, or a limit. */
class EndOfReading extends Error {}

class GasReader {
  readonly #file: string;
  readonly #options: ReadOptions;
  readonly #statements: Statement[] = [];
  readonly #macros: MacroDefinition[] = [];
  readonly #macroUses: MacroUse[] = [];
  readonly #includes: IncludeReference[] = [];
  readonly #directives: CommentDirective[] = [];
  readonly #problems: Problem[] = [];
  readonly #gasMacros = new Map<string, GasMacro>();
  readonly #values = new Map<string, Expression>();
  readonly #labels = new Set<string>();
  readonly #localCounts = new Map<string, number>();
  #conditionals: Conditional[] = [];
  #bits: InstructionStatement['bits'] = 64;
  #counter = 0;
  #locals = 0;
  #altmacro = false;
  #depth = 0;

  constructor(file: string, options: ReadOptions) {
    this.#file = file;
    this.#options = options;
  }

  unit(): GasUnit {
    return {
      file: this.#file, statements: this.#statements, macros: this.#macros, macroUses: this.#macroUses, includes: this.#includes,
      directives: this.#directives, problems: this.#problems,
    };
  }

  readFile(text: string): void {
    const cpp = this.#options.preprocess ?? !/\.(s|asm)$/.test(this.#file);
    const read = cpp ? preprocess(this.#file, text, this.#options) : { ...logicalLines(this.#file, text, false), macros: [], macroUses: [], includes: [], problems: [] };
    this.#macros.push(...read.macros);
    this.#macroUses.push(...read.macroUses);
    this.#includes.push(...read.includes);
    this.#directives.push(...read.directives);
    this.#problems.push(...read.problems);
    try {
      this.#run(read.lines.flatMap(statementsOf));
    } catch (error) {
      if (!(error instanceof EndOfReading) && !(error instanceof ExitMacro)) throw error;
    }
    const open = this.#conditionals.at(-1);
    if (open !== undefined) this.#report('unterminated-conditional', 'this .if has no .endif', open.start);
  }

  #run(statements: readonly SourceText[]): void {
    for (let index = 0; index < statements.length; index++) {
      const source = statements[index]!;
      try {
        index = this.#statement(source, statements, index);
      } catch (error) {
        if (error instanceof ExitMacro || error instanceof EndOfReading) throw error;
        this.#problems.push(problemOf(error, source));
      }
      if (this.#statements.length > STATEMENT_LIMIT) {
        this.#report('too-many-statements', `the source expands to more than ${String(STATEMENT_LIMIT)} statements`, source);
        throw new EndOfReading();
      }
    }
  }

  /** Handles one statement; returns the index of the last one used (blocks use many). */
  #statement(source: SourceText, all: readonly SourceText[], index: number): number {
    const { text } = source;
    const word = /^\.?[A-Za-z_][\w.$]*/.exec(text)?.[0].toLowerCase() ?? '';
    if (this.#conditional(word, source)) return index;
    if (this.#conditionals.at(-1)?.active === false) return index;
    const label = labelOf(text);
    if (label !== undefined) {
      this.#label(source, label);
      const rest = source.slice(label.end).trim();
      return rest.text === '' ? index : this.#statement(rest, all, index);
    }
    const assignment = parseAssignment(source, this.#localLabel);
    if (assignment !== undefined) {
      this.#values.set(assignment.name, assignment.value);
      this.#statements.push(assignment);
      return index;
    }
    const macro = this.#gasMacros.get(word);
    if (macro !== undefined) {
      this.#expand(macro, source, word.length);
      return index;
    }
    if (word.startsWith('.')) return this.#directive(word, source, all, index);
    if (word === 'local' && this.#altmacro) return index;
    this.#statements.push(parseInstruction(source, this.#bits, this.#localLabel));
    return index;
  }

  readonly #localLabel = (number: string, direction: 'b' | 'f'): string => (
    `${number}\u0002${String((this.#localCounts.get(number) ?? 0) + (direction === 'f' ? 1 : 0))}`);

  #label(source: SourceText, { name, end }: { readonly name: string; readonly end: number }): void {
    const range = source.range(0, end);
    if (/^\d+$/.test(name)) {
      const number = name.replace(/^0+(?=\d)/, '');
      const count = (this.#localCounts.get(number) ?? 0) + 1;
      this.#localCounts.set(number, count);
      this.#statements.push({ kind: 'label', name: `${number}\u0002${String(count)}`, written: name, range });
      return;
    }
    this.#labels.add(name);
    this.#statements.push({ kind: 'label', name, written: name, range });
  }

  #directive(word: string, source: SourceText, all: readonly SourceText[], index: number): number {
    const rest = source.slice(word.length).trim();
    switch (word) {
      case '.macro':
        return this.#define(source, word.length, all, index);
      case '.rept': case '.rep': {
        const body = this.#block(all, index, REPEATS, '.endr');
        const count = this.#absolute(source, word.length);
        if (count !== undefined) this.#repeat(source, word, body.lines, Array.from({ length: Math.max(0, Math.min(count, REPEAT_LIMIT)) }, () => undefined));
        return body.end;
      }
      case '.irp': case '.irpc': {
        const body = this.#block(all, index, REPEATS, '.endr');
        const head = /^([A-Za-z_.$][\w.$]*)\s*,?\s*/.exec(rest.text);
        if (head === null) throw new GasSyntaxError(`${word} wants a symbol and values`, 0, source.text.length);
        const list = rest.text.slice(head[0].length);
        const values = word === '.irpc' ? [...list.replace(/^"(.*)"$/, '$1')] : list.trim() === '' ? [''] : splitValues(list);
        this.#repeat(source, word, body.lines, values.map((value) => new Map([[head[1]!, value]])));
        return body.end;
      }
      case '.endm': case '.endr':
        throw new GasSyntaxError(`${word} without a block it could end`, 0, source.text.length);
      case '.exitm':
        if (this.#depth === 0) throw new GasSyntaxError('.exitm outside a macro', 0, source.text.length);
        throw new ExitMacro();
      case '.purgem':
        this.#gasMacros.delete(rest.text.toLowerCase());
        return index;
      case '.altmacro': case '.noaltmacro':
        this.#altmacro = word === '.altmacro';
        return index;
      case '.set': case '.equ': case '.equiv': case '.eqv': {
        const assignment = parseSet(source, word.length, word === '.equiv', this.#localLabel);
        this.#values.set(assignment.name, assignment.value);
        this.#statements.push(assignment);
        return index;
      }
      case '.include':
        this.#include(rest);
        return index;
      case '.incbin':
        this.#incbin(source, rest);
        return index;
      case '.intel_syntax':
        throw new GasSyntaxError('Intel syntax is not read; write AT&T syntax, or set "encoder": "gcc"', 0, source.text.length);
      case '.end':
        throw new EndOfReading();
      case '.err': case '.error':
        this.#report('error-directive', word === '.err' ? '.err' : `.error ${rest.text}`, source);
        return index;
      case '.warning':
        this.#report('warning-directive', `.warning ${rest.text}`, source, 'warning');
        return index;
      case '.code16': case '.code32': case '.code64':
        this.#bits = Number(word.slice(5)) as InstructionStatement['bits'];
        break;
      default:
    }
    this.#statements.push(parseDirective(source, word.length, this.#localLabel));
    return index;
  }

  /** `.if` and its relatives. True if the statement was one. */
  #conditional(word: string, source: SourceText): boolean {
    const current = this.#conditionals.at(-1);
    if (word === '.endif') {
      if (this.#conditionals.pop() === undefined) throw new GasSyntaxError('.endif without .if', 0, source.text.length);
      return true;
    }
    if (word === '.else' || word === '.elseif') {
      if (current === undefined) throw new GasSyntaxError(`${word} without .if`, 0, source.text.length);
      current.active = current.outer && !current.taken && (word === '.else' || this.#condition('.if', source, word.length));
      current.taken ||= current.active;
      return true;
    }
    if (!CONDITIONS.has(word)) return false;
    const outer = current?.active ?? true;
    // Pushed first, so that a condition that cannot be read still has its .endif.
    const conditional: Conditional = { active: false, taken: false, outer, start: source };
    this.#conditionals.push(conditional);
    if (outer) conditional.active = conditional.taken = this.#condition(word, source, word.length);
    return true;
  }

  #condition(word: string, source: SourceText, start: number): boolean {
    const rest = source.text.slice(start).trim();
    switch (word) {
      case '.ifdef': return this.#isDefined(rest);
      case '.ifndef': case '.ifnotdef': return !this.#isDefined(rest);
      case '.ifb': return rest === '';
      case '.ifnb': return rest !== '';
      case '.ifc': case '.ifnc': case '.ifeqs': case '.ifnes': {
        const pieces = splitAtCommas(source.text, start).map((piece) => unquote(source.text.slice(piece.start, piece.end)));
        return (pieces[0] === (pieces[1] ?? '')) === (word === '.ifc' || word === '.ifeqs');
      }
      default: {
        const value = this.#absolute(source, start);
        if (value === undefined) return false;
        return { '.if': value !== 0, '.ifne': value !== 0, '.ifeq': value === 0, '.ifgt': value > 0, '.ifge': value >= 0, '.iflt': value < 0, '.ifle': value <= 0 }[word] ?? false;
      }
    }
  }

  #isDefined(name: string): boolean {
    return this.#labels.has(name) || this.#values.has(name);
  }

  /** The number an expression comes to while reading; a problem is noted if it is none. */
  #absolute(source: SourceText, start: number): number | undefined {
    const { expression, end } = parseAt(source, start, this.#localLabel);
    const value = evaluateAbsolute(expression, (name) => this.#values.get(name));
    if (value !== undefined) return Number(value);
    this.#report('not-constant', 'this must be known while the source is read, but depends on where things end up', source.slice(start, end).trim());
    return undefined;
  }

  #define(source: SourceText, start: number, all: readonly SourceText[], index: number): number {
    const body = this.#block(all, index, MACROS, '.endm');
    const { name, parameters } = readMacroHead(source, start);
    const nameAt = source.text.indexOf(name, start);
    const definition: MacroDefinition = {
      kind: 'gas', name, parameters: parameters.map((one) => one.name), body: body.lines.map(({ text }) => text).join('\n'), range: source.range(nameAt, nameAt + name.length),
    };
    this.#gasMacros.set(name.toLowerCase(), { name, parameters, body: body.lines, definition });
    this.#macros.push(definition);
    return body.end;
  }

  #block(all: readonly SourceText[], index: number, opening: ReadonlySet<string>, closing: string): { readonly lines: readonly SourceText[]; readonly end: number } {
    let depth = 1;
    for (let at = index + 1; at < all.length; at++) {
      const word = /^\.[A-Za-z]+/.exec(all[at]!.text)?.[0].toLowerCase() ?? '';
      if (opening.has(word)) depth++;
      else if (word === closing && --depth === 0) return { lines: all.slice(index + 1, at), end: at };
    }
    this.#report('unterminated-block', `this block has no ${closing}`, all[index]!);
    return { lines: [], end: all.length };
  }

  #expand(macro: GasMacro, source: SourceText, start: number): void {
    const values = new Map(readArguments(macro, this.#evaluated(source.text), start));
    this.#macroUses.push({ definition: macro.definition, range: source.range(0, source.text.length) });
    let { body } = macro;
    if (this.#altmacro) {
      for (const line of body) {
        const local = /^local\s+(.*)$/i.exec(line.text);
        for (const name of local?.[1]!.split(/[\s,]+/) ?? []) values.set(name, `.LL${String(++this.#locals).padStart(4, '0')}`);
      }
      body = body.filter(({ text }) => !/^local\s/i.test(text));
    }
    const counter = this.#counter++;
    this.#within(macro.name, source, () => body.flatMap((line) => statementsOf(substitute(line, values, counter, this.#altmacro))));
  }

  /** `%expression` in an argument of a macro stands for its value in `.altmacro` mode. */
  #evaluated(text: string): string {
    if (!this.#altmacro) return text;
    return text.replaceAll(/(^|[\s,])%([^\s,%]+)/g, (whole, before: string, expression: string) => {
      try {
        const parsed = parseAt(SourceText.written(expression, { file: this.#file, line: 1, column: 1 }), 0, this.#localLabel);
        const value = evaluateAbsolute(parsed.expression, (name) => this.#values.get(name));
        return value === undefined ? whole : `${before}${value.toString()}`;
      } catch (error) {
        if (error instanceof GasSyntaxError) return whole;
        throw error;
      }
    });
  }

  #repeat(source: SourceText, word: string, body: readonly SourceText[], rounds: readonly (ReadonlyMap<string, string> | undefined)[]): void {
    this.#within(word, source, () => rounds.flatMap((values) => (values === undefined ? body : body.flatMap((line) => statementsOf(substitute(line, values, this.#counter, this.#altmacro))))));
  }

  /** Runs statements that a macro made of `source`. */
  #within(name: string, source: SourceText, make: () => readonly SourceText[]): void {
    if (this.#depth >= MACRO_DEPTH) throw new GasSyntaxError(`macros are nested more than ${String(MACRO_DEPTH)} deep`, 0, source.text.length);
    const { expansion = [], ...invokedAt } = source.position(0);
    const frames: readonly MacroFrame[] = [{ name, invokedAt: invokedAt as SourcePosition }, ...expansion];
    const open = this.#conditionals.length;
    this.#depth++;
    try {
      this.#run(make().map((line) => line.within(frames)));
    } catch (error) {
      if (!(error instanceof ExitMacro)) throw error;
      this.#conditionals.length = open;
    } finally {
      this.#depth--;
    }
  }

  #include(rest: SourceText): void {
    const name = unquote(rest.text);
    const folder = this.#file.slice(0, Math.max(0, this.#file.lastIndexOf('/')));
    const found = [folder, ...(this.#options.includePaths ?? [])].map((base) => (name.startsWith('/') || base === '' ? name : `${base}/${name}`))
      .map((path) => ({ path, text: this.#options.provider.read(path) })).find(({ text }) => text !== undefined);
    this.#includes.push({ written: rest.text, range: rest.range(0, rest.text.length), ...(found === undefined ? {} : { resolved: found.path }) });
    if (found?.text === undefined) {
      this.#report('include-not-found', `${rest.text} is not found; add its folder to "includePaths"`, rest);
      return;
    }
    if (this.#depth >= MACRO_DEPTH) throw new GasSyntaxError('includes are nested too deep', 0, rest.text.length);
    const { lines, directives } = logicalLines(found.path, found.text, false);
    this.#directives.push(...directives);
    this.#depth++;
    try {
      this.#run(lines.flatMap(statementsOf));
    } finally {
      this.#depth--;
    }
  }

  /** The bytes of a file stand in the statement as a string. */
  #incbin(source: SourceText, rest: SourceText): void {
    const [nameText = '', skip, count] = splitAtCommas(rest.text, 0).map(({ start, end }) => rest.text.slice(start, end));
    const name = unquote(nameText);
    const folder = this.#file.slice(0, Math.max(0, this.#file.lastIndexOf('/')));
    const paths = [folder, ...(this.#options.includePaths ?? [])].map((base) => (name.startsWith('/') || base === '' ? name : `${base}/${name}`));
    const bytes = paths.map((path) => this.#options.provider.readBytes?.(path)).find((one) => one !== undefined);
    if (bytes === undefined) {
      this.#report('include-not-found', `${nameText} is not found; add its folder to "includePaths"`, rest);
      return;
    }
    const from = Number(skip ?? 0);
    const string = bytes.subarray(from, count === undefined ? undefined : from + Number(count));
    const range = rest.range(0, rest.text.length);
    this.#statements.push({ kind: 'directive', name: '.ascii', text: source.text, range: source.range(0, source.text.length), arguments: [{ text: nameText, string, range }] });
  }

  #report(code: string, message: string, at: SourceText, severity: Problem['severity'] = 'error'): void {
    this.#problems.push({ severity, code, message, range: at.range(0, at.text.length) });
  }
}

const REPEATS: ReadonlySet<string> = new Set(['.rept', '.rep', '.irp', '.irpc']);
const MACROS: ReadonlySet<string> = new Set(['.macro']);
const CONDITIONS: ReadonlySet<string> = new Set([
  '.if', '.ifdef', '.ifndef', '.ifnotdef', '.ifb', '.ifnb', '.ifc', '.ifnc', '.ifeqs', '.ifnes', '.ifeq', '.ifne', '.ifgt', '.ifge', '.iflt', '.ifle',
]);

/** The statements of a line, trimmed; empty ones left out. A `#` that macros brought in begins a comment here too. */
function statementsOf(line: SourceText): readonly SourceText[] {
  const { text } = line;
  const statements: SourceText[] = [];
  let from = 0;
  const push = (end: number): void => {
    const start = skipBlanks(text, from);
    let last = end;
    while (last > start && isBlank(text.charCodeAt(last - 1))) last--;
    if (last > start) statements.push(line.slice(start, last));
    from = end + 1;
  };
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"') at = skipQuoted(text, at);
    else if (char === "'") at = skipQuoted(text, at);
    else if (char === '#' && (at === 0 || isBlank(text.charCodeAt(at - 1)))) break;
    else {
      if (char === ';') push(at);
      at++;
    }
  }
  push(at);
  return statements;
}

/** The label a statement begins with; `end` is behind the colon. */
function labelOf(text: string): { readonly name: string; readonly end: number } | undefined {
  const match = /^(?:([A-Za-z_.$\u0080-\uffff][\w.$\u0080-\uffff]*|\d+)|("(?:\\.|[^"\\])*"))\s*:(?!:)/.exec(text);
  if (match === null) return undefined;
  return { name: match[1] ?? unquote(match[2]!), end: match[0].length };
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return text.includes('\\') ? String.fromCharCode(...readString(text, 0).bytes) : text.slice(1, -1);
  } catch (error) {
    if (error instanceof GasSyntaxError) return text;
    throw error;
  }
}

/** Values of `.irp`: separated by commas or blanks. */
function splitValues(text: string): readonly string[] {
  return splitAtCommas(text, 0).flatMap(({ start, end }) => {
    const piece = text.slice(start, end);
    return /["(]/.test(piece) ? [unquote(piece)] : piece.split(/\s+/);
  });
}
