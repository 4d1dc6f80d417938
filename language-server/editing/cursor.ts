/**
 * What stands around the cursor, from the text alone: a line that is being typed is rarely one the reader can read.
 */
import { lineOf, lineStart } from '../ranges.ts';

/** `f(a, |`: the innermost call that is open at the cursor. */
export interface OpenCall {
  readonly name: string;
  /** Index of the argument the cursor is in. */
  readonly argument: number;
}

export interface Cursor {
  /**
   * `head`: the first word of a statement; `operand`: behind it; `cpp`: the name of a directive of the preprocessor;
   * `include`: a path; `comment`: a comment that speaks to mcsafe; `none`: nothing to say here.
   */
  readonly place: 'head' | 'operand' | 'cpp' | 'cpp-text' | 'include' | 'comment' | 'none';
  /** The word in front of the cursor, with what belongs to it (`%`, `.`, `\`, `@`). */
  readonly word: string;
  /** Columns (0-based) where the word begins, and where it ends behind the cursor. */
  readonly start: number;
  readonly end: number;
  /** Prefixes aside: mnemonic, directive or macro, as written; `''` in the head itself. For `cpp-text` the directive. */
  readonly head: string;
  /** Operands in front of the cursor, trimmed; the last is the one it stands in, up to the cursor. */
  readonly operands: readonly string[];
  readonly call?: OpenCall;
  /** Inside the parentheses (or brackets) of an address; which of base, index, scale. */
  readonly address?: number;
  /** Intel operand order is in force. */
  readonly intel: boolean;
  /** In Intel order: registers have no `%`. */
  readonly bareRegisters: boolean;
  /** Of the `.macro` around the cursor. */
  readonly parameters: readonly string[];
  /** For `include`: what is written up to the cursor, and `<` or `"`. For `comment`: the text behind `mcsafe:`. */
  readonly text: string;
}

