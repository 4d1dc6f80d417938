/**
 * `.macro`, `.rept` and their like: collecting bodies and expanding them (gas/macro.c, gas/read.c `s_rept`).
 */
import type { MacroFrame } from '../source.ts';
import { endOfName, skipBlanks } from './characters.ts';
import { MAX_MACRO_DEPTH } from './limits.ts';
import { lineMoves } from './line.ts';
import type { Line } from './line.ts';
import { MacroArgumentError, matchArguments, readArgument, readParameters, skipComma } from './macro-arguments.ts';
import type { Argument, Parameter } from './macro-arguments.ts';
import { hasNumber, sameGasMacro } from './gas-macro.ts';
import type { GasMacro } from './gas-macro.ts';
import type { Call, Text } from './forms.ts';
import type { Reader } from './reader.ts';
import { scrub } from './scrub.ts';
import type { Scrubbed } from './scrub.ts';
import type { Piece, Source } from './sources.ts';
import type { Substitution, Substitutions } from './substitute.ts';

const MACRO_OPENERS = new Set(['.macro']);
const MACRO_CLOSERS = new Set(['.endm']);
const REPEAT_OPENERS = new Set(['.rept', '.rep', '.irp', '.irpc', '.irep', '.irepc']);
const REPEAT_CLOSERS = new Set(['.endr', '.endrep']);

/** The directive a statement begins with, labels in front of it aside; lower case, '' if it is none. */
function directiveOf({ line, start, end }: Piece): string {
  const { text } = line;
  let at = start;
  for (;;) {
    const stop = Math.max(endOfName(text, at), at);
    const colon = skipBlanks(text, stop);
    if (stop > at && colon < end && text[colon] === ':') {
      at = skipBlanks(text, colon + 1);
      continue;
    }
    return text[at] === '.' ? text.slice(at, Math.min(stop, end)).toLowerCase() : '';
  }
}

/** Takes the statements up to the directive that closes the block; undefined (and a problem) if there is none. */
function collectBody(reader: Reader, opener: Piece, openers: ReadonlySet<string>, closers: ReadonlySet<string>, closer: string): Piece[] | undefined {
  const source = reader.sources.at(-1)!;
  const body: Piece[] = [];
  let depth = 1;
  for (let piece = reader.nextOf(source); piece !== undefined; piece = reader.nextOf(source)) {
    const word = directiveOf(piece);
    if (openers.has(word)) depth++;
    else if (closers.has(word) && --depth === 0) return body;
    body.push(piece);
  }
  reader.refuse(opener, 'unclosed-macro', `${closer} is missing`);
  return undefined;
}

/** `.macro name parameters`. */
export function defineMacro(reader: Reader, piece: Piece, nameEnd: number): void {
  const { line, end } = piece;
  const { text } = line;
  const body = collectBody(reader, piece, MACRO_OPENERS, MACRO_CLOSERS, '.endm');
  if (body === undefined) return;
  const from = skipBlanks(text, nameEnd);
  const stop = Math.min(endOfName(text, from), end);
  if (stop <= from) {
    reader.refuse(piece, 'syntax', 'the name of the macro is missing behind .macro');
    return;
  }
  const name = text.slice(from, stop);
  let parameters: Parameter[];
  try {
    const scrubbed = scrub(text, stop, end).text;
    // A comma may stand between the name and the parameters.
    parameters = readParameters(scrubbed, skipComma(scrubbed, 0), reader.alternate, reader.evaluatorFor(piece));
  } catch (error) {
    if (!(error instanceof MacroArgumentError)) throw error;
    reader.refuse(piece, 'syntax', error.message);
    return;
  }
  const key = name.toLowerCase();
  const before = reader.macros.get(key);
  if (before !== undefined) {
    reader.report('error', 'macro-redefined', `the macro ${name} is defined already; .purgem removes it`, line.range(from, stop));
    return;
  }
  const made: GasMacro = {
    name, parameters, body, usesNumber: hasNumber(body),
    definition: {
      kind: 'gas', name, parameters: parameters.map((parameter) => parameter.name),
      get body() { return body.map((part) => part.line.text.slice(part.start, part.end)).join('\n'); },
      range: line.range(from, stop),
    },
  };
  const earlier = reader.definedBy.get(line);
  const macro = earlier !== undefined && sameGasMacro(earlier, made) ? earlier : made;
  reader.definedBy.set(line, macro);
  reader.macros.set(key, macro);
  reader.macroDefinitions.push(macro.definition);
}

/** `.purgem name, …`. */
export function purgeMacros(reader: Reader, { line, end }: Piece, nameEnd: number): void {
  for (const word of line.text.slice(nameEnd, end).split(',')) {
    const name = word.trim();
    if (name !== '' && !reader.macros.delete(name.toLowerCase())) {
      reader.report('error', 'undefined-macro', `there is no macro ${name}`, line.range(nameEnd, end));
    }
  }
}

