/**
 * The exception tables and handler ranges of an object, an executable or a linked image.
 */
import type { Image } from '../elf/image.ts';
import { SHF, SHT } from '../elf/object.ts';
import type { ObjectFile, Section } from '../elf/object.ts';
import { detectLayout } from './detect.ts';
import type { TableHints } from './detect.ts';
import type { ExRange, ExtableEntry, ExtableLayout, ExtableTable, HandlerDescriptor } from './entry.ts';
import { linkedFields, relocatableFields } from './fields.ts';
import type { TableFields } from './fields.ts';
import { fileHints, imageHints } from './hints.ts';
import { HANDLER_TYPES, LAYOUTS } from './layouts.ts';

/** Names of the sections that hold exception tables. */
const TABLE_SECTIONS = ['__ex_table', '__mcex_table'] as const;
export const RANGE_SECTION = '__ex_range';
export const RANGE_STRIDE = 16;
const DESCRIPTOR_SIZE = 16;

export interface ReadTableOptions {
  /** Overrides the detection. */
  readonly layout?: ExtableLayout;
  /** The kernel generation the program is for (`6.12`), used where the program itself says nothing. */
  readonly generation?: string;
}

function isTable(name: string): boolean {
  return (TABLE_SECTIONS as readonly string[]).includes(name);
}

/** The sections that hold the tables of `file`, in the order of {@link readTables}. */
export function tableSections(file: ObjectFile): readonly Section[] {
  return file.sections.filter((section) => isTable(section.name) && section.type !== SHT.NOBITS && section.size > 0);
}

/** Every exception table of `file`. Entries are in the section's order; `.o` files are read through their relocations. */
export function readTables(file: ObjectFile, options: ReadTableOptions = {}): ExtableTable[] {
  const sections = tableSections(file);
  if (sections.length === 0) return [];
  const hints = fileHints(file, options.generation);
  const names = new Map(file.kind === 'relocatable' ? [] : file.symbols.filter(({ name }) => name.startsWith('ex_handler_')).map(({ name, value }) => [value, name]));
  return sections.map((section) => readTable(fieldsOf(file, section), { ...hints, section: section.name }, options.layout, names));
}

/** Fields of a section, by relocations or by address as the file demands. */
export function fieldsOf(file: ObjectFile, section: Section): TableFields {
  return file.kind === 'relocatable' ? relocatableFields(file, section) : linkedFields(section.bytes, section.address);
}

/** Every exception table of a linked image; the pieces of several objects are tables of their own. */
export function readImageTables(image: Image, options: ReadTableOptions = {}): ExtableTable[] {
  const sections = image.sections.filter(({ name, size }) => isTable(name) && size > 0);
  if (sections.length === 0) return [];
  const names = new Map(image.symbols.filter(({ name }) => name.startsWith('ex_handler_')).map(({ name, address }) => [address, name]));
  for (const [address, name] of image.externals) if (name.startsWith('ex_handler_')) names.set(address, name);
  return sections.map(({ name, object, address, size }) =>
    readTable(linkedFields(image.read(address, size), address), { ...imageHints(image, object, options.generation), section: name }, options.layout, names));
}

function readTable(fields: TableFields, hints: TableHints, override: ExtableLayout | undefined, handlerNames: ReadonlyMap<bigint, string>): ExtableTable {
  const { layout, evidence } = detectLayout(fields, hints, override);
  const { stride, read } = LAYOUTS[layout];
  const count = Math.floor(fields.size / stride);
  const entries: ExtableEntry[] = [];
  for (let index = 0; index < count; index++) {
    const offset = index * stride;
    const entry = read(fields, offset);
    if (entry !== undefined) entries.push({ index, offset, ...named(entry, handlerNames) });
  }
  return {
    layout, section: hints.section, address: fields.address, evidence: [...evidence, ...thirdWordEvidence(layout, entries)],
    stride, entries, leftOver: fields.size - count * stride,
  };
}

