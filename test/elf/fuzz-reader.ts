/**
 * Reads a damaged file in every way there is and checks what must hold for any bytes.
 */
import { linkObjects } from '../../assembly/elf/link/link.ts';
import { openElf } from '../../assembly/elf/open.ts';
import { ElfError, readElf } from '../../assembly/elf/read.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { FixError, fixTables } from '../../assembly/extable/fix.ts';
import { reportTables } from '../../assembly/extable/report.ts';
import { findImageTable } from '../../assembly/extable/search.ts';

export interface FuzzCounts {
  read: number;
  refused: number;
  linked: number;
  entries: number;
}

/** Throws unless `bytes` are read within bounds, or refused with an `ElfError`. */
export function readDamaged(bytes: Uint8Array, counts: FuzzCounts): void {
  let file: ObjectFile;
  try {
    file = readElf('mutant', bytes);
  } catch (error) {
    mustBeNamed(error, bytes);
    counts.refused++;
    return;
  }
  counts.read++;
  withinBounds(file, bytes.length);
  // Lazily, every read must stay inside the file.
  const report = reportTables(openElf('mutant', {
    size: bytes.length,
    read: (offset, length) => {
      if (!Number.isInteger(offset) || offset < 0 || length < 0 || offset + length > bytes.length) throw new Error(`read of ${String(length)} bytes at ${String(offset)}, file of ${String(bytes.length)}`);
      return bytes.subarray(offset, offset + length);
    },
  }));
  counts.entries += report.entries.length;
  if (report.entries.length > bytes.length / 8) throw new Error(`${String(report.entries.length)} entries out of ${String(bytes.length)} bytes`);
  const { image, problems } = linkObjects([file]);
  if (problems.every(({ severity }) => severity !== 'error')) counts.linked++;
  const held = image.segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
  // Sections may name the same bytes of the file, each once, and pages are rounded up.
  if (held > (bytes.length + 8192) * (file.sections.length + 8)) throw new Error(`an image of ${String(held)} bytes`);
  const table = findImageTable(image);
  for (const entry of table.entries.slice(0, 20)) table.takers(entry.insn, 14);
  image.symbolAt(image.segments[0]?.address ?? 0n);
  try {
    fixTables('mutant', bytes);
  } catch (error) {
    if (!(error instanceof FixError)) mustBeNamed(error, bytes);
  }
}

function mustBeNamed(error: unknown, bytes: Uint8Array): void {
  if (!(error instanceof ElfError)) throw error;
  // Offsets may point behind the end where that is what is wrong, never before the start.
  if (error.offset < 0 || !Number.isFinite(error.offset)) throw new Error(`offset ${String(error.offset)} in a file of ${String(bytes.length)}: ${error.message}`);
}

function withinBounds(file: ObjectFile, size: number): void {
  const relocations = file.sections.reduce((sum, section) => sum + section.relocations.length, 0);
  if (file.symbols.length + relocations > size / 24 + 1) throw new Error(`${String(file.symbols.length)} symbols and ${String(relocations)} relocations out of ${String(size)} bytes`);
  if (file.lines.length > size) throw new Error(`${String(file.lines.length)} lines out of ${String(size)} bytes`);
  for (const section of file.sections) if (section.bytes.length > size) throw new Error(`section of ${String(section.bytes.length)} bytes`);
}
