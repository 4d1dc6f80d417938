/**
 * The words of a source and what each is, for colours: lexical, with what the analysis knows of names.
 */
import { GENERAL_REGISTERS } from '../registers.ts';
import { PREPROCESSOR } from '../facts/directives.ts';
import { isEntryMacro } from '../facts/kernel-macros.ts';
import { REGISTERS } from '../facts/registers.ts';
import type { Analysis } from '../analysis/analysis.ts';

/** The legend: types of the protocol, so that every editor has colours for them. */
export const TOKEN_TYPES = ['comment', 'string', 'number', 'keyword', 'modifier', 'macro', 'label', 'function', 'variable', 'parameter', 'enumMember'] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];
/** `declaration`: the name is defined here; `defaultLibrary`: a register; `exceptionEntry`: a macro that makes an exception-table entry. */
export const TOKEN_MODIFIERS = ['declaration', 'defaultLibrary', 'exceptionEntry'] as const;
export type TokenModifier = (typeof TOKEN_MODIFIERS)[number];

export interface Token {
  /** 0-based. */
  readonly line: number;
  readonly start: number;
  readonly length: number;
  readonly type: TokenType;
  readonly modifiers: readonly TokenModifier[];
}

/** The names a source gives meaning to. */
interface Names {
  readonly macros: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
}

/** Tokens of the lines from `from` up to, not including, `to` (0-based), in order. */
export function tokensOf(analysis: Analysis, text: string, from = 0, to = Infinity): readonly Token[] {
  const names: Names = {
    macros: new Set(analysis.unit.macros.flatMap(({ name, kind }) => (kind === 'gas' ? [name, name.toLowerCase()] : [name]))),
    labels: new Set(analysis.labels.all.map(({ written }) => written)),
    functions: new Set(analysis.routines.filter(({ isFunction, global }) => isFunction || global).map(({ name }) => name)),
  };
  const tokens: Token[] = [];
  const state: State = { comment: false, continued: false, bare: false };
  const lines = text.split('\n');
  for (let line = 0; line < Math.min(lines.length, to); line++) scanLine(withoutReturn(lines[line]!), line, state, names, line < from ? undefined : tokens);
  return tokens;
}

/** A token never reaches over the end of its line, which may be CR LF. */
function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

interface State {
  /** A block comment is open. */
  comment: boolean;
  /** The line before ended in a backslash, inside of a directive of the preprocessor. */
  continued: boolean;
  /** Intel syntax without `%`. */
  bare: boolean;
}

