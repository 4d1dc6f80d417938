/**
 * Macro expansion (C11 6.10.3), in the manner of gcc's cpplib: a stack of token lists, in which a macro is disabled while its own
 * expansion is on the stack.
 */
import type { MacroFrame, SourcePosition } from '../../source.ts';
import type { MacroUse } from '../statement.ts';
import type { Macro } from './macro.ts';
import { Token, positionOf, tokenize } from './token.ts';
import type { Spot } from './token.ts';
import { FileOrigin, Line } from '../line.ts';

/** What an expansion needs from the preprocessor. */
export interface ExpansionHost {
  readonly macros: Map<string, Macro>;
  /** Whether the next line of the file begins with `(`. */
  parenthesisAhead(): boolean;
  /** The tokens of the next line of the file, for an invocation that goes on there (none for a directive); undefined where it ends. */
  moreTokens(): Token[] | undefined;
  /** The text that a macro like `__LINE__` stands for. */
  dynamicText(macro: Macro): string;
  /** A macro written in a file was used. */
  used(use: MacroUse): void;
  problem(token: Token, message: string): void;
  /** `name` is not expanded, for macros are nested too deep there. */
  tooDeep(name: Token): void;
  /** Accounts for `count` tokens made; false if there have been too many. */
  spend(count: number): boolean;
  /** In the expression of `#if`: tokens that stand for `defined X` and its like. */
  operator?: ((token: Token, next: () => Token | undefined) => Token | undefined) | undefined;
}

interface Context {
  readonly tokens: readonly Token[];
  at: number;
  readonly macro: Macro | undefined;
}

/** Invocations nested deeper than this, each in the argument of the other, are left alone. */
const MAX_DEPTH = 200;
/** Macros expanded inside one another deeper than this, likewise. */
const MAX_FRAMES = 200;

export class Expander {
  private readonly host: ExpansionHost;
  private readonly stack: Context[];
  private readonly depth: number;
  /** May go on in the next lines of the file. */
  private readonly open: boolean;
  /** An expansion has ended: what follows was not written next to it. */
  private seam = false;

  constructor(host: ExpansionHost, tokens: readonly Token[], open: boolean, depth = 0) {
    this.host = host;
    this.stack = [{ tokens, at: 0, macro: undefined }];
    this.open = open;
    this.depth = depth;
  }

  /** All tokens, expanded. */
  all(): Token[] {
    const out: Token[] = [];
    // White space and seams of expansions that came to nothing.
    let pendingSpace = false;
    let pendingEdge = false;
    for (;;) {
      const token = this.raw();
      if (token === undefined) break;
      if (token.kind === 'name' && !token.painted) {
        const special = this.host.operator?.(token, () => this.raw());
        if (special !== undefined) {
          out.push(special);
          continue;
        }
        const macro = this.host.macros.get(token.text);
        if (macro !== undefined) {
          if (macro.disabled) {
            out.push(token.paint().joined(token.space || pendingSpace, token.edge || pendingEdge));
            pendingSpace = pendingEdge = false;
            continue;
          }
          if (this.tooDeep(token)) {
            out.push(token.paint());
            continue;
          }
          if (this.writes(macro, token, out, token.space || pendingSpace)) {
            pendingSpace = pendingEdge = false;
            continue;
          }
          const expansion = this.enter(macro, token);
          if (expansion !== undefined) {
            if (expansion.length === 0) {
              pendingSpace ||= token.space;
              pendingEdge = true;
            }
            continue;
          }
        }
      }
      out.push(pendingSpace || pendingEdge ? token.joined(token.space || pendingSpace, true) : token);
      pendingSpace = pendingEdge = false;
    }
    return out;
  }

  /** The next token as it stands; ends expansions that are used up. */
  private raw(): Token | undefined {
    for (;;) {
      const top = this.stack.at(-1)!;
      const token = top.tokens[top.at];
      if (token !== undefined) {
        top.at++;
        if (!this.seam) return token;
        this.seam = false;
        return token.joined(token.space, true);
      }
      if (this.stack.length === 1) return undefined;
      this.stack.pop();
      if (top.macro !== undefined) top.macro.disabled = false;
      this.seam = true;
    }
  }

  /** Whether the next token is `(`; looks past the ends of expansions, and of lines. */
  private parenthesisFollows(): boolean {
    for (let level = this.stack.length - 1; level >= 0; level--) {
      const { tokens, at } = this.stack[level]!;
      const token = tokens[at];
      if (token !== undefined) return token.text === '(' && token.kind === 'punctuator';
    }
    if (!this.open || !this.host.parenthesisAhead()) return false;
    const more = this.host.moreTokens();
    this.stack[0] = { tokens: more ?? [], at: 0, macro: undefined };
    return more?.[0]?.text === '(';
  }

