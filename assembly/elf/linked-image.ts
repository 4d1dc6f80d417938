/**
 * {@link Image} over the parts that the linker or the loader made: look-ups by address, name and line.
 */
import type { Image, ImageLine, ImageSection, ImageSegment, ImageSymbol, SymbolReference } from './image.ts';
import { partitionPoint } from '../binary-search.ts';
import type { SourcePosition } from '../source.ts';

export interface ImageParts {
  readonly segments: readonly ImageSegment[];
  readonly sections: readonly ImageSection[];
  readonly symbols: readonly ImageSymbol[];
  readonly labels: Image['labels'];
  readonly lines: readonly ImageLine[];
  readonly externals: ReadonlyMap<bigint, string>;
}

/** Sorts the parts and makes them an image. */
export function createImage(parts: ImageParts): Image {
  return new LinkedImage(parts);
}

function byAddress(a: { readonly address: bigint }, b: { readonly address: bigint }): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/** Index of the last element at or below `address`; -1 if all are above. */
function lastAtOrBelow(list: readonly { readonly address: bigint }[], address: bigint): number {
  return partitionPoint(list.length, (index) => list[index]!.address <= address) - 1;
}

class LinkedImage implements Image {
  readonly segments: readonly ImageSegment[];
  readonly sections: readonly ImageSection[];
  readonly symbols: readonly ImageSymbol[];
  readonly labels: Image['labels'];
  readonly lines: readonly ImageLine[];
  readonly externals: ReadonlyMap<bigint, string>;
  readonly #sectionsByAddress: readonly ImageSection[];
  /** For each symbol, the highest end of it and all before it: where a search backwards for a holder can stop. */
  readonly #highestEnds: readonly bigint[];
  #addresses: ReadonlyMap<string, readonly bigint[]> | undefined;

  constructor(parts: ImageParts) {
    this.segments = [...parts.segments].sort(byAddress);
    this.sections = parts.sections;
    this.symbols = [...parts.symbols].sort(byAddress);
    this.labels = [...parts.labels].sort(byAddress);
    this.lines = [...parts.lines].sort(byAddress);
    this.externals = parts.externals;
    this.#sectionsByAddress = parts.sections.filter(({ size }) => size > 0).sort(byAddress);
    let highest = 0n;
    this.#highestEnds = this.symbols.map(({ address, size }) => {
      const end = address + size;
      if (end > highest) highest = end;
      return highest;
    });
  }

  symbolAt(address: bigint): SymbolReference | undefined {
    const last = lastAtOrBelow(this.symbols, address);
    let found: ImageSymbol | undefined;
    for (let index = last; index >= 0 && this.#highestEnds[index]! > address; index--) {
      const symbol = this.symbols[index]!;
      if (found !== undefined && symbol.address !== found.address) break;
      // Of several that begin together the more telling one names the place.
      if (address < symbol.address + symbol.size && (found === undefined || rank(symbol) > rank(found))) found = symbol;
    }
    found ??= this.#below(this.symbols[last], address);
    return found === undefined ? undefined : { name: found.name, offset: address - found.address, symbol: found };
  }

  /** A symbol without a size stands for all that follows it in its section, and only there. */
  #below(symbol: ImageSymbol | undefined, address: bigint): ImageSymbol | undefined {
    if (symbol === undefined) return undefined;
    if (symbol.address === address) return symbol;
    const section = this.#sectionAt(address);
    return section !== undefined && symbol.size === 0n && symbol.address >= section.address ? symbol : undefined;
  }

  #sectionAt(address: bigint): ImageSection | undefined {
    const section = this.#sectionsByAddress[lastAtOrBelow(this.#sectionsByAddress, address)];
    return section !== undefined && address < section.address + BigInt(section.size) ? section : undefined;
  }

  lineAt(address: bigint): SourcePosition | undefined {
    const line = this.lines[lastAtOrBelow(this.lines, address)];
    if (line === undefined) return undefined;
    if (line.address === address) return line.position;
    const section = this.#sectionAt(address);
    return section !== undefined && line.address >= section.address ? line.position : undefined;
  }

  addressesOf(file: string, line: number): readonly bigint[] {
    this.#addresses ??= indexLines(this.lines);
    return this.#addresses.get(`${String(line)} ${file}`) ?? [];
  }

  read(address: bigint, size: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = address;
    let left = size;
    let index = lastAtOrBelow(this.segments, at);
    while (left > 0) {
      const segment = this.segments[index];
      if (segment === undefined || at < segment.address || at >= segment.address + BigInt(segment.size)) break;
      const offset = Number(at - segment.address);
      const count = Math.min(left, segment.size - offset);
      const present = segment.bytes.subarray(offset, offset + count);
      if (present.length === count && count === size) return present;
      const part = new Uint8Array(count);
      part.set(present);
      parts.push(part);
      at += BigInt(count);
      left -= count;
      index++;
    }
    if (parts.length === 1) return parts[0]!;
    const bytes = new Uint8Array(size - left);
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  }
}

/** Functions before other symbols, named globals before locals. */
function rank(symbol: ImageSymbol): number {
  return (symbol.type === 'func' ? 4 : symbol.type === 'object' ? 2 : 0) + (symbol.binding === 'local' ? 0 : 1);
}

/** Addresses by `line file`: the line itself, and every line whose macro use led there. */
function indexLines(lines: readonly ImageLine[]): ReadonlyMap<string, readonly bigint[]> {
  const index = new Map<string, bigint[]>();
  for (const { address, position } of lines) {
    const places = new Set([position, ...(position.expansion ?? []).map((frame) => frame.invokedAt)].map(({ file, line }) => `${String(line)} ${file}`));
    for (const place of places) {
      const list = index.get(place);
      if (list === undefined) index.set(place, [address]);
      else if (list.at(-1) !== address) list.push(address);
    }
  }
  return index;
}