const PIECE = /(\s+)|(\/\*)|(\/\/.*|#.*)|("(?:[^"\\]|\\.)*"?)|('(?:\\.|[^\\]))|([%](?:st\(\d\)|\w+))|(\\(?:@|\(\)|[\w.$]+))|(\d+[bf](?![\w.]))|(0[xX][\da-fA-F]+|0[bB][01]+|\d[\w.]*)|([A-Za-z_.$@\u0080-\uffff][\w.$@\u0080-\uffff]*)|(;)|(.)/gy;
const PREFIX = /^(rep|repe|repz|repne|repnz|lock|notrack|bnd|data16|data32|addr32|xacquire|xrelease)$/i;
const BARE_REGISTERS = new Set([...GENERAL_REGISTERS, ...REGISTERS.map(([name]) => name)]);

function scanLine(text: string, line: number, state: State, names: Names, out: Token[] | undefined): void {
  const push = (start: number, length: number, type: TokenType, ...modifiers: TokenModifier[]): void => { if (length > 0) out?.push({ line, start, length, type, modifiers }); };
  let at = 0;
  if (state.comment) {
    const close = text.indexOf('*/');
    at = close < 0 ? text.length : close + 2;
    push(0, at, 'comment');
    if (close < 0) return;
    state.comment = false;
  }
  let head = true;
  let inDirective = state.continued;
  const cpp = at === 0 && !state.continued ? /^(\s*)(#\s*([a-z_]+))\b/.exec(text) : null;
  if (cpp !== null && (Object.hasOwn(PREPROCESSOR, cpp[3]!) || cpp[3] === 'include_next')) {
    inDirective = true;
    push(cpp[1]!.length, cpp[2]!.length, 'modifier');
    at = cpp[0].length;
    const name = /^(\s+)(\w+)/.exec(text.slice(at));
    if (name !== null && /^(define|undef|ifdef|ifndef)$/.test(cpp[3]!)) {
      push(at + name[1]!.length, name[2]!.length, 'macro', ...(cpp[3] === 'define' ? ['declaration' as const] : []));
      at += name[0].length;
      const parameters = cpp[3] === 'define' ? /^\([^)]*\)/.exec(text.slice(at)) : null;
      if (parameters !== null) {
        for (const one of parameters[0].matchAll(/\w+/g)) push(at + one.index, one[0].length, 'parameter');
        at += parameters[0].length;
      }
    }
    const path = /^include/.test(cpp[3]!) ? /^\s*(<[^>]*>?)/.exec(text.slice(at)) : null;
    if (path !== null) {
      push(at + path[0].length - path[1]!.length, path[1]!.length, 'string');
      at += path[0].length;
    }
    head = cpp[3] === 'define';
  }
  state.continued = inDirective && /\\\s*$/.test(text);
  let directive = '';
  PIECE.lastIndex = at;
  for (let match = PIECE.exec(text); match !== null; match = PIECE.exec(text)) {
    const [whole, blank, block, comment, string, character, register, parameter, local, number, word, separator] = match;
    const start = match.index;
    if (blank !== undefined) continue;
    if (block !== undefined) {
      const close = text.indexOf('*/', start + 2);
      const end = close < 0 ? text.length : close + 2;
      push(start, end - start, 'comment');
      if (close < 0) {
        state.comment = true;
        return;
      }
      PIECE.lastIndex = end;
      continue;
    }
    if (comment !== undefined) {
      // Inside of a directive `#` and `##` are operators.
      if (comment.startsWith('#') && inDirective) PIECE.lastIndex = start + 1;
      else push(start, whole.length, 'comment');
    } else if (string !== undefined) push(start, whole.length, 'string');
    else if (character !== undefined || number !== undefined) {
      if (head && number !== undefined && /^\s*:/.test(text.slice(start + whole.length))) push(start, whole.length, 'label', 'declaration');
      else push(start, whole.length, 'number');
    } else if (register !== undefined) push(start, whole.length, 'variable', 'defaultLibrary');
    else if (parameter !== undefined) push(start, whole.length, 'parameter');
    else if (local !== undefined) push(start, whole.length, 'label');
    else if (separator !== undefined) head = true;
    else if (word !== undefined) {
      const rest = text.slice(start + word.length);
      if (head && /^\s*:/.test(rest)) {
        push(start, word.length, names.functions.has(word) ? 'function' : 'label', 'declaration');
        PIECE.lastIndex = start + word.length + /^\s*:/.exec(rest)![0].length;
      } else if (head) {
        head = PREFIX.test(word);
        if (/^\s*=(?!=)/.test(rest)) push(start, word.length, 'variable', 'declaration');
        else if (names.macros.has(word) || names.macros.has(word.toLowerCase())) push(start, word.length, 'macro', ...(isEntryMacro(word) ? ['exceptionEntry' as const] : []));
        else if (word.startsWith('.')) {
          directive = word.toLowerCase();
          if (directive.endsWith('_syntax')) state.bare = directive === '.intel_syntax' && /^\s*noprefix\b/.test(rest);
          push(start, word.length, 'modifier');
        } else push(start, word.length, 'keyword');
      } else if (directive === '.macro') {
        push(start, word.length, 'macro', 'declaration');
        directive = '.macro parameters';
      } else if (directive === '.macro parameters' || (directive === '.irp' || directive === '.irpc')) {
        push(start, word.length, 'parameter');
        if (directive !== '.macro parameters') directive = '';
      } else named(word, start, names, state, push);
    }
  }
}

function named(word: string, start: number, { macros, labels, functions }: Names, { bare }: State, push: (start: number, length: number, type: TokenType, ...modifiers: TokenModifier[]) => void): void {
  // `$name`, and `name@PLT`.
  const lead = /^\$+/.exec(word)?.[0].length ?? 0;
  const name = /^[^@]*/.exec(word.slice(lead))![0];
  const put = (type: TokenType, ...modifiers: TokenModifier[]): void => { push(start + lead, name.length, type, ...modifiers); };
  if (/^EX_TYPE_\w+$/.test(name)) put('enumMember');
  else if (macros.has(name)) put('macro', ...(isEntryMacro(name) ? ['exceptionEntry' as const] : []));
  else if (bare && BARE_REGISTERS.has(name.toLowerCase())) put('variable', 'defaultLibrary');
  else if (functions.has(name)) put('function');
  else if (labels.has(name) || name.startsWith('.L')) put('label');
  else if (/^\d+$/.test(name) || /^0x[\da-f]+$/i.test(name)) put('number');
  else if (name !== '.' && name !== '') put('variable');
}
