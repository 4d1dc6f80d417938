/**
 * What is wrong with an ELF file, and where in it.
 */
export class ElfError extends Error {
  /** Name of the file as the reader was given it. */
  readonly file: string;
  /** Byte offset in the file of the field that is wrong. */
  readonly offset: number;

  constructor(file: string, offset: number, what: string) {
    super(`${what} (at offset 0x${offset.toString(16)})`);
    this.name = 'ElfError';
    this.file = file;
    this.offset = offset;
  }
}
