/**
 * The embedded assembler: statements in, an object out, equal to what GNU as 2.40 writes for x86-64 ELF.
 */
import type { AssignmentStatement, Expression, GasUnit, LabelStatement, Statement } from '../gas/statement.ts';
import type { ObjectFile } from '../elf/object.ts';
import type { Problem, SourceRange } from '../source.ts';
import { AssemblyError } from './assembly-error.ts';
import { assembleDirective } from './directives.ts';
import { EncodeError } from './encoding/encode.ts';
import { finishFrames, finishSections } from './finish.ts';
import { assembleInstruction } from './instructions.ts';
import { layOut } from './layout.ts';
import { buildObject } from './object-file.ts';
import { AssemblyState } from './state.ts';
import type { AssembleOptions } from './state.ts';

export type { AssembleOptions } from './state.ts';

/** What assembling a unit came to. */
export interface Assembled {
  /** Without the statements that are reported as errors. */
  readonly object: ObjectFile;
  /** The assembler's own; those of the reader are in the unit. */
  readonly problems: readonly Problem[];
}

/** Assembles `unit`. Never throws for bad input: a statement that is wrong is reported, and costs that statement only. */
export function assemble(unit: GasUnit, options: AssembleOptions = {}): Assembled {
  const start: SourceRange = { start: { file: unit.file, line: 1, column: 1 }, endColumn: 1 };
  const state = new AssemblyState(options, start);
  for (const statement of unit.statements) {
    if (state.stopped) break;
    state.statement = statement;
    attempt(state, () => { assembleStatement(state, statement); });
  }
  attempt(state, () => { finishSections(state); });
  const chains = layOut(state);
  attempt(state, () => { finishFrames(state); });
  const object = buildObject(state, chains, options.name ?? unit.file);
  return { object, problems: state.problems };
}

/** Does `work`; what it refuses becomes a problem. */
function attempt(state: AssemblyState, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof EncodeError) state.report('error', error.code, error.message);
    else if (error instanceof AssemblyError) state.report('error', error.code, error.message, error.range);
    else throw error;
  }
}

function assembleStatement(state: AssemblyState, statement: Statement): void {
  switch (statement.kind) {
    case 'label':
      defineLabel(state, statement);
      return;
    case 'instruction':
      assembleInstruction(state, statement);
      return;
    case 'assignment':
      assign(state, statement);
      return;
    case 'directive':
      assembleDirective(state, statement);
  }
}

function defineLabel(state: AssemblyState, { name, written, range }: LabelStatement): void {
  const symbol = state.symbols.named(name);
  state.define(symbol, range);
  if (symbol.isLocalName) state.localLabels.push({ name: written, place: state.here(), position: range.start });
}

function assign(state: AssemblyState, statement: AssignmentStatement): void {
  const { name, value, once, lazy } = statement.form ?? statement;
  if (name === '.') {
    state.close({ kind: 'origin', target: state.bind(value), fill: 0, range: statement.range });
    return;
  }
  let symbol = state.symbols.named(name);
  const expression = settledValue(state, state.bindForNow(value));
  if (symbol.isDefined) {
    if (once || !symbol.redefinable) throw new AssemblyError('symbol-redefined', `symbol ${name} is defined already, and not by an assignment that may be repeated`, statement.range);
    symbol = state.symbols.reassigned(symbol);
  }
  symbol.redefinable = !once;
  if (lazy === true && value.kind !== 'number' && !isRegister(value)) symbol.lazy = value;
  symbol.definedBy = statement;
  symbol.definition = { kind: 'value', expression };
}

/** What is a number by now stays that number; the rest is kept as it is, with what it names. */
function settledValue(state: AssemblyState, expression: Expression): Expression {
  const settled = state.symbols.settled(expression);
  if (settled !== undefined) return { kind: 'number', value: settled };
  const kept = throughRegisters(state, expression);
  state.symbols.hold(kept);
  return kept;
}

function isRegister(value: Expression): boolean {
  return value.kind === 'symbol' && value.name.startsWith('%');
}

/** A name for a register that has a name already is one for the register: sources hand registers round by many such names. */
function throughRegisters(state: AssemblyState, expression: Expression): Expression {
  if (expression.kind !== 'symbol' || expression.name.startsWith('%')) return expression;
  const { definition } = state.symbols.keyed(expression.name);
  if (definition?.kind !== 'value') return expression;
  const named = definition.expression;
  return named.kind === 'symbol' && named.name.startsWith('%') ? named : expression;
}
