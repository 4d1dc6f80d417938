/**
 * From lines and names to addresses.
 */
import { partitionPoint } from '../../assembly/binary-search.ts';
import type { Image, ImageLine } from '../../assembly/elf/image.ts';
import type { SourcePosition } from '../../assembly/source.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { baseName } from '../format.ts';

export interface Location {
  readonly addresses: readonly bigint[];
  /** The line the code is on: the one asked for, or the next one with code. */
  readonly line: number;
}

/** How far below the asked-for line code is looked for. */
const SLIDE = 200;

/** Lines of `file` with code, ascending: those written there, and those inside macros expanded from there. */
export function linesWithCode(image: Image, file: string): readonly number[] {
  const lines = new Set<number>();
  for (const { position } of image.lines) {
    for (const place of [position, writtenPosition(position)]) if (place.file === file) lines.add(place.line);
  }
  return [...lines].sort((a, b) => a - b);
}

/** The file of the program that a client means by `path`: the same path, else the only one of that name. */
export function fileOf(image: Image, path: string): string | undefined {
  const files = new Set<string>();
  for (const { position } of image.lines) files.add(position.file).add(writtenPosition(position).file);
  if (files.has(path)) return path;
  const sameName = [...files].filter((file) => baseName(file) === baseName(path));
  return sameName.length === 1 ? sameName[0] : undefined;
}

/** Where a breakpoint on a line goes; undefined if there is no code on it or soon after it. */
export function locateLine(image: Image, path: string, line: number): Location | undefined {
  const file = fileOf(image, path);
  if (file === undefined) return undefined;
  const found = linesWithCode(image, file).find((one) => one >= line);
  if (found === undefined || found > line + SLIDE) return undefined;
  return { line: found, addresses: firstOfEachRun(image, image.addressesOf(file, found), (position) => isOn(position, file, found)) };
}

/** Where a breakpoint on a function goes: a symbol, or a label of the source. */
export function locateName(image: Image, name: string): readonly bigint[] {
  const symbols = image.symbols.filter((symbol) => symbol.name === name).map(({ address }) => address);
  return symbols.length > 0 ? symbols : image.labels.filter((label) => label.name === name).map(({ address }) => address);
}

function isOn(position: SourcePosition, file: string, line: number): boolean {
  const written = writtenPosition(position);
  return (position.file === file && position.line === line) || (written.file === file && written.line === line);
}

/** A line that a macro makes many instructions of is stopped at once, before the first. */
function firstOfEachRun(image: Image, addresses: readonly bigint[], onLine: (position: SourcePosition) => boolean): readonly bigint[] {
  return addresses.filter((address) => {
    const before = rowBefore(image.lines, address);
    return before === undefined || !onLine(before.position);
  });
}

/** The last row that starts below `address`. */
function rowBefore(lines: readonly ImageLine[], address: bigint): ImageLine | undefined {
  return lines[partitionPoint(lines.length, (index) => lines[index]!.address < address) - 1];
}
