/**
 * A linked file as an {@link Image}: its PT_LOAD segments at their own addresses, dynamic relocations applied.
 */
import { alignUp, PAGE } from './link/layout.ts';
import { linkProblem } from './link/options.ts';
import { createImage } from './linked-image.ts';
import type { Image, ImageSegment } from './image.ts';
import { R_X86_64, SHF, SHT } from './object.ts';
import type { ObjectFile, ProgramSegment, Section } from './object.ts';
import { readRelocations, relocationName } from './relocations.ts';
import { StringTable } from './strings.ts';
import { readSymbols } from './symbols.ts';
import { ElfError } from './elf-error.ts';
import type { Problem } from '../source.ts';

const PT_LOAD = 1;
const PF = { X: 1, W: 2, R: 4 } as const;
const LARGEST_PROGRAM = 1 << 29;

/** Loads `file`, an executable or a shared object. Never throws for what the file says; everything wrong is in `problems`. */
export function loadImage(file: ObjectFile): { readonly image: Image; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const externals = new Map<bigint, string>();
  const memory = loadSegments(file, problems);
  try {
    new DynamicRelocator(file, memory, externals, problems).run();
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    problems.push(linkProblem('error', 'bad-elf', error.message, file));
  }
  const image = createImage({
    segments: memory, externals, labels: [],
    sections: file.sections.filter(({ flags }) => (flags & SHF.ALLOC) !== 0)
      .map(({ name, address, size, flags }) => ({ name, object: file.name, address, size, flags })),
    symbols: file.symbols
      .filter(({ name, type, section }) => name !== '' && type !== 'section' && type !== 'file' && type !== 'tls' && section !== 'undefined')
      .map(({ name, value, size, type, binding }) => ({ name, address: value, size, type, binding })),
    lines: file.lines.map(({ section, offset, position }) => ({ address: file.sections[section]!.address + BigInt(offset), position })),
  });
  return { image, problems };
}

interface LoadedSegment extends ImageSegment {
  readonly bytes: Uint8Array;
}

function loadSegments(file: ObjectFile, problems: Problem[]): LoadedSegment[] {
  const loads = (file.segments ?? []).filter(({ type, memorySize }) => type === PT_LOAD && memorySize > 0);
  if (loads.length === 0) problems.push(linkProblem('error', 'no-segments', `${file.name} has nothing to load: no PT_LOAD segment`, file));
  loads.sort((a, b) => (a.address < b.address ? -1 : 1));
  const loaded: LoadedSegment[] = [];
  let total = 0;
  for (const segment of loads) {
    total += segment.memorySize;
    if (total > LARGEST_PROGRAM) {
      problems.push(linkProblem('error', 'program-too-large', `${file.name} wants more than ${String(LARGEST_PROGRAM >> 20)} MiB of memory`, file));
      break;
    }
    const next = pages(segment);
    const before = loaded.at(-1);
    if (before !== undefined && next.address < before.address + BigInt(before.size)) {
      problems.push(linkProblem('error', 'segments-overlap', `two segments of ${file.name} share the page at 0x${next.address.toString(16)}`, file));
      continue;
    }
    loaded.push(next);
  }
  return loaded;
}

function pages(segment: ProgramSegment): LoadedSegment {
  const address = segment.address / PAGE * PAGE;
  const lead = Number(segment.address - address);
  const content = segment.bytes();
  const bytes = new Uint8Array(lead + content.length);
  bytes.set(content, lead);
  return {
    address, bytes, size: Number(alignUp(BigInt(lead + segment.memorySize), PAGE)),
    read: (segment.flags & PF.R) !== 0, write: (segment.flags & PF.W) !== 0, execute: (segment.flags & PF.X) !== 0,
  };
}

/** Applies what the dynamic linker would: base-relative values and addresses of dynamic symbols. */
class DynamicRelocator {
  readonly #file: ObjectFile;
  readonly #memory: readonly LoadedSegment[];
  readonly #externals: Map<bigint, string>;
  readonly #problems: Problem[];
  readonly #addresses = new Map<string, bigint>();

  constructor(file: ObjectFile, memory: readonly LoadedSegment[], externals: Map<bigint, string>, problems: Problem[]) {
    this.#file = file;
    this.#memory = memory;
    this.#externals = externals;
    this.#problems = problems;
  }

  run(): void {
    const { sections } = this.#file;
    const dynamicSymbols = sections.findIndex(({ type }) => type === SHT.DYNSYM);
    const symbols = dynamicSymbols < 0 ? [] : this.#symbols(sections[dynamicSymbols]!);
    const unsupported = new Set<string>();
    const base = this.#memory[0]?.address ?? 0n;
    for (const table of sections) {
      if (table.type !== SHT.RELA || (table.flags & SHF.ALLOC) === 0) continue;
      const relocations = readRelocations({
        file: this.#file.name, offset: 0, bytes: table.bytes, symbolCount: Math.max(1, symbols.length), targetAddress: base, targetSize: 2 ** 40,
      });
      for (const { offset, type, symbol, addend } of relocations) {
        const place = base + BigInt(offset);
        const target = symbols[symbol];
        if (type === R_X86_64.RELATIVE) this.#write(place, addend);
        else if (type === R_X86_64['64'] || type === R_X86_64.GLOB_DAT || type === R_X86_64.JUMP_SLOT) {
          this.#write(place, (target === undefined ? 0n : this.#address(target)) + (type === R_X86_64['64'] ? addend : 0n));
        } else if (type !== R_X86_64.NONE) unsupported.add(relocationName(type));
      }
    }
    if (unsupported.size > 0) {
      this.#problems.push(linkProblem('warning', 'unsupported-relocation', `${this.#file.name}: left alone: ${[...unsupported].join(', ')}`, this.#file));
    }
  }

  #symbols(table: Section): ReturnType<typeof readSymbols> {
    const names = this.#file.sections[table.link ?? 0];
    return readSymbols({
      file: this.#file.name, offset: 0, bytes: table.bytes, names: new StringTable(this.#file.name, 0, names?.bytes ?? new Uint8Array(0)),
      extendedIndices: new Uint8Array(0), sectionCount: this.#file.sections.length, sectionName: () => '',
    });
  }

  #address(symbol: ReturnType<typeof readSymbols>[number]): bigint {
    if (symbol.section !== 'undefined') return symbol.value;
    if (symbol.binding === 'weak') return 0n;
    let address = this.#addresses.get(symbol.name);
    if (address === undefined) {
      const last = this.#memory.at(-1);
      const end = last === undefined ? 0n : last.address + BigInt(last.size);
      address = alignUp(end, 1n << 28n) + (1n << 28n) + BigInt(this.#addresses.size) * PAGE;
      this.#addresses.set(symbol.name, address);
      this.#externals.set(address, symbol.name);
    }
    return address;
  }

  #write(address: bigint, value: bigint): void {
    const segment = this.#memory.find((candidate) => address >= candidate.address && address + 8n <= candidate.address + BigInt(candidate.bytes.length));
    if (segment === undefined) return;
    new DataView(segment.bytes.buffer).setBigUint64(Number(address - segment.address), BigInt.asUintN(64, value), true);
  }
}
