/**
 * How GNU as splits what stands behind a macro's name, or behind `.macro`, `.irp` and their like (gas/macro.c, binutils 2.40).
 * All of it works on scrubbed text (see scrub.ts).
 */
import { isNamePart, isNameStart } from './characters.ts';

/** A parameter of a macro. */
export interface Parameter {
  readonly name: string;
  readonly kind: 'optional' | 'required' | 'vararg';
  readonly default: string;
}

/** An argument's text; `start` is the offset of its first character in the scrubbed text, -1 if it has no place there. */
export interface Argument {
  readonly text: string;
  readonly start: number;
}

export class MacroArgumentError extends Error {}

/** Evaluates the expression behind `%` of `.altmacro`; gives its number and the offset behind it. */
export type EvaluateAt = (text: string, offset: number) => { readonly value: bigint; readonly end: number };

const skipWhite = (text: string, at: number): number => {
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
};

/** Skips blanks, a comma, and blanks. */
export function skipComma(text: string, at: number): number {
  at = skipWhite(text, at);
  return text[at] === ',' ? skipWhite(text, at + 1) : at;
}

/** The offset behind the name at `at`. */
function endOfToken(text: string, at: number): number {
  if (at >= text.length || !isNameStart(text.charCodeAt(at))) return at;
  at++;
  while (at < text.length && isNamePart(text.charCodeAt(at))) at++;
  return at;
}

/** Reads one or more adjacent strings: `"…"`, and in `.altmacro` mode `'…'` and `<…>`. */
function readStrings(text: string, from: number, alternate: boolean): Argument & { readonly end: number } {
  let at = from;
  let out = '';
  let start = -1;
  while (at < text.length && (text[at] === '"' || (alternate && (text[at] === '<' || text[at] === "'")))) {
    const open = text[at]!;
    at++;
    if (start < 0) start = at;
    if (open === '<') {
      let nest = 0;
      while (at < text.length && (text[at] !== '>' || nest > 0)) {
        if (text[at] === '!') at++;
        else if (text[at] === '>') nest--;
        else if (text[at] === '<') nest++;
        out += text[at++] ?? '';
      }
      at++;
      continue;
    }
    let escaped = false;
    while (at < text.length) {
      escaped = text[at - 1] === '\\' ? !escaped : false;
      if (alternate && text[at] === '!') {
        out += text[at + 1] ?? '';
        at += 2;
      } else if (escaped && text[at] === open) {
        out += open;
        at++;
      } else {
        if (text[at] === open) {
          at++;
          if (text[at] !== open) break;
        }
        out += text[at] ?? '';
        at++;
      }
    }
  }
  return { text: out, start, end: at };
}

const isSeparator = (char: string | undefined, alternate: boolean): boolean =>
  char === ' ' || char === '\t' || char === ',' || char === '"' || char === ';' || char === ')' || char === '(' || (alternate && (char === '<' || char === '>'));

/** Reads one argument, up to a blank or a comma outside of brackets. */
export function readArgument(text: string, from: number, alternate: boolean, evaluateAt: EvaluateAt): Argument & { readonly end: number } {
  let at = skipWhite(text, from);
  const start = at;
  const first = text[at];
  if (first === undefined) return { text: '', start: -1, end: at };
  if (first === '%' && alternate) {
    const { value, end } = evaluateAt(text, at + 1);
    return { text: value.toString(), start: -1, end };
  }
  if (first === '"' || (alternate && (first === '<' || first === "'"))) {
    const strings = readStrings(text, at, alternate);
    // In .altmacro mode the quotes of a string stay.
    return alternate && first !== '<' ? { text: `"${strings.text}"`, start, end: strings.end } : strings;
  }
  const brackets: string[] = [];
  while (at < text.length) {
    const char = text[at]!;
    if (char === ',' || (alternate && char === '<') || (brackets.length === 0 && (char === ' ' || char === '\t'))) break;
    if (char === '"' || char === "'") {
      at++;
      while (at < text.length && text[at] !== char) at++;
      if (at >= text.length) break;
    } else if (char === '(' || char === '[') brackets.push(char);
    else if ((char === ')' && brackets.at(-1) === '(') || (char === ']' && brackets.at(-1) === '[')) brackets.pop();
    at++;
  }
  return { text: text.slice(start, at), start, end: at };
}

