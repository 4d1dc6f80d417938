/**
 * Code and symbols of a file as tables point at them: by address in a linked file, by section and offset in a relocatable one.
 */
import { partitionPoint } from '../binary-search.ts';
import { SHF, SHT } from '../elf/object.ts';
import type { ObjectFile, ObjectSymbol, Section } from '../elf/object.ts';

/** A place in a loaded section. */
export interface SectionPlace {
  readonly section: Section;
  readonly index: number;
  /** Bytes from the section's start. */
  readonly offset: number;
}

export interface NamedPlace {
  readonly symbol: ObjectSymbol;
  /** Offset of the symbol in its section. */
  readonly start: number;
  /** Distance from the symbol. */
  readonly offset: number;
}

function signed(distance: bigint): string {
  return distance < 0n ? `-0x${(-distance).toString(16)}` : `+0x${distance.toString(16)}`;
}

/** Look-ups in one file, indexed once. */
export class Places {
  readonly file: ObjectFile;
  readonly #loaded: readonly { readonly section: Section; readonly index: number }[];
  readonly #byName = new Map<string, { readonly section: Section; readonly index: number }>();
  /** Names of `.L` labels by section and offset; numbered ones (`1:`) say too little. */
  readonly #labels: ReadonlyMap<string, string>;
  #symbols: Map<number, readonly { readonly start: number; readonly symbol: ObjectSymbol }[]> | undefined;

  constructor(file: ObjectFile) {
    this.file = file;
    this.#labels = new Map(file.localLabels.filter(({ name }) => !/^\d+$/.test(name)).map(({ name, section, offset }) => [`${String(section)} ${String(offset)}`, name]));
    this.#loaded = file.sections.map((section, index) => ({ section, index }))
      .filter(({ section }) => (section.flags & SHF.ALLOC) !== 0 && section.type !== SHT.NULL && section.size > 0)
      .sort((a, b) => (a.section.address < b.section.address ? -1 : 1));
    for (const loaded of this.#loaded) if (!this.#byName.has(loaded.section.name)) this.#byName.set(loaded.section.name, loaded);
  }

  /** The loaded section that holds `place`; undefined if none does. */
  at(place: bigint, sectionName?: string): SectionPlace | undefined {
    if (this.file.kind === 'relocatable') {
      const named = sectionName === undefined ? undefined : this.#byName.get(sectionName);
      return named !== undefined && place >= 0n && place < BigInt(named.section.size) ? { ...named, offset: Number(place) } : undefined;
    }
    const low = partitionPoint(this.#loaded.length, (at) => this.#loaded[at]!.section.address <= place);
    // Thread-local data has addresses that other sections also have.
    for (let index = low - 1; index >= 0 && index >= low - 3; index--) {
      const found = this.#loaded[index]!;
      if (place < found.section.address + BigInt(found.section.size)) return { ...found, offset: Number(place - found.section.address) };
    }
    return undefined;
  }

  /** Whether instructions lie at `place`. */
  isCode(place: bigint, sectionName?: string): boolean {
    return ((this.at(place, sectionName)?.section.flags ?? 0) & SHF.EXECINSTR) !== 0;
  }

  /** The symbol that holds a place: by its size, else the nearest above in the same section. */
  symbolAt({ index, offset }: SectionPlace): NamedPlace | undefined {
    const symbols = this.#symbolsOf(index);
    const low = partitionPoint(symbols.length, (at) => symbols[at]!.start <= offset);
    let nearest: NamedPlace | undefined;
    // Labels inside a routine are passed over for the routine; 64 of them are more than any has.
    for (let at = low - 1; at >= 0 && at >= low - 64; at--) {
      const { symbol, start } = symbols[at]!;
      if (BigInt(offset - start) < symbol.size) return { symbol, start, offset: offset - start };
      if (symbol.size === 0n) nearest ??= { symbol, start, offset: offset - start };
    }
    return nearest;
  }

  /**
   * The nearest symbols around a place: one at or below it (or the section's start) and one above (or its end).
   * Always within the section: a linker script can give a section symbols that lie outside of it.
   */
  around({ section, index, offset }: SectionPlace): { readonly from: number; readonly to: number } {
    const symbols = this.#symbolsOf(index);
    const above = partitionPoint(symbols.length, (at) => symbols[at]!.start <= offset);
    return { from: Math.max(0, symbols[above - 1]?.start ?? 0), to: Math.min(section.size, symbols[above]?.start ?? section.size) };
  }

  /**
   * `copy_mc_fragile+0x1f`, or the section's name where no symbol helps; a bare number outside all sections.
   * `external` is the name another object defines, from which `place` then counts.
   * With the label the source has there, if that is known: `copy_mc_fragile+0x61 (.Lread_failed)`.
   */
  describe(place: bigint, sectionName?: string, external?: string): string {
    if (external !== undefined) return place === 0n ? external : `${external}${signed(BigInt.asIntN(64, place))}`;
    const found = this.at(place, sectionName);
    if (found === undefined) return `0x${place.toString(16)}`;
    const named = this.symbolAt(found);
    const [name, offset] = named === undefined ? [found.section.name, found.offset] : [named.symbol.name, named.offset];
    const label = this.#labels.get(`${String(found.index)} ${String(found.offset)}`);
    return `${name}${offset === 0 ? '' : `+0x${offset.toString(16)}`}${label === undefined ? '' : ` (${label})`}`;
  }

  #symbolsOf(section: number): readonly { readonly start: number; readonly symbol: ObjectSymbol }[] {
    if (this.#symbols === undefined) this.#symbols = this.#indexSymbols();
    return this.#symbols.get(section) ?? [];
  }

  #indexSymbols(): Map<number, readonly { readonly start: number; readonly symbol: ObjectSymbol }[]> {
    const index = new Map<number, { readonly start: number; readonly symbol: ObjectSymbol }[]>();
    for (const symbol of this.file.symbols) {
      if (typeof symbol.section !== 'number' || symbol.name === '' || symbol.type === 'section' || symbol.type === 'file' || symbol.type === 'tls') continue;
      const base = this.file.kind === 'relocatable' ? 0n : this.file.sections[symbol.section]!.address;
      const start = Number(symbol.value - base);
      const list = index.get(symbol.section);
      if (list === undefined) index.set(symbol.section, [{ start, symbol }]);
      else list.push({ start, symbol });
    }
    // Of several at one place the last is found first: functions and globals go last.
    const rank = ({ symbol }: { readonly symbol: ObjectSymbol }): number => (symbol.type === 'func' ? 2 : 0) + (symbol.binding === 'local' ? 0 : 1);
    for (const list of index.values()) list.sort((a, b) => a.start - b.start || rank(a) - rank(b));
    return index;
  }
}
