/**
 * The routines of a file: its named code symbols and how far each reaches.
 */
import { partitionPoint } from '../../assembly/binary-search.ts';
import { SHF } from '../../assembly/elf/object.ts';
import type { LineRow, ObjectFile, ObjectSymbol } from '../../assembly/elf/object.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Routine } from './analysis.ts';
import { pushTo } from './multimap.ts';
import type { LabelTable } from './labels.ts';

/** Functions, and named labels in code that lie in none; by section, then offset. */
export function routinesOf(object: ObjectFile, labels: LabelTable): readonly Routine[] {
  const code = object.symbols.filter((symbol): symbol is CodeSymbol =>
    typeof symbol.section === 'number' && symbol.name !== '' && (symbol.type === 'func' || symbol.type === 'notype')
    && ((object.sections[symbol.section]?.flags ?? 0) & SHF.EXECINSTR) !== 0 && labels.byName(symbol.name) !== undefined);
  const functions = code.filter((symbol) => symbol.type === 'func');
  const starts = [...functions, ...outside(code.filter((symbol) => symbol.type !== 'func'), functions)].sort((a, b) => a.section - b.section || Number(a.value - b.value));
  const lines = new Rows(object);
  return starts.map((symbol, index) => {
    let after = index + 1;
    while (after < starts.length && starts[after]!.section === symbol.section && starts[after]!.value === symbol.value) after++;
    const next = starts[after]?.section === symbol.section ? starts[after] : undefined;
    const section = object.sections[symbol.section]!;
    const start = Number(symbol.value);
    const end = symbol.size > 0n ? start + Number(symbol.size) : next === undefined ? section.bytes.length : Number(next.value);
    const range = labels.byName(symbol.name)!.range;
    return {
      name: symbol.name, section: symbol.section, start, end, sized: symbol.size > 0n,
      global: symbol.binding !== 'local', isFunction: symbol.type === 'func', range,
      lastLine: lines.lastLine(symbol.section, start, end, writtenPosition(range.start).line),
    };
  });
}

type CodeSymbol = ObjectSymbol & { readonly section: number };

/** Those labels that lie in no sized function. */
function outside(labels: readonly CodeSymbol[], functions: readonly CodeSymbol[]): readonly CodeSymbol[] {
  const order = (a: CodeSymbol, b: CodeSymbol): number => a.section - b.section || Number(a.value - b.value);
  const sized = functions.filter(({ size }) => size > 0n).sort(order);
  let next = 0;
  let around: CodeSymbol[] = [];
  return [...labels].sort(order).filter((label) => {
    for (let one = sized[next]; one !== undefined && order(one, label) <= 0; one = sized[++next]) around.push(one);
    around = around.filter(({ section, value, size }) => section === label.section && label.value < value + size);
    return around.length === 0;
  });
}

/** The rows of the line table in order, to find those of a stretch. */
class Rows {
  readonly #bySection = new Map<number, LineRow[]>();

  constructor({ lines }: ObjectFile) {
    for (const row of lines) pushTo(this.#bySection, row.section, row);
    for (const rows of this.#bySection.values()) rows.sort((a, b) => a.offset - b.offset);
  }

  /** The last written line of the rows from `start` to `end`, `from` at least. */
  lastLine(section: number, start: number, end: number, from: number): number {
    const rows = this.#bySection.get(section) ?? [];
    let at = partitionPoint(rows.length, (index) => rows[index]!.offset < start);
    let last = from;
    for (let row = rows[at]; row !== undefined && row.offset < end; row = rows[++at]) last = Math.max(last, writtenPosition(row.position).line);
    return last;
  }
}
