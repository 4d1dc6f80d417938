/**
 * ELF string tables. Names may share tails, so a hostile table could stand for far more text than it has bytes: the total is bounded.
 */
import { ElfError } from './elf-error.ts';
import { decodeUtf8 } from './utf8.ts';

/** Linkers merge tails of names, which makes a few characters stand for several; nothing honest comes near this. */
const LARGEST_EXPANSION = 64;

export class StringTable {
  readonly #file: string;
  /** File offset of the table. */
  readonly #offset: number;
  readonly #bytes: Uint8Array;
  readonly #known = new Map<number, string>();
  #budget: number;

  constructor(file: string, offset: number, bytes: Uint8Array) {
    this.#file = file;
    this.#offset = offset;
    this.#bytes = bytes;
    this.#budget = bytes.length * LARGEST_EXPANSION + 4096;
  }

  /** The string at `index`. Throws {@link ElfError}, with `from` as its offset, if it is outside or has no end. */
  at(index: number, from: number): string {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    if (index === 0 && this.#bytes.length === 0) return '';
    if (index >= this.#bytes.length) {
      throw new ElfError(this.#file, from, `a name at ${String(index)} lies outside its string table of ${String(this.#bytes.length)} bytes`);
    }
    const end = this.#bytes.indexOf(0, index);
    if (end < 0) throw new ElfError(this.#file, this.#offset + index, 'a name has no end');
    this.#budget -= end - index;
    if (this.#budget < 0) throw new ElfError(this.#file, this.#offset, 'the names overlap beyond anything a linker would write');
    const text = decodeUtf8(this.#bytes.subarray(index, end));
    this.#known.set(index, text);
    return text;
  }
}
