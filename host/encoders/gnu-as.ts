/**
 * GNU as as the encoder: it is fed our expanded statements, one a line, each with a mark of our own, so that lines, columns and macro
 * stacks are the same as with the embedded assembler.
 */
import type { LineRow, ObjectFile, ObjectSymbol, Section } from '../../assembly/elf/object.ts';
import { expandedText } from '../../assembly/gas/expanded-text.ts';
import type { GasUnit, Statement } from '../../assembly/gas/statement.ts';
import { rangeAt } from '../../assembly/gas/statement.ts';
import type { SourcePosition } from '../../assembly/source.ts';
import type { Encoded, EncodeRequest } from './encoding.ts';
import { OBJECT_NAME, runTool, toolProblems } from './toolchain.ts';

/** Our labels: `-L` keeps them in the symbol table, from which they are taken out again. */
const MARK = '.Lmcsafe_mark_';

export async function encodeWithAs({ unit, host }: EncodeRequest): Promise<Encoded> {
  const { file, statements } = unit;
  const outcome = await runTool(file, host, {
    command: 'as', arguments: ['--64', '-L', '-o', OBJECT_NAME, '-'], input: markedText(unit),
  }, 'install binutils or set "encoder" to "embedded"');
  if (outcome.problem !== undefined) return { problems: [outcome.problem] };
  const problems = outcome.result === undefined ? [] : toolProblems(file, outcome.result, 'gnu-as', ({ line }) => (
    statements[line - 1]?.range ?? rangeAt({ file, line: 1, column: 1 }, 1)));
  return { problems, ...(outcome.object === undefined ? {} : { object: withOurPositions(outcome.object, statements) }) };
}

/** The expanded text, statement N on line N + 1, with a mark in front of everything whose place is wanted. */
function markedText(unit: GasUnit): string {
  const lines = expandedText(unit).text.split('\n');
  return lines.map((line, index) => (wantsMark(unit.statements[index]) ? `${MARK}${String(index)}: ${line}` : line)).join('\n');
}

/** Instructions, and numeric labels, which leave no name behind. */
function wantsMark(statement: Statement | undefined): boolean {
  return statement?.kind === 'instruction' || (statement?.kind === 'label' && /^\d+$/.test(statement.written));
}

/** The object with marks turned into line rows and label names, and without them as symbols. */
function withOurPositions(object: ObjectFile, statements: readonly Statement[]): ObjectFile {
  const lines: LineRow[] = [];
  const localLabels: { name: string; section: number; offset: number; position: SourcePosition }[] = [];
  const written = new Map(statements.flatMap((statement) => (statement.kind === 'label' ? [[statement.written, statement] as const] : [])));
  for (const { name, section, value } of object.symbols) {
    if (typeof section !== 'number') continue;
    const statement = name.startsWith(MARK) ? statements[Number(name.slice(MARK.length))] : written.get(name);
    const place = { section, offset: Number(value) };
    if (statement?.kind === 'instruction') lines.push({ ...place, position: statement.range.start });
    else if (statement?.kind === 'label' && (name.startsWith(MARK) || name.startsWith('.L'))) localLabels.push({ name: statement.written, ...place, position: statement.range.start });
  }
  const byPlace = (a: { section: number; offset: number }, b: { section: number; offset: number }): number => a.section - b.section || a.offset - b.offset;
  return { ...withoutLocals(object), lines: lines.sort(byPlace), localLabels: localLabels.sort(byPlace) };
}

/** Without `.L` symbols that no relocation uses; the indices of the others follow. */
function withoutLocals(object: ObjectFile): ObjectFile {
  const used = new Set(object.sections.flatMap(({ relocations }) => relocations.map(({ symbol }) => symbol)));
  const indices = new Map<number, number>();
  const symbols: ObjectSymbol[] = [];
  object.symbols.forEach((symbol, index) => {
    if (symbol.name.startsWith('.L') && !used.has(index)) return;
    indices.set(index, symbols.length);
    symbols.push(symbol);
  });
  const renumbered = (section: Section): Section => ({
    ...section, relocations: section.relocations.map((relocation) => ({ ...relocation, symbol: indices.get(relocation.symbol)! })),
  });
  return { ...object, symbols, sections: object.sections.map(renumbered) };
}
