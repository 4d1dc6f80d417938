/**
 * Where a source names its symbols: every label, assignment, declaration and use, as the reader saw them.
 */
import { isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { AssignmentStatement, DirectiveArgument, Expression, GasUnit, Operand, Statement } from '../../assembly/gas/statement.ts';
import type { SourcePosition, SourceRange } from '../../assembly/source.ts';

/** What an occurrence does with its symbol. `call` and `jump` are uses by an instruction that goes there. */
export type Role = 'definition' | 'declaration' | 'call' | 'jump' | 'reference';

/** Called with the unique name of a symbol (see LabelStatement), where it stands and what for. */
export type OccurrenceVisitor = (name: string, range: SourceRange, role: Role, statement: Statement) => void;

/** Directives that say something about the symbols they name, without using their values. */
const DECLARING = new Set(['.globl', '.global', '.weak', '.weakref', '.local', '.hidden', '.internal', '.protected', '.type', '.size', '.comm', '.lcomm', '.symver', '.extern']);
/** Of those, the ones whose first argument alone is such a symbol. */
const FIRST_ONLY = new Set(['.type', '.size', '.comm', '.lcomm', '.symver']);
/** Directives that give a symbol its place themselves. */
const ALLOCATING = new Set(['.comm', '.lcomm']);

/** Tells `visit` every occurrence of every symbol of `unit`, in order. Registers and the location counter are none. */
export function visitOccurrences(unit: Pick<GasUnit, 'statements'>, visit: OccurrenceVisitor): void {
  for (const statement of unit.statements) visitStatement(statement, visit);
}

/** Tells `visit` the occurrences in one statement. */
export function visitStatement(statement: Statement, visit: OccurrenceVisitor): void {
  switch (statement.kind) {
    case 'label':
      visit(statement.name, statement.range, 'definition', statement);
      return;
    case 'assignment':
      if (statement.name !== '.') visit(statement.name, new AssignedName(statement), 'definition', statement);
      visitExpression(statement.value, 'reference', statement, visit);
      return;
    case 'instruction': {
      const role = roleOf(statement.mnemonic);
      for (const operand of statement.operands) visitOperand(operand, role, statement, visit);
      return;
    }
    case 'directive': {
      const declares = DECLARING.has(statement.name);
      statement.arguments.forEach((argument, index) => {
        if (declares && (index === 0 || !FIRST_ONLY.has(statement.name))) visitDeclared(argument, ALLOCATING.has(statement.name) ? 'definition' : 'declaration', statement, visit);
        else if (argument.expression !== undefined) visitExpression(argument.expression, 'reference', statement, visit);
      });
    }
  }
}

/** The symbol a declaration names; a second word, as in `.type name STT_FUNC`, is none. */
function visitDeclared({ text, range }: DirectiveArgument, role: Role, statement: Statement, visit: OccurrenceVisitor): void {
  const name = unquoted(text);
  const blank = name === text ? name.search(/\s/) : -1;
  if (blank < 0) visit(name, range, role, statement);
  else visit(name.slice(0, blank), { start: range.start, endColumn: range.start.column + blank }, role, statement);
}

function roleOf(mnemonic: string): Role {
  if (mnemonic.startsWith('call')) return 'call';
  return mnemonic.startsWith('j') || mnemonic.startsWith('loop') ? 'jump' : 'reference';
}

function visitOperand(operand: Operand, role: Role, statement: Statement, visit: OccurrenceVisitor): void {
  switch (operand.kind) {
    case 'immediate':
      visitExpression(operand.value, 'reference', statement, visit);
      return;
    case 'memory':
      if (operand.displacement !== undefined) visitExpression(operand.displacement, operand.parenthesised ? 'reference' : role, statement, visit);
      return;
    case 'indirect':
      visitOperand(operand.target, 'reference', statement, visit);
      return;
    case 'register': case 'rounding':
  }
}

function visitExpression(expression: Expression, role: Role, statement: Statement, visit: OccurrenceVisitor): void {
  switch (expression.kind) {
    case 'symbol':
      if (expression.name !== '.' && !expression.name.startsWith('%')) visit(expression.name, expression.range, role, statement);
      return;
    case 'unary':
      visitExpression(expression.operand, role, statement, visit);
      return;
    case 'binary':
      visitExpression(expression.left, role, statement, visit);
      visitExpression(expression.right, role, statement, visit);
      return;
    case 'number':
  }
}

/** The name alone, of the range of a whole assignment; looked for when somebody asks where it is. */
class AssignedName implements SourceRange {
  private readonly statement: AssignmentStatement;

  constructor(statement: AssignmentStatement) {
    this.statement = statement;
  }

  get start(): SourcePosition {
    const { name, text, range } = this.statement;
    const at = text.indexOf(name);
    return at < 0 ? range.start : { ...range.start, column: range.start.column + at };
  }

  get endColumn(): number {
    const { name, text, range } = this.statement;
    const at = text.indexOf(name);
    return at < 0 ? range.endColumn : range.start.column + at + name.length;
  }
}

function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

/** True for a symbol that no other file can see: numeric labels and names with `.L`. */
export function isFileLocal(name: string): boolean {
  return name.startsWith('.L') || isNumericLabel(name);
}
