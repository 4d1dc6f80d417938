/**
 * The linker: relocatable objects to one {@link Image}. A single executable or shared object is loaded by its segments instead.
 */
import { createImage } from '../linked-image.ts';
import { gather, place } from './layout.ts';
import type { Layout, OutputSection, Piece } from './layout.ts';
import { buildSegments } from './segments.ts';
import { KERNEL_BASE, linkProblem } from './options.ts';
import type { LinkOptions } from './options.ts';
import { applyRelocation, needsSlot } from './relocate.ts';
import { layOutCommons, lineIn, resolveSymbols } from './symbols.ts';
import type { SymbolTable } from './symbols.ts';
import { loadImage } from '../load.ts';
import type { Image, ImageLine, ImageSection, ImageSymbol } from '../image.ts';
import { R_X86_64, SHF } from '../object.ts';
import type { ObjectFile, ObjectSymbol, Relocation } from '../object.ts';
import { relocationName } from '../relocations.ts';
import type { Problem } from '../../source.ts';

export { KERNEL_BASE } from './options.ts';
export type { LinkOptions } from './options.ts';

export interface LinkResult {
  readonly image: Image;
  /** Errors make the image unusable; it exists all the same, so that a listing can show it. */
  readonly problems: readonly Problem[];
}

/** Links `objects` in order. Never throws for what an object says; everything wrong is in `problems`. */
export function linkObjects(objects: readonly ObjectFile[], options: LinkOptions = {}): LinkResult {
  const linked = objects.find(({ kind }) => kind !== 'relocatable');
  if (linked !== undefined) {
    const result = loadImage(linked);
    if (objects.length === 1) return result;
    return {
      image: result.image,
      problems: [...result.problems, linkProblem('error', 'already-linked', `${linked.name} is linked already and cannot be linked with other objects; give the objects it was made of`, linked)],
    };
  }
  return new Linker(objects, options).link();
}

/** Distance of externals from the base, and of one external from the next. */
const EXTERNALS_DISTANCE = 0x3f00_0000n;
const EXTERNAL_SPACING = 0x1000n;
const MOST_PROBLEMS = 50;

class Linker {
  readonly #objects: readonly ObjectFile[];
  readonly #options: LinkOptions;
  readonly #problems: Problem[] = [];
  readonly #layout: Layout;
  readonly #table: SymbolTable;
  readonly #commons: OutputSection | undefined;
  readonly #got: OutputSection;
  readonly #slots = new Map<string, { readonly index: number; readonly object: ObjectFile; readonly symbol: ObjectSymbol }>();
  readonly #externals = new Map<string, bigint>();
  readonly #outputs: readonly OutputSection[];
  #unreported = 0;

