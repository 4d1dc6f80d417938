/**
 * A linked program: what the machine loads and what everyone else looks names and lines up in.
 */
import type { SourcePosition } from '../source.ts';
import type { SymbolBinding, SymbolType } from './object.ts';

/** A run of pages with the same permissions. Segments do not overlap and are sorted by address. */
export interface ImageSegment {
  /** Page-aligned linear address. */
  readonly address: bigint;
  /** Bytes in memory; what `bytes` does not cover is zero. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

export interface ImageSymbol {
  readonly name: string;
  readonly address: bigint;
  /** 0 where the program does not say. */
  readonly size: bigint;
  readonly type: SymbolType;
  readonly binding: SymbolBinding;
}

/** Where a section of one of the linked objects ended up. */
export interface ImageSection {
  readonly name: string;
  /** Name of the object it comes from. */
  readonly object: string;
  readonly address: bigint;
  readonly size: number;
  /** `sh_flags`. */
  readonly flags: number;
}

/** The code from `address` on comes from `position`, up to the next row. */
export interface ImageLine {
  readonly address: bigint;
  readonly position: SourcePosition;
}

/** The nearest symbol at or below an address, and how far above it the address is. */
export interface SymbolReference {
  readonly name: string;
  readonly offset: bigint;
  readonly symbol: ImageSymbol;
}

export interface Image {
  readonly segments: readonly ImageSegment[];
  /** Loaded sections (SHF_ALLOC), by object in link order. */
  readonly sections: readonly ImageSection[];
  /** ELF symbols, sorted by address; section and file symbols left out. */
  readonly symbols: readonly ImageSymbol[];
  /** Names the source gives to places that are no ELF symbols (`.Lfixup`, `1`), sorted by address. */
  readonly labels: readonly { readonly name: string; readonly address: bigint; readonly position: SourcePosition }[];
  /** Sorted by address. */
  readonly lines: readonly ImageLine[];
  /** Functions that no object defines, by the unmapped address that stands for each. */
  readonly externals: ReadonlyMap<bigint, string>;
  /** The symbol that holds `address`: by size where it has one, else the nearest below in the same section. */
  symbolAt(address: bigint): SymbolReference | undefined;
  /** Where the code or data at `address` was written. */
  lineAt(address: bigint): SourcePosition | undefined;
  /** Addresses of the code written on `line` of `file` (also inside macros expanded from there), ascending. */
  addressesOf(file: string, line: number): readonly bigint[];
  /** Linked bytes, relocations applied; shorter than asked where no segment has them. */
  read(address: bigint, size: number): Uint8Array;
}
