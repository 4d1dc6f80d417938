/**
 * Reading for the names alone (`ReadOptions.namesOnly`): which statements name no symbol that another file could mean, and what stands for
 * a statement once it has been seen. Most name none, and are told by a look at their characters: neither operands nor places are worked out.
 */
import { endOfName, isBlank, isDigit, isNamePart, isNameStart } from './characters.ts';
import type { Expression, Operand, Statement } from './statement.ts';

const QUOTE = 0x22;
const DOLLAR = 0x24;
const PERCENT = 0x25;
const APOSTROPHE = 0x27;
const CLOSING = 0x29;
const STAR = 0x2a;
const COMMA = 0x2c;
const DOT = 0x2e;

const NOWHERE = { start: { file: '', line: 1, column: 1 }, endColumn: 1 };

/** What stands for statements that nobody needs any more: as much as distances between labels depend on. */
export const INSTRUCTION: Statement = { kind: 'instruction', prefixes: [], mnemonic: 'nop', operands: [], bits: 64, text: 'nop', range: NOWHERE };
export const LABEL: Statement = { kind: 'label', name: '.L', written: '.L', range: NOWHERE };
const ASSIGNMENT: Statement = { kind: 'assignment', name: '.L', value: { kind: 'number', value: 0n }, once: false, text: '.L=0', range: NOWHERE };

/** What stands for `statement`; itself, where its size or its section counts. */
export function standInFor(statement: Statement): Statement {
  switch (statement.kind) {
    case 'instruction': return INSTRUCTION;
    case 'label': return LABEL;
    case 'assignment': return statement.name === '.' ? statement : ASSIGNMENT;
    case 'directive': return statement;
  }
}

/** True for the name, as written, of a label that stays in its file: `1`, `.Lloop`. */
export function isLocalLabel(text: string, start: number): boolean {
  return isDigit(text.charCodeAt(start)) || isLocalName(text, start);
}

function isLocalName(text: string, start: number): boolean {
  return text.startsWith('.L', start);
}

/**
 * True for an instruction in AT&T syntax, `start` to `end`, whose characters show that it names no symbol but local labels. False where
 * that is not certain.
 */
export function isNameless(text: string, start: number, end: number): boolean {
  const head = Math.min(endOfName(text, start), end);
  if (head === start || (head < end && !isBlank(text.charCodeAt(head)))) return false;
  let at = head;
  // The last character that is no blank; as behind a comma, an operand begins.
  let before = COMMA;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (isBlank(code)) {
      at++;
      continue;
    }
    if (code === PERCENT) {
      // Behind a value it is an operator, and the name behind it no register's.
      if (isNamePart(before) || before === CLOSING) return false;
      at++;
      while (at < end && isBlank(text.charCodeAt(at))) at++;
    } else if (code === DOLLAR) {
      // Elsewhere it belongs to a name.
      if (before !== COMMA && before !== STAR) return false;
      before = code;
      at++;
      continue;
    } else if (isNameStart(code)) {
      const isPlace = code === DOT && !(at + 1 < end && isNamePart(text.charCodeAt(at + 1)));
      if (!isPlace && !isLocalName(text, at)) return false;
    } else if (code === QUOTE || code === APOSTROPHE) return false;
    else if (!isDigit(code)) {
      before = code;
      at++;
      continue;
    }
    while (at < end && isNamePart(text.charCodeAt(at))) at++;
    before = text.charCodeAt(at - 1);
  }
  return true;
}

/** Whether an operand has an expression that is more than a number. */
export function namesSymbol(operand: Operand): boolean {
  switch (operand.kind) {
    case 'immediate': return isOpen(operand.value);
    case 'memory': return operand.displacement !== undefined && isOpen(operand.displacement);
    case 'indirect': return namesSymbol(operand.target);
    case 'register': case 'rounding': return false;
  }
}

/** Not a number, and not a register's name. */
function isOpen(expression: Expression): boolean {
  return expression.kind !== 'number' && !(expression.kind === 'symbol' && expression.name.startsWith('%'));
}