  private tooDeep(name: Token): boolean {
    if ((name.body.frames?.length ?? 0) < MAX_FRAMES && this.depth < MAX_DEPTH) return false;
    this.host.tooDeep(name);
    return true;
  }

  /**
   * Expands a macro that stands for something at once, if nothing in it is to be expanded further: most names of registers are such. The
   * same as {@link enter} and reading on, but for what that would cost. False if the macro is no such.
   */
  private writes(macro: Macro, name: Token, out: Token[], space: boolean): boolean {
    if (!macro.isPlain) return false;
    const { body } = macro;
    if (this.canExpand(body)) return false;
    this.note(macro, name);
    this.seam = true;
    if (!this.host.spend(body.length + 1)) return true;
    const frames = framesOf(macro, name);
    let edge = true;
    for (const token of body) {
      const spot: Spot = { line: token.spot.line, offset: token.spot.offset, frames };
      out.push(new Token(token.kind, token.text, edge ? space : token.space, spot, spot, false, edge));
      edge = false;
    }
    return true;
  }

  /** Whether a name is among `tokens` that may stand for something else. */
  private canExpand(tokens: readonly Token[]): boolean {
    for (const token of tokens) if (token.kind === 'name' && (this.host.operator !== undefined || this.host.macros.has(token.text))) return true;
    return false;
  }

  /** Notes the use of a macro that is written in a file. */
  private note(macro: Macro, name: Token): void {
    if (macro.definition === undefined || name.spot.frames !== undefined) return;
    const { line, offset } = name.spot;
    this.host.used({ definition: macro.definition, range: line.range(offset, offset + name.text.length) });
  }

  /** Puts the expansion of `macro` on the stack and returns it; undefined if this is no invocation. */
  private enter(macro: Macro, name: Token): readonly Token[] | undefined {
    if (macro.dynamic !== undefined) {
      const line = new Line(this.host.dynamicText(macro), name.spot.line.origin);
      return this.push(undefined, tokenize(line).map((token) => new Token(token.kind, token.text, name.space, name.spot, name.body, false, true)));
    }
    let args: readonly (readonly Token[])[] = [];
    if (macro.parameters !== undefined) {
      if (!this.parenthesisFollows()) return undefined;
      const collected = this.collect(macro, name);
      if (collected === undefined) return [];
      args = collected;
    }
    this.note(macro, name);
    const frames = framesOf(macro, name);
    const tokens = this.substitute(macro, args, frames);
    if (!this.host.spend(tokens.length + 1)) return [];
    const first = tokens[0];
    if (first !== undefined) tokens[0] = first.joined(name.space, true);
    macro.disabled = true;
    return this.push(macro, tokens);
  }

  private push(macro: Macro | undefined, tokens: readonly Token[]): readonly Token[] {
    this.stack.push({ tokens, at: 0, macro });
    return tokens;
  }

  /** Reads the arguments of an invocation, from `(` to `)`; undefined (and a problem) if they are wrong. */
  private collect(macro: Macro, name: Token): (readonly Token[])[] | undefined {
    this.raw(); // the parenthesis
    const parameters = macro.parameters!;
    const args: Token[][] = [[]];
    let depth = 1;
    for (;;) {
      const token = this.raw();
      if (token === undefined) {
        const more = this.open ? this.host.moreTokens() : undefined;
        if (more === undefined) {
          this.host.problem(name, `the invocation of ${macro.name} is not closed: ")" is missing`);
          return undefined;
        }
        const first = more[0];
        this.stack[0] = { tokens: first === undefined ? [] : [first.joined(true, first.edge), ...more.slice(1)], at: 0, macro: undefined };
        continue;
      }
      if (token.kind === 'punctuator') {
        if (token.text === '(') depth++;
        else if (token.text === ')' && --depth === 0) break;
        else if (token.text === ',' && depth === 1 && !(macro.variadic && args.length >= parameters.length)) {
          args.push([]);
          continue;
        }
      }
      args.at(-1)!.push(token);
    }
    if (parameters.length === 0 && args.length === 1 && args[0]!.length === 0) return [];
    if (macro.variadic && args.length === parameters.length - 1) args.push([]);
    if (args.length !== parameters.length) {
      this.host.problem(name, `${macro.name} takes ${String(parameters.length)} argument${parameters.length === 1 ? '' : 's'}, and has ${String(args.length)} here`);
      return undefined;
    }
    return args;
  }