/** What the argument `argument` of scrubbed text stands for. */
function placed({ offsets }: Scrubbed, argument: Argument): Substitution {
  return argument.start < 0 ? { text: argument.text } : { text: argument.text, offset: offsets[argument.start] ?? 0 };
}

type Values = ReadonlyMap<string, Substitution>;

/** One round of an expansion. The macros around it are worked out when somebody asks for a place. */
class Round implements Substitutions {
  readonly values: Values;
  readonly number: number;
  readonly alternate: boolean;
  readonly literal: boolean;
  readonly lines: (Text | undefined)[] | undefined;
  private readonly name: string;
  private readonly piece: Piece;
  private knownFrames: readonly MacroFrame[] | undefined;
  private knownAt = -1;

  /** @param values undefined if nothing is replaced. */
  constructor(name: string, piece: Piece, number: number, alternate: boolean, values: Values | undefined, lines?: (Text | undefined)[]) {
    this.name = name;
    this.piece = piece;
    this.number = number;
    this.values = values ?? NO_VALUES;
    this.literal = values === undefined;
    this.lines = lines;
    this.alternate = alternate && values !== undefined;
  }

  get invocation(): Line {
    return this.piece.line;
  }

  get frames(): readonly MacroFrame[] {
    if (this.knownFrames === undefined || this.knownAt !== lineMoves()) {
      const { line, start, end } = this.piece;
      this.knownAt = lineMoves();
      const invokedAt = line.bodyRange(start, end).start;
      this.knownFrames = [{ name: this.name, invokedAt }, ...(invokedAt.expansion ?? [])];
    }
    return this.knownFrames;
  }
}

const NO_VALUES: Values = new Map();

/** A body being expanded, `rounds` times, each with its own values. */
class Expansion implements Source {
  readonly pending: Piece[] = [];
  at = 0;
  readonly conditionalDepth: number;
  readonly isMacro = true;
  readonly file = undefined;
  private readonly reader: Reader;
  private readonly body: readonly Piece[];
  private readonly rounds: number;
  /** What is put into the lines of a round, counted from 0. */
  private readonly roundOf: (round: number) => Substitutions;
  private round = 0;
  private index = 0;
  private substitutions: Substitutions | undefined;

  constructor(reader: Reader, body: readonly Piece[], rounds: number, roundOf: (round: number) => Substitutions) {
    this.reader = reader;
    this.body = body;
    this.rounds = body.length === 0 ? 0 : rounds;
    this.roundOf = roundOf;
    this.conditionalDepth = reader.conditionals.depth;
  }

  next(): Line | undefined {
    if (this.index >= this.body.length) {
      this.index = 0;
      this.round++;
      this.substitutions = undefined;
    }
    if (this.round >= this.rounds) return undefined;
    const index = this.index++;
    return this.reader.instantiate(this.body[index]!, (this.substitutions ??= this.roundOf(this.round)), index);
  }
}

function begin(reader: Reader, piece: Piece, body: readonly Piece[], rounds: number, roundOf: (round: number) => Substitutions): void {
  let depth = 0;
  for (const source of reader.sources) if (source.isMacro) depth++;
  if (depth >= MAX_MACRO_DEPTH) {
    reader.refuse(piece, 'expansion-limit', `macros are nested more than ${String(MAX_MACRO_DEPTH)} deep: the expansion ends here`);
    // All of it, as with GNU as: what calls itself twice would go on for ever.
    const [outermost] = reader.sources.splice(reader.sources.findIndex((source) => source.isMacro));
    reader.conditionals.closeTo(outermost!.conditionalDepth);
    return;
  }
  reader.sources.push(new Expansion(reader, body, rounds, roundOf));
}

/** An invocation of `macro`; its arguments stand behind `argumentStart`. */
export function expandMacro(reader: Reader, macro: GasMacro, piece: Piece, argumentStart: number): void {
  const { line, start } = piece;
  const { alternate } = reader;
  const { values, lines } = callOf(reader, macro, piece, argumentStart);
  const number = reader.expansions++;
  if (macro.usesNumber) reader.numberUses++;
  if (line.isWritten) reader.macroUses.push({ definition: macro.definition, range: line.range(start, argumentStart) });
  const given = alternate ? new Map(values) : values;
  const body = alternate ? withoutLocals(reader, macro.body, given as Map<string, Substitution>) : macro.body;
  const round = new Round(macro.name, piece, number, alternate, given, lines);
  begin(reader, piece, body, 1, () => round);
}

