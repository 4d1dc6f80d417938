/**
 * Macros of the C preprocessor: their definitions and their expansion (C11 6.10.3, with GNU's named variadic arguments and `, ## args`).
 */
import type { MacroDefinition } from '../../statement.ts';
import { SourceText } from '../source-text.ts';
import { textOf, tokenize, trimTokens } from './tokens.ts';
import type { Token } from './tokens.ts';

export interface CppMacro {
  readonly name: string;
  /** Absent for an object-like macro. */
  readonly parameters?: readonly string[];
  /** Name of the parameter that takes all further arguments. */
  readonly variadic?: string;
  readonly body: readonly Token[];
  readonly definition: MacroDefinition;
}

/** A `#define` that makes no sense. */
export class DefineError extends Error {}

/** Reads what stands behind `#define`. */
export function readDefine(source: SourceText): CppMacro {
  const head = /^\s*([A-Za-z_]\w*)(\()?/.exec(source.text);
  if (head === null) throw new DefineError('#define wants a name');
  const name = head[1]!;
  let at = head[0].length;
  let parameters: string[] | undefined;
  let variadic: string | undefined;
  if (head[2] !== undefined) {
    const close = source.text.indexOf(')', at);
    if (close < 0) throw new DefineError(`the parameters of ${name} have no ")"`);
    const list = source.text.slice(at, close).split(',').map((one) => one.trim());
    parameters = list.length === 1 && list[0] === '' ? [] : list;
    const last = parameters.at(-1);
    if (last?.endsWith('...') === true) {
      variadic = last === '...' ? '__VA_ARGS__' : last.slice(0, -3).trim();
      parameters.pop();
    }
    const bad = parameters.find((one) => !/^[A-Za-z_]\w*$/.test(one));
    if (bad !== undefined) throw new DefineError(`"${bad}" is no name for a parameter of ${name}`);
    at = close + 1;
  }
  const body = trimTokens(tokenize(source.slice(at)));
  const nameAt = source.text.indexOf(name);
  return {
    name, body,
    ...(parameters === undefined ? {} : { parameters }),
    ...(variadic === undefined ? {} : { variadic }),
    definition: {
      kind: 'cpp', name, body: textOf(body), range: source.range(nameAt, nameAt + name.length),
      parameters: [...(parameters ?? []), ...(variadic === undefined ? [] : [variadic === '__VA_ARGS__' ? '...' : `${variadic}...`])],
    },
  };
}

export interface ExpansionScope {
  get(name: string): CppMacro | undefined;
  used(macro: CppMacro, at: SourceText): void;
}

/** More tokens than any line needs; a macro that doubles itself stops here. */
const TOKEN_LIMIT = 200_000;

/** The macros of one line expanded away. */
export class Expander {
  readonly #scope: ExpansionScope;
  #made = 0;
  overflow = false;

  constructor(scope: ExpansionScope) {
    this.#scope = scope;
  }

  expand(input: readonly Token[]): readonly Token[] {
    const pending = [...input].reverse();
    const done: Token[] = [];
    while (pending.length > 0) {
      const token = pending.pop()!;
      const macro = token.kind === 'name' && !token.hidden.has(token.text) ? this.#scope.get(token.text) : undefined;
      if (macro === undefined || this.#made > TOKEN_LIMIT) {
        done.push(token);
        continue;
      }
      const replaced = this.#replace(macro, token, pending);
      if (replaced === undefined) {
        done.push(token);
        continue;
      }
      this.#made += replaced.length + 1;
      if (this.#made > TOKEN_LIMIT) this.overflow = true;
      for (let index = replaced.length - 1; index >= 0; index--) pending.push(replaced[index]!);
    }
    return done;
  }

  /** What a use of `macro` stands for; takes its arguments from `pending`. Undefined if it is a function-like macro without any. */
  #replace(macro: CppMacro, token: Token, pending: Token[]): readonly Token[] | undefined {
    if (macro.parameters === undefined && macro.variadic === undefined) {
      this.#scope.used(macro, token.source);
      return this.#substitute(macro, [], token, new Set([...token.hidden, macro.name]));
    }
    const call = takeArguments(pending, macro);
    if (call === undefined) return undefined;
    this.#scope.used(macro, token.source);
    const common = [...token.hidden].filter((name) => call.close.hidden.has(name));
    return this.#substitute(macro, call.arguments, token, new Set([...common, macro.name]));
  }

  #substitute(macro: CppMacro, args: readonly (readonly Token[])[], use: Token, hidden: ReadonlySet<string>): readonly Token[] {
    const { body } = macro;
    const names = [...(macro.parameters ?? []), ...(macro.variadic === undefined ? [] : [macro.variadic])];
    const argument = (token: Token | undefined): readonly Token[] | undefined => {
      const index = token?.kind === 'name' ? names.indexOf(token.text) : -1;
      return index < 0 ? undefined : args[index] ?? [];
    };
    const position = use.source.position(0);
    const made = (text: string, kind: Token['kind'], before: ReadonlySet<string>): Token => (
      { kind, text, source: SourceText.made(text, position), hidden: new Set([...before, ...hidden]) });
    const result: Token[] = [];
    for (let index = 0; index < body.length; index++) {
      const token = body[index]!;
      if (token.text === '#' && macro.parameters !== undefined) {
        const next = nextSolid(body, index);
        const arg = argument(body[next]);
        if (arg !== undefined) {
          result.push(made(stringize(arg), 'string', NONE));
          index = next;
          continue;
        }
      }
      const after = nextSolid(body, index);
      if (token.kind !== 'space' && body[after]?.text === '##' && token.text !== '##') {
        index = this.#paste(macro, body, index, { argument, made, result });
        continue;
      }
      const arg = argument(token);
      if (arg === undefined) result.push(made(token.text, token.kind, NONE));
      else for (const one of this.expand(arg)) result.push({ ...one, source: SourceText.made(one.text, position), hidden: new Set([...one.hidden, ...hidden]) });
    }
    return result;
  }

  /** `a ## b ## c` from `index` on; returns the index of the last token used. */
  #paste(macro: CppMacro, body: readonly Token[], index: number, how: Pasting): number {
    const { argument, made, result } = how;
    const operand = (token: Token): readonly Token[] => argument(token) ?? [made(token.text, token.kind, NONE)];
    let left = [...trimTokens(operand(body[index]!))];
    let at = index;
    for (;;) {
      const operator = nextSolid(body, at);
      if (body[operator]?.text !== '##') break;
      const next = nextSolid(body, operator);
      const token = body[next];
      if (token === undefined) break;
      const right = trimTokens(operand(token));
      const isVariadic = token.kind === 'name' && token.text === macro.variadic;
      if (isVariadic && left.length === 1 && left[0]!.text === ',') {
        // GNU: the comma goes if there are no further arguments, else nothing is pasted.
        left = right.length === 0 ? [] : [left[0]!, ...this.expand(right)];
      } else if (right.length > 0 && left.length > 0) {
        const glued = `${left.at(-1)!.text}${right[0]!.text}`;
        const tokens = tokenize(SourceText.made(glued, left.at(-1)!.source.position(0))).map((one) => made(one.text, one.kind, left.at(-1)!.hidden));
        left = [...left.slice(0, -1), ...tokens, ...right.slice(1)];
      } else left = [...left, ...right];
      at = next;
    }
    for (const token of left) result.push(made(token.text, token.kind, token.hidden));
    return at;
  }
}

