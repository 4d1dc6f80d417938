/**
 * The routines of a file: its named code symbols and how far each reaches.
 */
import { SHF } from '../../assembly/elf/object.ts';
import type { ObjectFile, ObjectSymbol } from '../../assembly/elf/object.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Routine } from './analysis.ts';
import type { LabelTable } from './labels.ts';

/** Functions, and named labels in code that lie in none; by section, then offset. */
export function routinesOf(object: ObjectFile, labels: LabelTable): readonly Routine[] {
  const code = object.symbols.filter((symbol): symbol is ObjectSymbol & { section: number } =>
    typeof symbol.section === 'number' && symbol.name !== '' && (symbol.type === 'func' || symbol.type === 'notype')
    && ((object.sections[symbol.section]?.flags ?? 0) & SHF.EXECINSTR) !== 0 && labels.byName(symbol.name) !== undefined);
  const functions = code.filter((symbol) => symbol.type === 'func');
  const inFunction = (symbol: ObjectSymbol): boolean => functions.some((one) =>
    one !== symbol && one.section === symbol.section && one.size > 0n && one.value <= symbol.value && symbol.value < one.value + one.size);
  const starts = code.filter((symbol) => symbol.type === 'func' || !inFunction(symbol))
    .sort((a, b) => a.section - b.section || Number(a.value - b.value));
  return starts.map((symbol, index) => {
    const next = starts.slice(index + 1).find((other) => other.section === symbol.section && other.value > symbol.value);
    const section = object.sections[symbol.section]!;
    const start = Number(symbol.value);
    const end = symbol.size > 0n ? start + Number(symbol.size) : next === undefined ? section.bytes.length : Number(next.value);
    const range = labels.byName(symbol.name)!.range;
    return {
      name: symbol.name, section: symbol.section, start, end, sized: symbol.size > 0n,
      global: symbol.binding !== 'local', isFunction: symbol.type === 'func', range,
      lastLine: lastLine(object, symbol.section, start, end, writtenPosition(range.start).line),
    };
  });
}

function lastLine(object: ObjectFile, section: number, start: number, end: number, from: number): number {
  return object.lines
    .filter((row) => row.section === section && row.offset >= start && row.offset < end)
    .reduce((last, row) => Math.max(last, writtenPosition(row.position).line), from);
}