  constructor(objects: readonly ObjectFile[], options: LinkOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#layout = gather(objects, this.#problems);
    this.#table = resolveSymbols(objects, this.#layout, this.#problems);
    this.#commons = layOutCommons(this.#table.commons);
    this.#got = { name: '.got', group: 'data', pieces: [], align: 8, address: 0n, size: this.#assignSlots() * 8 };
    const extra = [...(this.#got.size > 0 ? [this.#got] : []), ...(this.#commons === undefined ? [] : [this.#commons])];
    this.#outputs = place(this.#layout, extra, options, this.#problems);
  }

  link(): LinkResult {
    const contents = new Map<Piece, Uint8Array>();
    for (const output of this.#outputs) {
      for (const piece of output.pieces) contents.set(piece, this.#relocate(piece));
    }
    const made = new Map<OutputSection, Uint8Array>([[this.#got, this.#gotBytes()]]);
    if (this.#unreported > 0) {
      this.#problems.push(linkProblem('error', 'more-problems', `${String(this.#unreported)} more relocations have problems`, this.#objects[0]!));
    }
    const segments = buildSegments(this.#outputs, contents, made, this.#problems);
    return {
      problems: this.#problems,
      image: createImage({
        segments, sections: this.#imageSections(), symbols: this.#imageSymbols(), labels: this.#imageLabels(), lines: this.#imageLines(),
        externals: new Map([...this.#externals].map(([name, address]) => [address, name])),
      }),
    };
  }

  /** One GOT slot for each symbol that a relocation reaches through the table; returns their number. */
  #assignSlots(): number {
    for (const object of this.#objects) {
      for (const [index, section] of object.sections.entries()) {
        if (this.#layout.pieces.get(object)?.[index] === undefined) continue;
        for (const { type, symbol: number } of section.relocations) {
          const symbol = object.symbols[number];
          if (!needsSlot(type) || symbol === undefined) continue;
          const key = this.#slotKey(object, number);
          if (!this.#slots.has(key)) this.#slots.set(key, { index: this.#slots.size, object, symbol });
        }
      }
    }
    return this.#slots.size;
  }

  #slotKey(object: ObjectFile, index: number): string {
    const symbol = object.symbols[index];
    return symbol !== undefined && symbol.binding !== 'local' ? symbol.name : `${String(this.#objects.indexOf(object))} ${String(index)}`;
  }

  #gotBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#got.size);
    const view = new DataView(bytes.buffer);
    for (const { index, object, symbol } of this.#slots.values()) {
      view.setBigUint64(index * 8, BigInt.asUintN(64, this.#addressOf(object, symbol) ?? 0n), true);
    }
    return bytes;
  }

  /** Linked address of a symbol as `object` means it; undefined if its section is not loaded. */
  #addressOf(object: ObjectFile, symbol: ObjectSymbol): bigint | undefined {
    if (symbol.binding !== 'local' && symbol.name !== '') {
      const chosen = this.#table.globals.get(symbol.name);
      if (chosen !== undefined) return this.#place(chosen.object, chosen.symbol);
      const common = this.#table.commons.get(symbol.name);
      if (common !== undefined) return this.#commons!.address + BigInt(common.offset);
      return this.#elsewhere(symbol);
    }
    // The null symbol: a relocation against an absolute value.
    if (symbol.section === 'undefined' && symbol.name === '') return 0n;
    return symbol.section === 'undefined' ? this.#elsewhere(symbol) : this.#place(object, symbol);
  }

  #place(object: ObjectFile, symbol: ObjectSymbol): bigint | undefined {
    if (symbol.section === 'absolute') return symbol.value;
    if (typeof symbol.section !== 'number') return undefined;
    const piece = this.#layout.pieces.get(object)?.[symbol.section];
    return piece === undefined ? undefined : piece.address + symbol.value;
  }

  /** An address for a name that no object defines. */
  #elsewhere(symbol: ObjectSymbol): bigint {
    const { name } = symbol;
    const provided = this.#options.provide?.(name) ?? this.#boundary(name);
    if (provided !== undefined) return provided;
    if (symbol.binding === 'weak') return 0n;
    let address = this.#externals.get(name);
    if (address === undefined) {
      const first = this.#options.externals ?? (this.#options.base ?? KERNEL_BASE) + EXTERNALS_DISTANCE;
      address = first + BigInt(this.#externals.size) * EXTERNAL_SPACING;
      this.#externals.set(name, address);
    }
    return address;
  }

  /** Names that linkers and kernel linker scripts give to the ends of sections: `__start_x`, `__stop_x`, `__start___ex_table` … */
  #boundary(name: string): bigint | undefined {
    if (name === '_GLOBAL_OFFSET_TABLE_') return this.#got.address;
    const match = /^__(start|stop)_(\w+)$/.exec(name);
    if (match === null) return undefined;
    const output = this.#outputs.find((candidate) => candidate.name === match[2]);
    return output === undefined ? undefined : output.address + (match[1] === 'stop' ? BigInt(output.size) : 0n);
  }

  #relocate(piece: Piece): Uint8Array {
    const { section, object } = piece;
    if (section.relocations.length === 0 || section.bytes.length === 0) return section.bytes;
    const bytes = Uint8Array.from(section.bytes);
    const view = new DataView(bytes.buffer);
    for (const relocation of section.relocations) this.#applyOne(piece, object, relocation, view);
    return bytes;
  }

  #applyOne(piece: Piece, object: ObjectFile, relocation: Relocation, view: DataView): void {
    const symbol = object.symbols[relocation.symbol];
    if (symbol === undefined) return;
    const S = this.#addressOf(object, symbol);
    if (S === undefined) {
      // What unwind data and tables say of discarded code is void; code that needs it is broken.
      if ((piece.section.flags & SHF.EXECINSTR) !== 0) this.#complain(piece, relocation, 'discarded-section', `${nameOf(object, symbol)} is in a section that is not linked`);
      return;
    }
    const slot = needsSlot(relocation.type) ? this.#slots.get(this.#slotKey(object, relocation.symbol)) : undefined;
    const outcome = applyRelocation(view, relocation.offset, relocation.type, {
      S, A: relocation.addend, P: piece.address + BigInt(relocation.offset), O: this.#got.address,
      G: this.#got.address + BigInt((slot?.index ?? 0) * 8), Z: this.#sizeOf(symbol),
    });
    if (outcome === 'done') return;
    if (outcome === 'unsupported') {
      this.#complain(piece, relocation, 'unsupported-relocation', `${relocationName(relocation.type)} against ${nameOf(object, symbol)} is not supported`);
      return;
    }
    this.#complain(piece, relocation, 'relocation-overflow', `${relocationName(relocation.type)} against ${nameOf(object, symbol)}: `
      + `0x${BigInt.asUintN(64, outcome.overflow).toString(16)} does not fit in ${String(outcome.bits)} ${outcome.signed ? 'signed' : 'unsigned'} bits${advice(relocation.type)}`);
  }

  #sizeOf(symbol: ObjectSymbol): bigint {
    return (symbol.binding === 'local' ? undefined : this.#table.globals.get(symbol.name)?.symbol.size) ?? symbol.size;
  }

  #complain(piece: Piece, relocation: Relocation, code: string, what: string): void {
    if (this.#problems.length >= MOST_PROBLEMS) {
      this.#unreported++;
      return;
    }
    const { object, section, index } = piece;
    const where = `${object.name}: ${section.name}+0x${relocation.offset.toString(16)}`;
    this.#problems.push(linkProblem('error', code, `${where}: ${what}`, object, lineIn(object, index, relocation.offset)));
  }

  #imageSections(): ImageSection[] {
    return this.#outputs.flatMap((output): ImageSection[] => output.pieces.length === 0
      ? [{ name: output.name, object: '', address: output.address, size: output.size, flags: 3 }]
      : output.pieces.map(({ section, object, address }) => ({ name: section.name, object: object.name, address, size: section.size, flags: section.flags })));
  }

  #imageSymbols(): ImageSymbol[] {
    const symbols: ImageSymbol[] = [];
    for (const object of this.#objects) {
      for (const symbol of object.symbols) {
        if (symbol.type === 'section' || symbol.type === 'file' || symbol.name === '') continue;
        const isGlobal = symbol.binding !== 'local';
        // A global name is listed once, where it was resolved to.
        if (isGlobal && this.#table.globals.get(symbol.name)?.symbol !== symbol) continue;
        const address = this.#place(object, symbol);
        if (address !== undefined) symbols.push({ name: symbol.name, address, size: symbol.size, type: symbol.type, binding: symbol.binding });
      }
    }
    for (const [name, block] of this.#table.commons) {
      symbols.push({ name, address: this.#commons!.address + BigInt(block.offset), size: BigInt(block.size), type: 'object', binding: block.symbol.binding });
    }
    return symbols;
  }

  #imageLabels(): Image['labels'] {
    return this.#objects.flatMap((object) => object.localLabels.flatMap(({ name, section, offset, position }) => {
      const piece = this.#layout.pieces.get(object)?.[section];
      return piece === undefined ? [] : [{ name, address: piece.address + BigInt(offset), position }];
    }));
  }

  #imageLines(): ImageLine[] {
    const lines: ImageLine[] = [];
    for (const object of this.#objects) {
      for (const { section, offset, position } of object.lines) {
        const piece = this.#layout.pieces.get(object)?.[section];
        if (piece !== undefined) lines.push({ address: piece.address + BigInt(offset), position });
      }
    }
    return lines;
  }
}

function nameOf(object: ObjectFile, symbol: ObjectSymbol): string {
  if (symbol.name !== '') return symbol.name;
  return typeof symbol.section === 'number' ? object.sections[symbol.section]?.name ?? 'a section' : 'an absolute value';
}

function advice(type: number): string {
  return type === R_X86_64['32'] || type === R_X86_64['32S'] || type === R_X86_64['8'] || type === R_X86_64['16']
    ? '; compile C with -mcmodel=kernel or -fpie, or link below 2 GiB'
    : '';
}
