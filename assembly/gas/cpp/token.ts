/**
 * Preprocessing tokens, as gcc reads them in assembler sources: `$` is no part of a name, and a quote that is not closed runs to the end
 * of the line.
 */
import type { MacroFrame, SourcePosition, SourceRange } from '../../source.ts';
import type { Line } from '../line.ts';

export type TokenKind = 'name' | 'number' | 'string' | 'character' | 'punctuator' | 'other';

/** A place in a line, and the macros through which it came. */
export interface Spot {
  readonly line: Line;
  readonly offset: number;
  readonly frames: readonly MacroFrame[] | undefined;
}

export class Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** White space stands before it. */
  readonly space: boolean;
  /** Where it is written. */
  readonly spot: Spot;
  /** Where it came into the macro's body, for a token of an argument. */
  readonly body: Spot;
  /** It is a macro's name met inside that macro's expansion: never expanded again. */
  readonly painted: boolean;
  /** It was not written next to the token before it: a blank may be needed to keep the two apart. */
  readonly edge: boolean;

  constructor(kind: TokenKind, text: string, space: boolean, spot: Spot, body: Spot = spot, painted = false, edge = false) {
    this.kind = kind;
    this.text = text;
    this.space = space;
    this.spot = spot;
    this.body = body;
    this.painted = painted;
    this.edge = edge;
  }

  /** Written at `spot`, in the body of a macro. */
  placed(spot: Spot): Token {
    return new Token(this.kind, this.text, this.space, spot, spot, this.painted, this.edge);
  }

  /** Come in through an argument that a macro has at `body`. */
  cameIn(body: Spot): Token {
    return new Token(this.kind, this.text, this.space, this.spot, body, this.painted, this.edge);
  }

  /** With or without white space before it, and an edge. */
  joined(space: boolean, edge: boolean): Token {
    return space === this.space && edge === this.edge ? this : new Token(this.kind, this.text, space, this.spot, this.body, this.painted, edge);
  }

  paint(): Token {
    return new Token(this.kind, this.text, this.space, this.spot, this.body, true, this.edge);
  }
}

/** The position `spot` stands for. */
export function positionOf(spot: Spot, extra = 0): SourcePosition {
  const position = spot.line.origin.position(spot.offset + extra, 'spelling');
  return spot.frames === undefined ? position : { ...position, expansion: spot.frames };
}

/** Where a token is written; worked out when somebody asks. */
export class TokenRange implements SourceRange {
  private readonly token: Token;

  constructor(token: Token) {
    this.token = token;
  }

  get start(): SourcePosition {
    return positionOf(this.token.spot);
  }

  get endColumn(): number {
    return this.start.column + this.token.text.length;
  }

  /** What `JSON.stringify` writes. */
  toJSON(): SourceRange {
    const { start, endColumn } = this;
    return { start, endColumn };
  }
}

const TOKEN = new RegExp(
  [
    '([ \\t\\f\\v\\r]+)', // 1: white space
    '([A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)', // 2: name
    '(\\.?[0-9](?:[eEpP][+-]|[\\w.])*)', // 3: number
    '("(?:[^"\\\\]|\\\\.)*")', // 4: string
    "('(?:[^'\\\\]|\\\\.)*')", // 5: character
    "([\"'][^]*)", // 6: an open quote
    '(\\.\\.\\.|<<=|>>=|->|\\+\\+|--|<<|>>|<=|>=|==|!=|&&|\\|\\||[-+*/%&|^]=|##|::|[-+*/%&|^!~<>=?:;,.#()[\\]{}])', // 7: punctuator
    '([^])', // 8: anything else
  ].join('|'),
  'y',
);

/** The tokens of `line` from `offset` on. */
export function tokenize(line: Line, offset = 0): Token[] {
  const tokens: Token[] = [];
  const { text } = line;
  let space = false;
  TOKEN.lastIndex = offset;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    if (match[1] !== undefined) {
      space = true;
      continue;
    }
    const kind: TokenKind = match[2] !== undefined ? 'name'
      : match[3] !== undefined ? 'number'
      : match[4] !== undefined ? 'string'
      : match[5] !== undefined ? 'character'
      : match[7] !== undefined ? 'punctuator' : 'other';
    tokens.push(new Token(kind, match[0], space, { line, offset: match.index, frames: undefined }));
    space = false;
  }
  return tokens;
}

/** Whether the two, written without a blank between them, would be read as something else (cpp's `cpp_avoid_paste`). */
export function wouldPaste(left: Token, right: Token): boolean {
  const next = right.text[0]!;
  switch (left.kind) {
    case 'name':
      return right.kind === 'name' || right.kind === 'character' || right.kind === 'string' || (right.kind === 'number' && /^\w/.test(right.text));
    case 'number':
      return right.kind === 'name' || right.kind === 'number' || right.kind === 'character' || next === '.' || next === '+' || next === '-';
    case 'punctuator':
      break;
    case 'other':
      return left.text === '\\' && right.kind === 'name';
    default:
      return false;
  }
  if (next === '=' && /^(?:[=!<>+\-*/%&|^]|<<|>>)$/.test(left.text)) return true;
  switch (left.text) {
    case '>': return next === '>';
    case '<': return next === '<' || next === '%' || next === ':';
    case '+': return next === '+';
    case '-': return next === '-' || next === '>';
    case '/': return next === '/' || next === '*';
    case '%': return next === ':' || next === '%';
    case '&': return next === '&';
    case '|': return next === '|';
    case ':': return next === ':' || next === '>';
    case '->': return next === '*';
    case '.': return next === '.' || next === '%' || right.kind === 'number';
    case '#': return next === '#' || next === '%';
    default: return false;
  }
}

/** The text of `tokens` with single blanks where white space stands, as `#` makes it. */
export function spell(tokens: readonly Token[]): string {
  let text = '';
  for (const token of tokens) text += (token.space && text !== '' ? ' ' : '') + token.text;
  return text;
}