/** What the parameters of `macro` stand for; worked out once for each text. */
function callOf(reader: Reader, macro: GasMacro, piece: Piece, argumentStart: number): Pick<Call, 'values' | 'lines'> {
  const { line, end, form } = piece;
  if (form?.call?.macro === macro && !reader.alternate) return form.call;
  const scrubbed = scrub(line.text, argumentStart, end);
  let isRight = true;
  const given = matchArguments(scrubbed.text, 0, macro.parameters, reader.alternate, reader.evaluatorFor(piece), (message) => {
    isRight = false;
    reader.refuse(piece, 'macro-argument', `${macro.name}: ${message}`);
  });
  const values = new Map<string, Substitution>();
  macro.parameters.forEach((parameter, index) => { values.set(parameter.name, placed(scrubbed, given[index]!)); });
  if (form === undefined || !isRight || reader.alternate) return { values, lines: undefined };
  return (form.call = reader.forms.call(macro, values));
}

/** `.altmacro`: the lines `LOCAL name, …` at the beginning of a body give each name a symbol of its own. */
function withoutLocals(reader: Reader, body: readonly Piece[], values: Map<string, Substitution>): readonly Piece[] {
  const rest = body.filter((piece) => {
    const match = /^local\s+(.*)$/is.exec(piece.line.text.slice(piece.start, piece.end));
    if (match === null) return true;
    for (const name of match[1]!.split(/[\s,]+/)) {
      if (name !== '') values.set(name, { text: `.LL${reader.nextLocal().toString(16).padStart(4, '0')}` });
    }
    return false;
  });
  return rest;
}

/** `.rept count`. */
export function repeat(reader: Reader, piece: Piece, nameEnd: number): void {
  const body = collectBody(reader, piece, REPEAT_OPENERS, REPEAT_CLOSERS, '.endr');
  if (body === undefined) return;
  const count = reader.number(piece, nameEnd, '.rept');
  if (count === undefined) return;
  if (count < 0n) {
    reader.refuse(piece, 'value-out-of-range', `.rept cannot repeat ${count.toString()} times`);
    return;
  }
  const round = new Round('.rept', piece, reader.expansions, false, undefined, []);
  begin(reader, piece, body, count > 0x7fffffffn ? 0x7fffffff : Number(count), () => round);
}

/** `.irp name, values…` and `.irpc name, characters`. */
export function repeatFor(reader: Reader, piece: Piece, nameEnd: number, characters: boolean): void {
  const { line, end } = piece;
  const directive = characters ? '.irpc' : '.irp';
  const body = collectBody(reader, piece, REPEAT_OPENERS, REPEAT_CLOSERS, '.endr');
  if (body === undefined) return;
  const from = skipBlanks(line.text, nameEnd);
  const stop = Math.min(endOfName(line.text, from), end);
  if (stop <= from) {
    reader.refuse(piece, 'syntax', `the name of the symbol is missing behind ${directive}`);
    return;
  }
  const name = line.text.slice(from, stop);
  const scrubbed = scrub(line.text, stop, end);
  const values = characters ? eachCharacter(scrubbed.text) : eachArgument(reader, piece, scrubbed.text);
  const { expansions, alternate } = reader;
  if (hasNumber(body)) reader.numberUses++;
  begin(reader, piece, body, values.length, (round) => new Round(directive, piece, expansions, alternate, new Map([[name, placed(scrubbed, values[round]!)]])));
}

function eachArgument(reader: Reader, piece: Piece, text: string): Argument[] {
  const values: Argument[] = [];
  let at = skipComma(text, 0);
  // Without values the body is read once, the symbol empty.
  if (at >= text.length) return [{ text: '', start: -1 }];
  while (at < text.length) {
    const before = at;
    const argument = readArgument(text, at, reader.alternate, reader.evaluatorFor(piece));
    values.push(argument);
    at = skipComma(text, argument.end);
    if (at === before) at++;
  }
  return values;
}

function eachCharacter(text: string): Argument[] {
  const values: Argument[] = [];
  let at = skipComma(text, 0);
  if (at >= text.length) return [{ text: '', start: -1 }];
  let quoted = text[at] === '"';
  if (quoted) at++;
  while (at < text.length) {
    if (text[at] === '"') {
      quoted = !quoted;
      const rest = text.slice(at + 1).trim();
      if (rest === '') break;
    }
    values.push({ text: text[at]!, start: at });
    at++;
    if (!quoted) while (text[at] === ' ') at++;
  }
  return values;
}

/** `.exitm`: leaves the innermost expansion, and the conditionals opened in it. */
export function exitMacro(reader: Reader, piece: Piece): void {
  const index = reader.sources.findLastIndex((source) => source.isMacro);
  if (index < 0) {
    reader.refuse(piece, 'syntax', '.exitm stands outside of any macro');
    return;
  }
  const [source] = reader.sources.splice(index);
  reader.conditionals.closeTo(source!.conditionalDepth);
}