const PREFIXES = /^(?:(?:rep|repe|repz|repne|repnz|lock|notrack|bnd|data16|addr32|cs|ds|es|fs|gs|ss|xacquire|xrelease|\{[\w\s]+\})\s+)+/i;
const WORD = /[%$\\@]?[\w.$\\@]*$/;
const LABELS = /^\s*(?:(?:[\w.$\\@]+|"[^"]*")\s*:\s*)+/;

/** The cursor at a 0-based place of `text`. */
export function cursorAt(text: string, line: number, character: number): Cursor {
  const whole = lineOf(text, line + 1);
  const before = whole.slice(0, character);
  const nothing: Cursor = { place: 'none', word: '', start: character, end: character, head: '', operands: [], intel: false, bareRegisters: false, text: '', parameters: [] };
  const syntax = syntaxAt(text, line);
  const comment = /(?:#|\/\/|\/\*|;)[ \t*]*mcsafe:[ \t]*(.*)$/.exec(before);
  if (comment !== null) {
    const word = /[\w-]*$/.exec(before)![0];
    return { ...nothing, place: 'comment', word, start: character - word.length, end: character + /^[\w-]*/.exec(whole.slice(character))![0].length, text: comment[1]! };
  }
  if (inBlockComment(text, line, character)) return nothing;
  const include = /^\s*(?:#\s*(?:include|include_next|import)\s*|\.(?:include|incbin)\s+)([<"])([^>"]*)$/.exec(before);
  if (include !== null) {
    const word = /[^/]*$/.exec(include[2]!)![0];
    return { ...nothing, place: 'include', word, start: character - word.length, end: character + /^[^/>"]*/.exec(whole.slice(character))![0].length, text: include[1]! + include[2]! };
  }
  const around = wordAround(whole, character);
  const own = { ...around, ...syntax, parameters: around.word.startsWith('\\') ? parametersAbove(text, line) : [] };
  const cpp = /^\s*#\s*(\w*)$/.exec(before);
  if (cpp !== null) return { ...nothing, ...own, place: 'cpp', word: cpp[1]!, start: character - cpp[1]!.length };
  const directive = /^\s*#\s*(define|undef|if|ifdef|ifndef|elif)\b(.*)$/.exec(before);
  // The body of a macro is code, the rest of such a line are names.
  const body = directive?.[1] === 'define' ? /^\s*\w+(?:\([^)]*\))?\s(.*)$/.exec(directive[2]!)?.[1] : undefined;
  if (directive !== null && body === undefined) return { ...nothing, ...own, place: directive[1] === 'define' ? 'none' : 'cpp-text', head: directive[1]! };
  const statement = lastStatement(body ?? before);
  if (statement === undefined) return nothing;
  const code = statement.replace(LABELS, '').trimStart().replace(PREFIXES, '');
  const head = /^(?:\.?[\w.\\@]+)/.exec(code)?.[0] ?? '';
  if (head.length === code.length) return { ...nothing, ...own, place: 'head', operands: [] };
  const rest = code.slice(head.length);
  // `name = value` is an assignment, whose value is like an operand.
  return { ...nothing, ...own, place: 'operand', head, ...operandsOf(head, rest) };
}

/** True inside of a comment or a string. 0-based. */
export function isInComment(text: string, line: number, character: number): boolean {
  const before = lineOf(text, line + 1).slice(0, character);
  return inBlockComment(text, line, character) || lastStatement(before.replace(/^\s*#\s*(?:define|undef|include|include_next|if|ifdef|ifndef|elif|else|endif)\b/, '')) === undefined;
}

function wordAround(whole: string, character: number): { readonly word: string; readonly start: number; readonly end: number } {
  const word = WORD.exec(whole.slice(0, character))![0].replace(/^\$(?=.)/, '');
  return { word: word === '$' ? '' : word, start: character - (word === '$' ? 0 : word.length), end: character + /^[\w.$]*/.exec(whole.slice(character))![0].length };
}

/** The text of the statement that is open at the end of `before`; undefined inside a string or a comment. */
function lastStatement(before: string): string | undefined {
  let start = 0;
  for (let at = 0; at < before.length; at++) {
    const char = before[at]!;
    if (char === '"') {
      let end = at + 1;
      while (end < before.length && before[end] !== '"') end += before[end] === '\\' ? 2 : 1;
      if (end >= before.length) return undefined;
      at = end;
    } else if (char === '/' && before[at + 1] === '*') {
      const close = before.indexOf('*/', at + 2);
      if (close < 0) return undefined;
      at = close + 1;
    } else if ((char === '/' && before[at + 1] === '/') || char === '#') return undefined;
    else if (char === ';') start = at + 1;
  }
  return before.slice(start);
}

function operandsOf(head: string, rest: string): Pick<Cursor, 'operands' | 'call' | 'address'> {
  const calls: { name: string; argument: number; isCall: boolean }[] = [];
  const operands: string[] = [];
  let from = 0;
  for (let at = 0; at < rest.length; at++) {
    const char = rest[at]!;
    if (char === '(' || char === '[') {
      const name = char === '(' ? /([A-Za-z_]\w*)$/.exec(at === 0 ? head : rest.slice(0, at))?.[1] : undefined;
      const isCall = name !== undefined && !/[%$@]$/.test(rest.slice(0, at - name.length));
      calls.push({ name: name ?? '', argument: 0, isCall });
    } else if (char === ')' || char === ']') calls.pop();
    else if (char === ',') {
      const open = calls.at(-1);
      if (open !== undefined) open.argument++;
      else {
        operands.push(rest.slice(from, at).trim());
        from = at + 1;
      }
    }
  }
  operands.push(rest.slice(from).trimStart());
  const call = calls.findLast(({ isCall }) => isCall);
  const innermost = calls.at(-1);
  return {
    operands,
    ...(call === undefined ? {} : { call: { name: call.name, argument: call.argument } }),
    ...(innermost === undefined || innermost.isCall ? {} : { address: innermost.argument }),
  };
}

function inBlockComment(text: string, line: number, character: number): boolean {
  const offset = lineStart(text, line + 1);
  if (offset === undefined) return false;
  const before = text.slice(0, offset + character);
  const open = before.lastIndexOf('/*');
  return open >= 0 && before.indexOf('*/', open + 2) < 0 && !/[#"]|\/\//.test(before.slice(before.lastIndexOf('\n', open) + 1, open).replace(/"[^"]*"/g, ''));
}

/** Parameters of the last `.macro` above that is still open. The text is asked: a line that ends in a backslash hides the next from the reader. */
function parametersAbove(text: string, line: number): readonly string[] {
  const lines = text.split('\n');
  let depth = 0;
  for (let at = Math.min(line, lines.length - 1); at >= 0; at--) {
    const [, name, rest = ''] = /^\s*\.(macro|endm|irpc?)\b\s*(.*)$/.exec(lines[at]!) ?? [];
    if (name === 'endm') depth++;
    else if (name === 'macro' && depth > 0) depth--;
    else if (name?.startsWith('irp') === true && depth === 0) return [/^\w*/.exec(rest)![0], ...parametersAbove(text, at - 1)];
    else if (name === 'macro') return rest.split(/[\s,]+/).slice(1).map((one) => one.replace(/[:=].*/, '')).filter((one) => /^\w+$/.test(one));
  }
  return [];
}

const SYNTAX = /^[ \t]*\.(intel|att)_syntax[ \t]*(noprefix|prefix)?/gm;

/** The last `.intel_syntax` or `.att_syntax` above counts. */
function syntaxAt(text: string, line: number): { readonly intel: boolean; readonly bareRegisters: boolean } {
  if (!text.includes('_syntax')) return { intel: false, bareRegisters: false };
  const above = text.split('\n').slice(0, line).join('\n');
  const last = [...above.matchAll(SYNTAX)].at(-1);
  const intel = last?.[1] === 'intel';
  return { intel, bareRegisters: intel && last?.[2] === 'noprefix' };
}
