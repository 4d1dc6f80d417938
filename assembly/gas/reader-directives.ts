/**
 * The directives the reader carries out itself, by name.
 */
import { endOfName, skipBlanks } from './characters.ts';
import { joinPath, folderOf } from './cpp/include.ts';
import { joinedString, parseArguments } from './directive-arguments.ts';
import { MAX_INCLUDE_DEPTH } from './limits.ts';
import { logicalLines } from './logical-lines.ts';
import { commentDirectives } from './comment-directives.ts';
import { defineMacro, exitMacro, purgeMacros, repeat, repeatFor } from './macro-directives.ts';
import type { Reader } from './reader.ts';
import { scrub } from './scrub.ts';
import type { Piece } from './sources.ts';
import { GasSyntaxError } from './syntax-error.ts';
import { splitAtCommas, trim } from './operands.ts';

/** Carries out the directive of `piece`, whose name ends at `nameEnd`. May throw GasSyntaxError. */
export type ReaderDirective = (reader: Reader, piece: Piece, nameEnd: number) => void;

const rangeOf = ({ line, start, end }: Piece) => line.bodyRange(start, end);

/** Opens a conditional; whatever goes wrong in its condition makes it false. */
function conditional(holds: (reader: Reader, piece: Piece, nameEnd: number) => boolean): ReaderDirective {
  return (reader, piece, nameEnd) => {
    let failure: unknown;
    reader.conditionals.open(rangeOf(piece), () => {
      try {
        return holds(reader, piece, nameEnd);
      } catch (error) {
        failure = error;
        return false;
      }
    });
    if (failure !== undefined) throw failure as Error;
  };
}

function compare(test: (value: bigint) => boolean): ReaderDirective {
  return conditional((reader, piece, nameEnd) => {
    const value = reader.number(piece, nameEnd, '.if');
    return value !== undefined && test(value);
  });
}

function defined(wanted: boolean): ReaderDirective {
  return conditional((reader, { line, start, end }, nameEnd) => {
    const from = skipBlanks(line.text, nameEnd);
    const quoted = line.text[from] === '"';
    const stop = quoted ? end : Math.min(endOfName(line.text, from), end);
    if (stop <= from) throw new GasSyntaxError('the name of a symbol is missing', start, end);
    const name = quoted ? line.text.slice(from + 1, stop - 1) : line.text.slice(from, stop);
    return reader.symbols.isDefined(name) === wanted;
  });
}

function blank(wanted: boolean): ReaderDirective {
  return conditional((_reader, { line, end }, nameEnd) => (skipBlanks(line.text, nameEnd) >= end) === wanted);
}

/** `.ifc a, b`: the texts themselves. */
function sameText(wanted: boolean): ReaderDirective {
  return conditional((_reader, { line, start, end }, nameEnd) => {
    const { text } = scrub(line.text, nameEnd, end);
    const comma = text.startsWith("'") ? text.indexOf(',', text.indexOf("'", 1)) : text.indexOf(',');
    if (comma < 0) throw new GasSyntaxError('.ifc compares two texts with a comma between them', start, end);
    return (text.slice(0, comma).trim() === text.slice(comma + 1).trim()) === wanted;
  });
}

/** `.ifeqs "a", "b"`. */
function sameString(wanted: boolean): ReaderDirective {
  return conditional((_reader, { line, start, end }, nameEnd) => {
    const strings = splitAtCommas(line.text, nameEnd, end).map((part) => {
      const { start: from, end: to } = trim(line.text, part);
      return joinedString(line.text, from, to);
    });
    const [a, b] = strings;
    if (strings.length !== 2 || a === undefined || b === undefined) throw new GasSyntaxError('two strings with a comma between them belong here', start, end);
    return (a.length === b.length && a.every((byte, index) => byte === b[index])) === wanted;
  });
}

const complain = (reader: Reader, piece: Piece, wrong: string | undefined): void => {
  if (wrong !== undefined) reader.refuse(piece, 'unbalanced-conditional', wrong);
};

