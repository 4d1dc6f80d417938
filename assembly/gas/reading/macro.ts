/**
 * gas macros: their definition, how a use's arguments are read, and what the body becomes (gas/macro.c, binutils 2.40).
 */
import { isNamePart, skipBlanks } from '../characters.ts';
import { readString, skipQuoted } from '../escapes.ts';
import { SourceText } from './source-text.ts';
import type { MacroDefinition } from '../statement.ts';
import { GasSyntaxError } from '../syntax-error.ts';

export interface MacroParameter {
  readonly name: string;
  readonly required: boolean;
  readonly vararg: boolean;
  readonly fallback?: string;
}

export interface GasMacro {
  readonly name: string;
  readonly parameters: readonly MacroParameter[];
  readonly body: readonly SourceText[];
  readonly definition: MacroDefinition;
}

/** Reads what stands behind `.macro`: name and parameters. */
export function readMacroHead(source: SourceText, start: number): { readonly name: string; readonly parameters: readonly MacroParameter[] } {
  const { text } = source;
  const from = skipBlanks(text, start);
  const head = /^[^\s,()]+/.exec(text.slice(from));
  if (head === null) throw new GasSyntaxError('.macro wants a name', start, text.length);
  let at = from + head[0].length;
  const parameters: MacroParameter[] = [];
  if (text[skipBlanks(text, at)] === '(') at = skipBlanks(text, at) + 1;
  for (;;) {
    while (at < text.length && /[\s,)]/.test(text[at]!)) at++;
    if (at >= text.length) return { name: head[0], parameters };
    const parameter = /^([A-Za-z_.$][\w.$]*)\s*(?::\s*(req|vararg))?\s*(=)?/.exec(text.slice(at));
    if (parameter === null) throw new GasSyntaxError(`"${text.slice(at)}" is no parameter of a macro`, at, text.length);
    at += parameter[0].length;
    let fallback: string | undefined;
    if (parameter[3] !== undefined) {
      const value = readArgument(text, at, false);
      fallback = value.text;
      at = value.end;
    }
    parameters.push({ name: parameter[1]!, required: parameter[2] === 'req', vararg: parameter[2] === 'vararg', ...(fallback === undefined ? {} : { fallback }) });
  }
}

interface ReadArgument {
  readonly text: string;
  readonly end: number;
}

/**
 * One argument: up to a comma, or a blank that separates two words. A string gives its contents; parentheses hold an argument together.
 */
function readArgument(text: string, start: number, rest: boolean): ReadArgument {
  let at = skipBlanks(text, start);
  if (rest) return { text: text.slice(at).trimEnd(), end: text.length };
  let result = '';
  let depth = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"') {
      const end = skipQuoted(text, at);
      // A string on its own is an argument without its quotes; inside an expression it stays as it is.
      result += depth === 0 ? unquoted(text.slice(at, end)) : text.slice(at, end);
      at = end;
      continue;
    }
    if (char === "'") {
      const end = skipQuoted(text, at);
      result += text.slice(at, end);
      at = end;
      continue;
    }
    if (char === '(' || char === '[') depth++;
    else if ((char === ')' || char === ']') && depth > 0) depth--;
    else if (depth === 0 && char === ',') break;
    else if (depth === 0 && /\s/.test(char)) {
      const next = skipBlanks(text, at);
      if (next >= text.length || separates(text, at - 1, next)) break;
      at = next;
      continue;
    }
    result += char;
    at++;
  }
  return { text: result, end: at };
}

/** Whether the blank between two characters ends an argument: not beside an operator. */
function separates(text: string, before: number, after: number): boolean {
  return !/[+\-*/|&^<>=!~(,]/.test(text[before] ?? ' ') && !/[+*/|&^<>=!),]/.test(text[after]!) && !(text[after] === '-' && /\s/.test(text[after + 1] ?? ' '));
}

function unquoted(literal: string): string {
  try {
    readString(literal, 0);
    return literal.slice(1, -1).replaceAll('\\"', '"');
  } catch {
    return literal;
  }
}

/** Values of the parameters for a use with the arguments in `text` from `start` on. @throws GasSyntaxError */
export function readArguments({ name, parameters }: Pick<GasMacro, 'name' | 'parameters'>, text: string, start: number): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let at = skipBlanks(text, start);
  let position = 0;
  while (at < text.length) {
    const keyword = /^([A-Za-z_.$][\w.$]*)\s*=(?!=)/.exec(text.slice(at));
    const named = keyword === null ? undefined : parameters.find((one) => one.name === keyword[1]);
    const parameter = named ?? parameters[position];
    if (parameter === undefined) throw new GasSyntaxError(`macro ${name} takes ${String(parameters.length)} ${parameters.length === 1 ? 'argument' : 'arguments'}; "${text.slice(at).trim()}" is too much`, at, text.length);
    const value = readArgument(text, named === undefined ? at : at + keyword![0].length, parameter.vararg);
    if (value.text !== '' || named !== undefined) values.set(parameter.name, value.text);
    at = skipBlanks(text, value.end);
    if (text[at] === ',') at = skipBlanks(text, at + 1);
    if (named === undefined) position++;
  }
  for (const { name: parameter, required, fallback } of parameters) {
    if (values.has(parameter)) continue;
    if (required) throw new GasSyntaxError(`macro ${name} needs a value for its parameter ${parameter}`, 0, text.length);
    values.set(parameter, fallback ?? '');
  }
  return values;
}

/** A line of a body with the parameters' values in place; `altmacro` also replaces bare names. */
export function substitute(line: SourceText, values: ReadonlyMap<string, string>, counter: number, altmacro: boolean): SourceText {
  const { text } = line;
  const parts: SourceText[] = [];
  let from = 0;
  let at = 0;
  const replace = (end: number, value: string): void => {
    if (at > from) parts.push(line.slice(from, at));
    parts.push(SourceText.made(value, line.position(at)));
    at = from = end;
  };
  while (at < text.length) {
    if (text[at] === '\\') {
      const next = text[at + 1];
      if (next === '@') replace(at + 2, String(counter));
      else if (next === '(' && text[at + 2] === ')') replace(at + 3, '');
      else {
        const end = nameEnd(text, at + 1);
        const value = longest(text.slice(at + 1, end), values);
        if (value === undefined) at += 2;
        else replace(at + 1 + value.length, values.get(value)!);
      }
    } else if (altmacro && isNamePart(text.charCodeAt(at)) && !isNamePart(text.charCodeAt(at - 1))) {
      const end = nameEnd(text, at);
      const word = text.slice(at, end);
      if (values.has(word)) replace(text[end] === '&' ? end + 1 : end, values.get(word)!);
      else at = Math.max(end, at + 1);
    } else at++;
  }
  if (from === 0) return line;
  if (from < text.length) parts.push(line.slice(from));
  return parts.length === 0 ? SourceText.made('', line.position(0)) : SourceText.join(parts);
}

function nameEnd(text: string, at: number): number {
  while (at < text.length && isNamePart(text.charCodeAt(at))) at++;
  return at;
}

/** The parameter that stands here: the word itself. */
function longest(word: string, values: ReadonlyMap<string, string>): string | undefined {
  return values.has(word) ? word : undefined;
}