/** What the third words say for or against the layout. */
function thirdWordEvidence(layout: ExtableLayout, entries: readonly ExtableEntry[]): string[] {
  if (layout === 'handler') {
    const names = [...new Set(entries.flatMap(({ handlerName }) => handlerName ?? []))];
    return names.length === 0 ? [] : [`third words lead to ${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${String(names.length - 4)} more` : ''}`];
  }
  if (layout !== 'data') return [];
  const withFields = entries.filter(({ data }) => data >>> 8 !== 0).length;
  return withFields === 0 ? [] : [`third words of ${String(withFields)} use register, flag or immediate bits, which came with 5.17`];
}

/** Fills in a C handler's name, and the type that took over its work. */
function named<T extends Omit<ExtableEntry, 'index' | 'offset'>>(entry: T, handlerNames: ReadonlyMap<bigint, string>): T {
  if (entry.handler === undefined || entry.handlerName !== undefined) return entry;
  const name = handlerNames.get(entry.handler);
  return name === undefined ? entry : { ...entry, handlerName: name, type: handlerTypeOf(name) ?? entry.type };
}

function handlerTypeOf(name: string): number | undefined {
  return HANDLER_TYPES[name];
}

/** Every handler range of `file`, in the section's order. */
export function readRanges(file: ObjectFile): ExRange[] {
  const section = file.sections.find(({ name, size }) => name === RANGE_SECTION && size > 0);
  return section === undefined ? [] : rangesOf(fieldsOf(file, section), 0);
}

/** Every handler range of a linked image. */
export function readImageRanges(image: Image): ExRange[] {
  const ranges: ExRange[] = [];
  for (const { name, address, size } of image.sections) {
    if (name === RANGE_SECTION && size > 0) ranges.push(...rangesOf(linkedFields(image.read(address, size), address), ranges.length));
  }
  return ranges;
}

function rangesOf(fields: TableFields, firstIndex: number): ExRange[] {
  const ranges: ExRange[] = [];
  for (let offset = 0; offset + RANGE_STRIDE <= fields.size; offset += RANGE_STRIDE) {
    const start = fields.relative(offset);
    const descriptor = fields.relative(offset + 8);
    if (start === undefined || descriptor === undefined) continue;
    ranges.push({
      index: firstIndex + offset / RANGE_STRIDE, offset,
      start: BigInt.asUintN(64, start.base + start.word), length: fields.u32(offset + 4),
      descriptor: BigInt.asUintN(64, descriptor.base + descriptor.word), flags: fields.u32(offset + 12),
      ...(start.section === undefined ? {} : { startSection: start.section }),
      ...(descriptor.section === undefined ? {} : { descriptorSection: descriptor.section }),
      ...(start.external === undefined ? {} : { startExternal: start.external }),
      ...(descriptor.external === undefined ? {} : { descriptorExternal: descriptor.external }),
    });
  }
  return ranges;
}

/** The `struct extable_handler` at `address` of a linked image; undefined if no segment holds it. */
export function readDescriptor(image: Pick<Image, 'read'>, address: bigint): HandlerDescriptor | undefined {
  const bytes = image.read(address, DESCRIPTOR_SIZE);
  if (bytes.length < DESCRIPTOR_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { address, handler: view.getBigUint64(0, true), vectors: view.getUint32(8, true), flags: view.getUint32(12, true) };
}

/** The descriptor at `offset` of a section of a relocatable file; undefined if there is none. */
export function readObjectDescriptor(file: ObjectFile, sectionName: string, offset: bigint): HandlerDescriptor | undefined {
  const section = file.sections.find(({ name, flags }) => name === sectionName && (flags & SHF.ALLOC) !== 0);
  if (section === undefined || section.type === SHT.NOBITS || offset + BigInt(DESCRIPTOR_SIZE) > BigInt(section.size)) return undefined;
  const fields = relocatableFields(file, section);
  const at = Number(offset);
  const handler = fields.absolute(at);
  return {
    address: offset, handler: handler === undefined ? fields.u64(at) : handler.word, vectors: fields.u32(at + 8), flags: fields.u32(at + 12),
    ...(handler?.section === undefined ? {} : { handlerSection: handler.section }),
  };
}
