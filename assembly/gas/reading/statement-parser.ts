/**
 * One statement's text to a {@link Statement}. Labels have been taken off before.
 */
import { endOfName, skipBlanks } from '../characters.ts';
import { readString } from '../escapes.ts';
import { parseExpression } from '../expression.ts';
import type { ExpressionContext } from '../expression.ts';
import { parseOperand, splitAtCommas } from './operands.ts';
import type { SourceText } from './source-text.ts';
import type { AssignmentStatement, DirectiveArgument, DirectiveStatement, Expression, InstructionStatement } from '../statement.ts';
import { GasSyntaxError } from '../syntax-error.ts';
import { parseWholeExpression } from '../expression.ts';

export type LocalLabel = NonNullable<ExpressionContext['localLabel']>;

const PREFIXES = new Set([
  'rep', 'repe', 'repz', 'repne', 'repnz', 'lock', 'notrack', 'bnd', 'data16', 'data32', 'addr16', 'addr32', 'cs', 'ds', 'es', 'fs', 'gs', 'ss', 'xacquire', 'xrelease',
]);
const REX = /^rex(64|\.?[wrxb]{1,4}|64[xyz]{1,3})?$/;

function contextOf(source: SourceText, localLabel: LocalLabel): ExpressionContext {
  return { places: source, localLabel };
}

/** `name = value` and `name == value`; undefined if the text is none. */
export function parseAssignment(source: SourceText, localLabel: LocalLabel): AssignmentStatement | undefined {
  const { text } = source;
  const nameEnd = endOfName(text, 0);
  const at = skipBlanks(text, nameEnd);
  if (nameEnd === 0 || text[at] !== '=') return undefined;
  const once = text[at + 1] === '=';
  const value = parseWholeExpression(text, at + (once ? 2 : 1), text.length, contextOf(source, localLabel));
  return { kind: 'assignment', name: text.slice(0, nameEnd), value, once, text, range: source.range(0, text.length) };
}

/** `.set`, `.equ`, `.equiv` with their arguments from `start` on. */
export function parseSet(source: SourceText, start: number, once: boolean, localLabel: LocalLabel): AssignmentStatement {
  const { text } = source;
  const from = skipBlanks(text, start);
  const quoted = text[from] === '"';
  const nameEnd = quoted ? readString(text, from).end : endOfName(text, from);
  const comma = skipBlanks(text, nameEnd);
  if (nameEnd === from || text[comma] !== ',') throw new GasSyntaxError('a symbol, a comma and a value are expected here', from, text.length);
  const value = parseWholeExpression(text, comma + 1, text.length, contextOf(source, localLabel));
  return { kind: 'assignment', name: quoted ? text.slice(from + 1, nameEnd - 1) : text.slice(from, nameEnd), value, once, text, range: source.range(0, text.length) };
}

export function parseDirective(source: SourceText, nameEnd: number, localLabel: LocalLabel): DirectiveStatement {
  const { text } = source;
  return {
    kind: 'directive', name: text.slice(0, nameEnd).toLowerCase(), text, range: source.range(0, text.length),
    arguments: splitAtCommas(text, nameEnd).map(({ start, end }) => parseArgument(source, start, end, localLabel)),
  };
}

function parseArgument(source: SourceText, start: number, end: number, localLabel: LocalLabel): DirectiveArgument {
  const text = source.text.slice(start, end);
  const range = source.range(start, end);
  const string = text.startsWith('"') ? joinedStrings(text) : undefined;
  const expression = expressionOf(source, start, end, localLabel);
  return { text, range, ...(expression === undefined ? {} : { expression }), ...(string === undefined ? {} : { string }) };
}

function expressionOf(source: SourceText, start: number, end: number, localLabel: LocalLabel): Expression | undefined {
  try {
    return parseWholeExpression(source.text, start, end, contextOf(source, localLabel));
  } catch (error) {
    if (error instanceof GasSyntaxError) return undefined;
    throw error;
  }
}

/** Adjacent string literals as one; undefined if anything else stands there. */
function joinedStrings(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at = skipBlanks(text, at)) {
    if (text[at] !== '"') return undefined;
    const part = readString(text, at);
    bytes.push(...part.bytes);
    at = part.end;
  }
  return Uint8Array.from(bytes);
}

export function parseInstruction(source: SourceText, bits: InstructionStatement['bits'], localLabel: LocalLabel): InstructionStatement {
  const { text } = source;
  const prefixes: string[] = [];
  let at = 0;
  for (;;) {
    const word = /^(\{[\w.]+\}|[A-Za-z][\w.]*)\s*/.exec(text.slice(at));
    const name = word?.[1]!.toLowerCase() ?? '';
    const isPrefix = word !== null && (PREFIXES.has(name) || REX.test(name) || name.startsWith('{'));
    if (!isPrefix || at + word[0].length >= text.length) break;
    prefixes.push(name);
    at += word[0].length;
    // `rep; movsb` is two statements, `rep/movsb` is not written any more.
  }
  const mnemonic = /^[A-Za-z_][\w.]*(?:,p[tn])?/.exec(text.slice(at));
  if (mnemonic === null) throw new GasSyntaxError(`"${text.slice(at).split(/\s/)[0]!}" is no statement`, at, text.length);
  const operandsAt = at + mnemonic[0].length;
  const context = contextOf(source, localLabel);
  return {
    kind: 'instruction', prefixes, mnemonic: mnemonic[0].toLowerCase(), bits, text, range: source.range(0, text.length),
    operands: splitAtCommas(text, operandsAt).map(({ start, end }) => parseOperand(text, start, end, context)),
  };
}

/** The value of an expression that must stand at `start`; used by directives the reader obeys itself. */
export function parseAt(source: SourceText, start: number, localLabel: LocalLabel): { readonly expression: Expression; readonly end: number } {
  return parseExpression(source.text, start, contextOf(source, localLabel));
}
