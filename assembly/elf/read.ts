/**
 * ELF64 x86-64 files as {@link ObjectFile}: `.o`, `.ko`, `vmlinux`, executables, shared objects.
 */
import { bytesSource } from './byte-source.ts';
import { openElf } from './open.ts';
import type { ObjectFile } from './object.ts';

export { ElfError } from './elf-error.ts';

/**
 * Reads a whole file and checks all of it. Section bytes are views into `bytes`.
 * Throws {@link ElfError}, which says what is wrong and at which offset. Damaged debug information costs only its lines.
 */
export function readElf(name: string, bytes: Uint8Array): ObjectFile {
  const file = openElf(name, bytesSource(bytes));
  const { kind, entry, symbols, lines, segments } = file;
  const sections = file.sections.map((section) => ({
    name: section.name, type: section.type, flags: section.flags, align: section.align, entrySize: section.entrySize,
    bytes: section.bytes, size: section.size, relocations: section.relocations, address: section.address,
    ...(section.link === undefined ? {} : { link: section.link }),
    ...(section.info === undefined ? {} : { info: section.info }),
  }));
  return { name, kind, sections, symbols, lines, localLabels: [], entry, ...(segments.length === 0 ? {} : { segments }) };
}