interface Pasting {
  readonly argument: (token: Token | undefined) => readonly Token[] | undefined;
  readonly made: (text: string, kind: Token['kind'], before: ReadonlySet<string>) => Token;
  readonly result: Token[];
}

const NONE: ReadonlySet<string> = new Set();

function nextSolid(tokens: readonly Token[], index: number): number {
  index++;
  while (index < tokens.length && tokens[index]!.kind === 'space') index++;
  return index;
}

function stringize(tokens: readonly Token[]): string {
  const text = trimTokens(tokens).map((token) => (token.kind === 'space' ? ' ' : token.kind === 'string' ? token.text.replaceAll(/[\\"]/g, '\\$&') : token.text)).join('');
  return `"${text}"`;
}

/** Arguments between the parentheses that come next, commas inside inner ones not counted; undefined (nothing taken) if none open or they do not close. */
function takeArguments(pending: Token[], macro: CppMacro): { readonly arguments: readonly (readonly Token[])[]; readonly close: Token } | undefined {
  let at = pending.length - 1;
  while (at >= 0 && pending[at]!.kind === 'space') at--;
  if (at < 0 || pending[at]!.text !== '(') return undefined;
  const fixed = macro.parameters?.length ?? 0;
  const args: Token[][] = [[]];
  let depth = 1;
  for (at--; at >= 0; at--) {
    const token = pending[at]!;
    if (token.text === '(') depth++;
    else if (token.text === ')' && --depth === 0) {
      pending.length = at;
      const isEmpty = args.length === 1 && trimTokens(args[0]!).length === 0;
      return { arguments: isEmpty && fixed === 0 ? [] : args.map((arg) => trimTokens(arg)), close: token };
    }
    const isSeparator = token.text === ',' && depth === 1 && !(macro.variadic !== undefined && args.length > fixed);
    if (isSeparator) args.push([]);
    else args.at(-1)!.push(token);
  }
  return undefined;
}

/** Whether the text ends inside the arguments of a function-like macro, so that the next line belongs to it. */
export function opensArguments(tokens: readonly Token[], get: (name: string) => CppMacro | undefined): boolean {
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.kind !== 'name' || get(token.text)?.parameters === undefined) continue;
    let at = nextSolid(tokens, index);
    if (tokens[at]?.text !== '(') continue;
    let depth = 0;
    for (; at < tokens.length; at++) {
      if (tokens[at]!.text === '(') depth++;
      else if (tokens[at]!.text === ')' && --depth === 0) break;
    }
    if (depth > 0) return true;
    index = at;
  }
  return false;
}