/** `.set name, value` and its like. */
function set(once: boolean, lazy: boolean): ReaderDirective {
  return (reader, { line, start, end }, nameEnd) => {
    const { text } = line;
    const [namePart, valuePart] = splitAtCommas(text, nameEnd, end);
    const name = trim(text, namePart!);
    if (name.start === name.end || valuePart === undefined) throw new GasSyntaxError(`${text.slice(start, nameEnd)} needs a symbol, a comma and a value`, start, end);
    let word = text.slice(name.start, name.end);
    if (word.startsWith('"') && word.endsWith('"') && word.length > 1) word = word.slice(1, -1);
    reader.assign(line, { from: start, end, name: word, valueStart: skipBlanks(text, valuePart.start), once, lazy });
  };
}

function code(bits: 16 | 32 | 64, wideStack = false): ReaderDirective {
  return (reader, piece) => {
    reader.bits = bits;
    reader.wideStack = wideStack;
    reader.keep(piece.line.text.slice(piece.start, endOfName(piece.line.text, piece.start)).toLowerCase(), piece, []);
  };
}

function syntax(intel: boolean): ReaderDirective {
  return (reader, piece, nameEnd) => {
    const { line, start, end } = piece;
    const argument = line.text.slice(nameEnd, end).trim().toLowerCase();
    if (argument !== '' && argument !== 'prefix' && argument !== 'noprefix') throw new GasSyntaxError('only prefix or noprefix can stand here', nameEnd, end);
    reader.intel = intel;
    reader.registerPrefix = argument === 'prefix' || (argument === '' && !intel);
    reader.keep(line.text.slice(start, nameEnd).toLowerCase(), piece, parseArguments(intel ? '.intel_syntax' : '.att_syntax', line.text, nameEnd, end, reader.context(line)));
  };
}

/** `.include "file"`: the file is assembler source, which the preprocessor does not see. */
const include: ReaderDirective = (reader, piece, nameEnd) => {
  const { line, end } = piece;
  const from = skipBlanks(line.text, nameEnd);
  const bytes = line.text[from] === '"' ? joinedString(line.text, from, end) : undefined;
  if (bytes === undefined) throw new GasSyntaxError('.include needs the name of a file in quotes', nameEnd, end);
  const name = textOf(bytes);
  const range = line.range(from, end);
  reader.opensFiles = true;
  const { provider, includePaths = [] } = reader.options;
  const including = reader.sources.findLast((source) => source.file !== undefined)?.file ?? '';
  let found: { readonly path: string; readonly text: string } | undefined;
  for (const folder of [folderOf(including), '', ...includePaths]) {
    const path = joinPath(folder, name);
    const text = provider.read(path);
    if (text === undefined) continue;
    found = { path, text };
    break;
  }
  reader.includes.push({ written: `"${name}"`, range, ...(found === undefined ? {} : { resolved: found.path }) });
  if (found === undefined) {
    reader.report('error', 'include-not-found', `"${name}" is not found; add its folder to the include paths`, range);
    return;
  }
  if (reader.sources.length >= MAX_INCLUDE_DEPTH) {
    reader.report('error', 'expansion-limit', `.include is nested more than ${String(MAX_INCLUDE_DEPTH)} deep`, range);
    return;
  }
  openGasFile(reader, found.path, found.text);
};

/** The characters of a file's name; UTF-8. */
function textOf(bytes: Uint8Array): string {
  const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  try {
    return decodeURIComponent(escaped);
  } catch {
    return String.fromCharCode(...bytes.subarray(0, 4096));
  }
}

