/**
 * Exception-table entries with the place in the source that made each.
 * Entries are read from the assembled table (so macros, loops and arithmetic have had their effect) and joined, in order,
 * with the data statements that wrote them.
 */
import type { ObjectFile, Relocation, Section } from '../../assembly/elf/object.ts';
import type { DirectiveStatement, GasUnit, MacroUse } from '../../assembly/gas/statement.ts';
import type { SourcePosition, SourceRange } from '../../assembly/source.ts';
import type { EntrySite, ObjectPlace } from './analysis.ts';
import type { LabelTable } from './labels.ts';
import { pushTo } from './multimap.ts';

const TABLE = '__ex_table';
const ENTRY_SIZE = 12;
const DATA_DIRECTIVES = new Set(['.long', '.int', '.4byte']);

/** Reads the `data` layout (kernel 5.17 and later): three 32-bit words an entry. */
export function readEntries(unit: GasUnit, object: ObjectFile, labels: LabelTable): readonly EntrySite[] {
  const written = wordsWritten(unit);
  const uses = new MacroUses(unit);
  const sections = object.sections.flatMap((section, index) => (section.name === TABLE ? [{ section, index }] : []));
  let word = 0;
  return sections.flatMap(({ section }) => {
    const count = Math.floor(section.bytes.length / ENTRY_SIZE);
    return Array.from({ length: count }, (_, index) => {
      const entry = entryAt(section, index * ENTRY_SIZE, object, labels, written[word], uses);
      word += 3;
      return entry;
    }).filter((entry) => entry !== undefined);
  });
}

function entryAt(section: Section, offset: number, object: ObjectFile, labels: LabelTable, statement: DirectiveStatement | undefined, uses: MacroUses): EntrySite | undefined {
  if (statement === undefined) return undefined;
  const insn = section.relocations.find((relocation) => relocation.offset === offset);
  const fixup = section.relocations.find((relocation) => relocation.offset === offset + 4);
  if (insn === undefined || fixup === undefined) return undefined;
  const data = new DataView(section.bytes.buffer, section.bytes.byteOffset + offset + 8, 4).getInt32(0, true);
  const insnPlace = placeOf(insn, object);
  const fixupPlace = placeOf(fixup, object);
  const { range, macro } = writtenBy(statement, uses);
  return {
    type: data & 0xff, register: (data >> 8) & 0xf, flags: (data >> 12) & 0xf, immediate: data >> 16,
    insnName: nameOf(insn, insnPlace, object, labels),
    fixupName: nameOf(fixup, fixupPlace, object, labels),
    range,
    ...(insnPlace === undefined ? {} : { insn: insnPlace }),
    ...(fixupPlace === undefined ? {} : { fixup: fixupPlace }),
    ...(macro === undefined ? {} : { macro }),
  };
}

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

/** `S + A - P` with P the field itself, so the target's offset is the symbol's value plus the addend. */
function placeOf(relocation: Relocation, object: ObjectFile): ObjectPlace | undefined {
  const symbol = object.symbols[relocation.symbol];
  if (symbol === undefined || typeof symbol.section !== 'number') return undefined;
  return { section: symbol.section, offset: Number(symbol.value + relocation.addend) };
}

function nameOf(relocation: Relocation, place: ObjectPlace | undefined, object: ObjectFile, labels: LabelTable): string {
  if (place === undefined) return object.symbols[relocation.symbol]?.name ?? '?';
  return labels.at(place)[0]?.written ?? `${object.sections[place.section]?.name ?? '?'}+0x${place.offset.toString(16)}`;
}

/** The statement of every 32-bit word written into the table, in order. */
function wordsWritten(unit: GasUnit): readonly DirectiveStatement[] {
  const words: DirectiveStatement[] = [];
  let current = '.text';
  let previous = '.text';
  const stack: (readonly [string, string])[] = [];
  const enter = (name: string): void => {
    previous = current;
    current = name;
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
    else if (name === '.previous') enter(previous);
    else if (name === '.text' || name === '.data' || name === '.bss') enter(name);
    else if (current === TABLE && DATA_DIRECTIVES.has(name)) for (let i = 0; i < statement.arguments.length; i++) words.push(statement);
  }
  return words;
}