/** Reads the parameters of a macro. @throws MacroArgumentError */
export function readParameters(text: string, from: number, alternate: boolean, evaluateAt: EvaluateAt): Parameter[] {
  const parameters: Parameter[] = [];
  let at = skipWhite(text, from);
  const closing = text[at] === '(' ? ')' : undefined;
  if (closing !== undefined) at = skipWhite(text, at + 1);
  while (at < text.length && text[at] !== closing) {
    const end = endOfToken(text, at);
    if (end === at) throw new MacroArgumentError(`"${text.slice(at)}" is no parameter of a macro`);
    const name = text.slice(at, end);
    at = skipWhite(text, end);
    let kind: Parameter['kind'] = 'optional';
    if (text[at] === ':') {
      at = skipWhite(text, at + 1);
      const stop = endOfToken(text, at);
      const qualifier = text.slice(at, stop);
      if (qualifier === 'req') kind = 'required';
      else if (qualifier === 'vararg') kind = 'vararg';
      else throw new MacroArgumentError(`"${qualifier}" is no qualifier of a parameter; those are req and vararg`);
      at = skipWhite(text, stop);
    }
    let value = '';
    if (text[at] === '=') {
      const argument = readArgument(text, at + 1, alternate, evaluateAt);
      value = argument.text;
      at = argument.end;
    }
    if (parameters.some((parameter) => parameter.name === name)) throw new MacroArgumentError(`the parameter ${name} is there twice`);
    parameters.push({ name, kind, default: value });
    at = skipComma(text, at);
    if (kind === 'vararg') break;
  }
  return parameters;
}

/**
 * Matches the arguments of an invocation to `parameters`. Each problem is reported, and costs that argument only.
 * @returns the arguments by parameter; those not given are the defaults.
 */
export function matchArguments(
  text: string, from: number, parameters: readonly Parameter[], alternate: boolean, evaluateAt: EvaluateAt, problem: (message: string) => void,
): Argument[] {
  const given: (Argument | undefined)[] = parameters.map(() => undefined);
  let at = skipWhite(text, from);
  let position = 0;
  let keyword = false;
  while (at < text.length) {
    let scan = at;
    while (scan < text.length && !isSeparator(text[scan], alternate) && text[scan] !== '=') scan++;
    if (text[scan] === '=') {
      keyword = true;
      const end = endOfToken(text, at);
      if (text[end] !== '=') {
        problem('confusion in formal parameters: only a parameter\'s name can stand before "="');
        break;
      }
      const name = text.slice(at, end);
      const number = parameters.findIndex((parameter) => parameter.name === name);
      const argument = readArgument(text, end + 1, alternate, evaluateAt);
      at = argument.end;
      if (number < 0) problem(`the macro has no parameter named ${name}`);
      else given[number] = argument;
    } else {
      if (keyword) {
        problem('arguments by position cannot follow arguments by name');
        break;
      }
      const parameter = parameters[position];
      if (parameter === undefined) {
        problem(`the macro takes ${String(parameters.length)} argument${parameters.length === 1 ? '' : 's'}, and has more here`);
        break;
      }
      if (parameter.kind === 'vararg') {
        given[position] = { text: text.slice(at), start: at };
        at = text.length;
      } else {
        const argument = readArgument(text, at, alternate, evaluateAt);
        given[position] = argument;
        at = argument.end;
      }
      position++;
    }
    const before = at;
    at = skipComma(text, at);
    if (at === before && at < text.length && alternate && text[at] === '>') at++;
  }
  return parameters.map((parameter, number) => {
    const argument = given[number];
    if (argument !== undefined && argument.text !== '') return argument;
    if (parameter.kind === 'required') problem(`the argument for the required parameter ${parameter.name} is missing`);
    return { text: parameter.default, start: -1 };
  });
}