  /** The body of `macro` with its arguments put in, `#` and `##` done. */
  private substitute(macro: Macro, args: readonly (readonly Token[])[], frames: readonly MacroFrame[]): Token[] {
    const { body, parameters, slots } = macro;
    const out: Token[] = [];
    const expanded: (readonly Token[] | undefined)[] = [];
    const place = (token: Token): Spot => ({ line: token.spot.line, offset: token.spot.offset, frames });
    const made = (token: Token): Token => token.placed(place(token));
    let pendingSpace = false;
    let edge = false;
    const add = (token: Token): void => {
      out.push(token.joined(token.space || pendingSpace, edge || token.edge));
      pendingSpace = edge = false;
    };
    // True if the operand left of `##` was an argument without tokens.
    let pasteNothing = false;
    for (let index = 0; index < body.length; index++) {
      const token = body[index]!;
      const number = slots[index]!;
      if (token.text === '#' && token.kind === 'punctuator' && parameters !== undefined) {
        const operand = slots[index + 1] ?? -1;
        if (operand >= 0) {
          const spot = place(token);
          add(new Token('string', stringize(args[operand]!), token.space, spot));
          index++;
          continue;
        }
      }
      if (token.text === '##' && token.kind === 'punctuator' && index > 0) {
        const next = body[++index]!;
        const operand = slots[index]!;
        let right: Token[];
        if (next.text === '#' && (slots[index + 1] ?? -1) >= 0) {
          right = [new Token('string', stringize(args[slots[++index]!]!), next.space, place(next))];
        } else right = operand < 0 ? [made(next)] : args[operand]!.map((argument) => argument.cameIn(place(next)));
        const left: Token | undefined = pasteNothing ? undefined : out.at(-1);
        // GNU: `, ## __VA_ARGS__` loses the comma when there are no further arguments, and pastes nothing otherwise.
        if (left?.text === ',' && macro.variadic && operand === parameters!.length - 1) {
          if (right.length === 0) out.pop();
          else for (const argument of this.expandedArgument(args, expanded, operand)) out.push(argument.cameIn(place(next)));
          pasteNothing = false;
          continue;
        }
        if (right.length === 0) {
          pasteNothing = pasteNothing || left === undefined;
          continue;
        }
        if (left === undefined) {
          right[0] = right[0]!.joined(pendingSpace || right[0]!.space, true);
          pendingSpace = false;
          out.push(...right);
        } else {
          out.pop();
          out.push(...this.paste(left, right[0]!, place(token)), ...right.slice(1));
        }
        pasteNothing = false;
        edge = true;
        continue;
      }
      pasteNothing = false;
      if (number < 0) {
        add(made(token));
        continue;
      }
      const pasted = body[index + 1]?.text === '##' && body[index + 1]!.kind === 'punctuator';
      const argument = pasted ? args[number]! : this.expandedArgument(args, expanded, number);
      if (argument.length === 0) {
        pendingSpace ||= token.space;
        edge = true;
        pasteNothing = pasted;
        continue;
      }
      const body_ = place(token);
      add(argument[0]!.cameIn(body_).joined(token.space, true));
      for (let position = 1; position < argument.length; position++) out.push(argument[position]!.cameIn(body_));
      edge = true;
    }
    return out;
  }

  private expandedArgument(args: readonly (readonly Token[])[], expanded: (readonly Token[] | undefined)[], number: number): readonly Token[] {
    const argument = args[number]!;
    return (expanded[number] ??= this.canExpand(argument) ? new Expander(this.host, argument, false, this.depth + 1).all() : argument);
  }

  /** `left ## right`. What does not make one token stays two, as gcc has it in assembler sources. */
  private paste(left: Token, right: Token, spot: Spot): Token[] {
    const text = left.text + right.text;
    if (left.kind === 'name' && (right.kind === 'name' || (right.kind === 'number' && WORD.test(right.text)))) return [new Token('name', text, left.space, spot, spot, false, left.edge)];
    const tokens = tokenize(new Line(text, new FileOrigin('', 1)));
    if (tokens.length !== 1 || text === '//' || text === '/*') return [left, right.joined(false, right.edge)];
    return [new Token(tokens[0]!.kind, text, left.space, spot, spot, false, left.edge)];
  }
}

/** Characters that all go on a name. */
const WORD = /^\w+$/;

/** One expansion; where it was invoked is worked out when somebody asks. */
class Frame implements MacroFrame {
  readonly name: string;
  private readonly spot: Spot;

  constructor(name: string, spot: Spot) {
    this.name = name;
    this.spot = spot;
  }

  get invokedAt(): SourcePosition {
    return positionOf(this.spot);
  }

  /** What `JSON.stringify` writes. */
  toJSON(): MacroFrame {
    return { name: this.name, invokedAt: this.invokedAt };
  }
}

function framesOf(macro: Macro, name: Token): readonly MacroFrame[] {
  const frame = new Frame(macro.name, name.body);
  return name.body.frames === undefined ? [frame] : [frame, ...name.body.frames];
}

/** The string literal that `#` makes of an argument. */
function stringize(tokens: readonly Token[]): string {
  let text = '';
  for (const token of tokens) {
    const escaped = token.kind === 'string' || token.kind === 'character' ? token.text.replace(/["\\]/g, '\\$&') : token.text;
    text += (token.space && text !== '' ? ' ' : '') + escaped;
  }
  return `"${text}"`;
}