/** Goes on with the lines of a file that the preprocessor does not see. */
export function openGasFile(reader: Reader, path: string, text: string): void {
  const { lines, openComment } = logicalLines(path, text, { c: false });
  if (openComment !== undefined) {
    const { line, column } = openComment;
    reader.report('error', 'syntax', 'the comment is not closed', { start: { file: path, line, column }, endColumn: column + 2 });
  }
  reader.directives.push(...commentDirectives(path, text));
  let at = 0;
  const next = (): (typeof lines)[number]['line'] | undefined => {
    const line = lines[at++]?.line;
    return line !== undefined && at > 1 && reader.sources.length > 1 && !reader.budget.spend(1) ? undefined : line;
  };
  reader.sources.push({ next, pending: [], at: 0, conditionalDepth: reader.conditionals.depth, isMacro: false, file: path });
}

/** GNU as ignores it too, with a warning. */
const closesNothing: ReaderDirective = (reader, piece) => {
  const { line, start, end } = piece;
  reader.report('warning', 'unclosed-macro', `${line.text.slice(start, end)} has nothing to close, and does nothing`, rangeOf(piece));
};

export const READER_DIRECTIVES: ReadonlyMap<string, ReaderDirective> = new Map<string, ReaderDirective>([
  ['.if', compare((value) => value !== 0n)],
  ['.ifne', compare((value) => value !== 0n)],
  ['.ifeq', compare((value) => value === 0n)],
  ['.ifge', compare((value) => value >= 0n)],
  ['.ifgt', compare((value) => value > 0n)],
  ['.ifle', compare((value) => value <= 0n)],
  ['.iflt', compare((value) => value < 0n)],
  ['.ifdef', defined(true)],
  ['.ifndef', defined(false)],
  ['.ifnotdef', defined(false)],
  ['.ifb', blank(true)],
  ['.ifnb', blank(false)],
  ['.ifc', sameText(true)],
  ['.ifnc', sameText(false)],
  ['.ifeqs', sameString(true)],
  ['.ifnes', sameString(false)],
  ['.elseif', (reader, piece, nameEnd) => {
    complain(reader, piece, reader.conditionals.elseIf(() => {
      const value = reader.number(piece, nameEnd, '.elseif');
      return value !== undefined && value !== 0n;
    }));
  }],
  ['.else', (reader, piece) => { complain(reader, piece, reader.conditionals.else()); }],
  ['.endif', (reader, piece) => { complain(reader, piece, reader.conditionals.close(reader.sources.at(-1)?.isMacro === true ? reader.sources.at(-1)!.conditionalDepth : 0)); }],
  ['.endc', (reader, piece) => { complain(reader, piece, reader.conditionals.close(reader.sources.at(-1)?.isMacro === true ? reader.sources.at(-1)!.conditionalDepth : 0)); }],
  ['.macro', defineMacro],
  ['.endm', closesNothing],
  ['.purgem', purgeMacros],
  ['.exitm', (reader, piece) => { exitMacro(reader, piece); }],
  ['.mexit', (reader, piece) => { exitMacro(reader, piece); }],
  ['.rept', repeat],
  ['.rep', repeat],
  ['.irp', (reader, piece, nameEnd) => { repeatFor(reader, piece, nameEnd, false); }],
  ['.irep', (reader, piece, nameEnd) => { repeatFor(reader, piece, nameEnd, false); }],
  ['.irpc', (reader, piece, nameEnd) => { repeatFor(reader, piece, nameEnd, true); }],
  ['.irepc', (reader, piece, nameEnd) => { repeatFor(reader, piece, nameEnd, true); }],
  ['.endr', closesNothing],
  ['.altmacro', (reader) => { reader.alternate = true; }],
  ['.noaltmacro', (reader) => { reader.alternate = false; }],
  ['.include', include],
  ['.set', set(false, false)],
  ['.equ', set(false, false)],
  ['.equiv', set(true, false)],
  ['.eqv', set(true, true)],
  ['.code16', code(16)],
  ['.code16gcc', code(16, true)],
  ['.code32', code(32)],
  ['.code64', code(64)],
  ['.intel_syntax', syntax(true)],
  ['.att_syntax', syntax(false)],
  ['.end', (reader, piece) => {
    reader.stopped = true;
    reader.keep('.end', piece, []);
  }],
]);
