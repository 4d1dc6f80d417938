/**
 * Exception-table entries with the place in the source that made each.
 * Entries are read from the assembled table (so macros, loops and arithmetic have had their effect) and joined, in order,
 * with the data statements that wrote them.
 */
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { EX_TYPE_HANDLER } from '../../assembly/extable/entry.ts';
import { RANGE_SECTION, readRanges, readTables } from '../../assembly/extable/read.ts';
import type { DirectiveStatement, GasUnit, MacroUse } from '../../assembly/gas/statement.ts';
import type { SourcePosition, SourceRange } from '../../assembly/source.ts';
import { entryType } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import type { EntrySite, ObjectPlace, RangeSite } from './analysis.ts';
import type { LabelTable } from './labels.ts';
import { pushTo } from './multimap.ts';

const SIZES: Readonly<Record<string, number>> = {
  '.byte': 1, '.short': 2, '.hword': 2, '.value': 2, '.2byte': 2, '.word': 2, '.long': 4, '.int': 4, '.4byte': 4, '.quad': 8, '.8byte': 8,
};

/** Reads the tables of `object`, in whatever layout they are. */
export function readEntries(unit: GasUnit, object: ObjectFile, labelsOf: () => LabelTable, generation: KernelGeneration): readonly EntrySite[] {
  const tables = readTables(object, { generation: generation.id });
  if (tables.length === 0) return [];
  const labels = labelsOf();
  const written = tableStatements(unit, new Set(tables.map(({ section }) => section)));
  const uses = new MacroUses(unit);
  const indexOf = new Map(object.sections.map(({ name }, index) => [name, index]));
  const placeOf = (section: string | undefined, offset: bigint): ObjectPlace | undefined =>
    (section === undefined || !indexOf.has(section) ? undefined : { section: indexOf.get(section)!, offset: Number(offset) });
  return tables.flatMap(({ section, entries, layout }) => entries.flatMap((entry): readonly EntrySite[] => {
    const statement = written.get(section)?.get(entry.offset);
    if (statement === undefined) return [];
    const insn = entry.insnExternal === undefined ? placeOf(entry.insnSection, entry.insn) : undefined;
    const fixup = entry.fixupExternal === undefined ? placeOf(entry.fixupSection, entry.fixup) : undefined;
    const { range, macro } = writtenBy(statement, uses);
    return [{
      table: section, layout, type: TYPED.includes(layout) ? entryType(entry.type, generation) ?? entry.type : entry.type, register: entry.register, flags: entry.flags, immediate: entry.immediate,
      isDescriptor: entry.class === 'handler' || (TYPED.includes(layout) && entry.type === EX_TYPE_HANDLER),
      insnName: nameOf(entry.insnExternal, insn, object, labels), fixupName: nameOf(entry.fixupExternal, fixup, object, labels),
      range,
      ...(insn === undefined ? {} : { insn }), ...(fixup === undefined ? {} : { fixup }), ...(macro === undefined ? {} : { macro }),
    }];
  }));
}

/** The handler ranges of `object`. */
export function readRangeSites(unit: GasUnit, object: ObjectFile): readonly RangeSite[] {
  const ranges = readRanges(object);
  if (ranges.length === 0) return [];
  const written = tableStatements(unit, new Set([RANGE_SECTION])).get(RANGE_SECTION);
  const uses = new MacroUses(unit);
  return ranges.flatMap((record): readonly RangeSite[] => {
    const statement = written?.get(record.offset);
    return statement === undefined ? [] : [{ record, range: writtenBy(statement, uses).range }];
  });
}

const TYPED: readonly string[] = ['data', 'type'];

/** The macro use a statement comes from, as the person wrote it: of gas (a frame of its place), of the C preprocessor, or none. */
function writtenBy({ range }: DirectiveStatement, uses: MacroUses): { readonly range: SourceRange; readonly macro?: string } {
  const frame = range.start.expansion?.at(-1);
  const use = uses.at(frame?.invokedAt ?? range.start);
  if (use !== undefined) return { range: use.range, macro: use.definition.name };
  if (frame === undefined) return { range };
  return { range: { start: frame.invokedAt, endColumn: frame.invokedAt.column + frame.name.length }, macro: frame.name };
}

/** Macro uses written in place, by line. */
class MacroUses {
  readonly #byLine = new Map<string, MacroUse[]>();

  constructor({ macroUses }: GasUnit) {
    for (const use of macroUses) if (use.range.start.expansion === undefined) pushTo(this.#byLine, MacroUses.#key(use.range.start), use);
  }

  /** The outermost use that holds `place`. */
  at(place: SourcePosition): MacroUse | undefined {
    return (this.#byLine.get(MacroUses.#key(place)) ?? [])
      .filter(({ range }) => range.start.column <= place.column && place.column <= range.endColumn)
      .sort((a, b) => a.range.start.column - b.range.start.column || b.range.endColumn - a.range.endColumn)[0];
  }

  static #key({ file, line }: SourcePosition): string {
    return `${file}\n${String(line)}`;
  }
}

function nameOf(external: string | undefined, place: ObjectPlace | undefined, object: ObjectFile, labels: LabelTable): string {
  if (place === undefined) return external ?? '?';
  const found = labels.at(place);
  // Of several the one that somebody wrote there, rather than one a macro made.
  const written = found.find(({ range }) => range.start.expansion === undefined) ?? found.find((label) => !/^\d/.test(label.written)) ?? found[0];
  return written?.written ?? `${object.sections[place.section]?.name ?? '?'}+0x${place.offset.toString(16)}`;
}

/** By section, then offset: the statement that wrote the datum there. */
function tableStatements(unit: GasUnit, sections: ReadonlySet<string>): ReadonlyMap<string, ReadonlyMap<number, DirectiveStatement>> {
  const found = new Map<string, Map<number, DirectiveStatement>>();
  const ends = new Map<string, number>();
  let current = '.text';
  let previous = '.text';
  const stack: (readonly [string, string])[] = [];
  const enter = (name: string): void => {
    previous = current;
    current = name;
  };
  const write = (statement: DirectiveStatement): void => {
    const size = SIZES[statement.name];
    let offset = ends.get(current) ?? 0;
    if (size === undefined) {
      const boundary = alignmentOf(statement);
      if (boundary !== undefined) ends.set(current, Math.ceil(offset / boundary) * boundary);
      return;
    }
    let list = found.get(current);
    if (list === undefined) found.set(current, list = new Map());
    for (let i = 0; i < statement.arguments.length; i++) {
      list.set(offset, statement);
      offset += size;
    }
    ends.set(current, offset);
  };
  for (const statement of unit.statements) {
    if (statement.kind !== 'directive') continue;
    const { name } = statement;
    const first = statement.arguments[0]?.text.replace(/^"(.*)"$/, '$1');
    if (name === '.pushsection') {
      stack.push([current, previous]);
      enter(first ?? current);
    } else if (name === '.popsection') [current, previous] = stack.pop() ?? [current, previous];
    else if (name === '.section') enter(first ?? current);
    else if (name === '.previous') [current, previous] = [previous, current];
    else if (name === '.text' || name === '.data' || name === '.bss') enter(name);
    else if (sections.has(current)) write(statement);
  }
  return found;
}

function alignmentOf({ name, arguments: [first] }: DirectiveStatement): number | undefined {
  if (!/^\.(balign[wl]?|align|p2align[wl]?)$/.test(name)) return undefined;
  const value = Number(first?.text);
  if (!Number.isInteger(value) || value < 1 || value > 4096) return undefined;
  return name.startsWith('.p2') ? 2 ** Math.min(value, 12) : value;
}
