/**
 * Macros of the preprocessor: what `#define` says.
 */
import type { MacroDefinition } from '../statement.ts';
import type { Line } from '../line.ts';
import { spell } from './token.ts';
import type { Token } from './token.ts';

/** Macros whose value depends on the place of use. */
export type DynamicMacro = '__LINE__' | '__FILE__' | '__COUNTER__' | '__INCLUDE_LEVEL__' | '__BASE_FILE__' | '__DATE__' | '__TIME__';

export class Macro {
  readonly name: string;
  /** Undefined for an object-like macro. */
  readonly parameters: readonly string[] | undefined;
  /** The last parameter takes all further arguments. */
  readonly variadic: boolean;
  readonly body: readonly Token[];
  /** Undefined for a predefined macro. */
  readonly definition: MacroDefinition | undefined;
  readonly dynamic: DynamicMacro | undefined;
  /** Takes no arguments, and its body stands as it is written. */
  readonly isPlain: boolean;
  private knownSlots: readonly number[] | undefined;
  /** Being expanded: not expanded again inside its own expansion. */
  disabled = false;

  constructor(
    name: string, parameters: readonly string[] | undefined, variadic: boolean, body: readonly Token[],
    definition: MacroDefinition | undefined, dynamic?: DynamicMacro,
  ) {
    this.name = name;
    this.parameters = parameters;
    this.variadic = variadic;
    this.body = body;
    this.definition = definition;
    this.dynamic = dynamic;
    this.isPlain = parameters === undefined && dynamic === undefined && body.length > 0 && body.every(({ text }) => text !== '##');
  }

  /** For each token of the body, the index of the parameter it is; -1 if it is none. */
  get slots(): readonly number[] {
    const { parameters } = this;
    return (this.knownSlots ??= this.body.map(({ kind, text }) => (kind === 'name' && parameters !== undefined ? parameters.indexOf(text) : -1)));
  }
}

/** What is wrong with a directive, and which tokens it is about. */
export class DirectiveError extends Error {
  readonly token: Token | undefined;

  constructor(message: string, token?: Token) {
    super(message);
    this.token = token;
  }
}

/**
 * Reads what stands behind `#define`.
 * @throws DirectiveError
 */
export function readDefine(tokens: readonly Token[], line: Line): Macro {
  const [name] = tokens;
  if (name === undefined) throw new DirectiveError('a macro name is missing behind #define');
  if (name.kind !== 'name' || name.text === 'defined') throw new DirectiveError(`"${name.text}" cannot be the name of a macro`, name);
  let at = 1;
  let parameters: string[] | undefined;
  let variadic = false;
  if (tokens[1]?.text === '(' && !tokens[1].space) {
    ({ parameters, variadic, end: at } = readParameters(tokens));
  }
  const body = tokens.slice(at).map((token, index) => (index === 0 ? token.joined(false, token.edge) : token));
  checkBody(body);
  const definition: MacroDefinition = {
    kind: 'cpp', name: name.text, parameters: parameters ?? [], body: spell(body),
    range: line.range(name.spot.offset, name.spot.offset + name.text.length),
  };
  return new Macro(name.text, parameters, variadic, body, definition);
}

function readParameters(tokens: readonly Token[]): { readonly parameters: string[]; readonly variadic: boolean; readonly end: number } {
  const parameters: string[] = [];
  let at = 2;
  if (tokens[at]?.text === ')') return { parameters, variadic: false, end: at + 1 };
  for (;;) {
    const token = tokens[at];
    if (token === undefined) throw new DirectiveError('")" is missing behind the parameters of the macro', tokens[1]);
    let variadic = false;
    if (token.text === '...') {
      parameters.push('__VA_ARGS__');
      variadic = true;
      at++;
    } else {
      if (token.kind !== 'name') throw new DirectiveError(`"${token.text}" cannot be the name of a parameter`, token);
      if (parameters.includes(token.text)) throw new DirectiveError(`the parameter ${token.text} is there twice`, token);
      parameters.push(token.text);
      at++;
      if (tokens[at]?.text === '...') {
        variadic = true;
        at++;
      }
    }
    const separator = tokens[at++];
    if (separator?.text === ')') return { parameters, variadic, end: at };
    if (separator?.text !== ',' || variadic) throw new DirectiveError('"," or ")" is missing in the parameters of the macro', separator ?? tokens[1]);
  }
}

function checkBody(body: readonly Token[]): void {
  const wrong = [body[0], body.at(-1)].find((token) => token?.text === '##');
  if (wrong !== undefined) throw new DirectiveError('"##" cannot stand at either end of a macro', wrong);
}

const sameBody = (a: readonly Token[], b: readonly Token[]): boolean =>
  a.length === b.length && a.every((token, index) => token.text === b[index]!.text && token.space === b[index]!.space);

/** Whether a second definition says the same as the first (C11 6.10.3 p2). */
export function sameMacro(a: Macro, b: Macro): boolean {
  return a.dynamic === b.dynamic && a.variadic === b.variadic
    && (a.parameters === undefined) === (b.parameters === undefined)
    && (a.parameters ?? []).join() === (b.parameters ?? []).join() && sameBody(a.body, b.body);
}
