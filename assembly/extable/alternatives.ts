/**
 * Places that the kernel patches at boot (`.altinstructions`): what stands there in the file may not be what runs.
 */
import { partitionPoint } from '../binary-search.ts';
import type { ObjectFile } from '../elf/object.ts';
import { fieldsOf } from './read.ts';

/** Entry sizes: 5.18 to 6.2 (12 bytes: two offsets, u16 feature, two lengths), 6.3 and later (14: u32 feature and flags), older (13: with padding length). */
const STRIDES = [12, 14, 13] as const;

/** Whether a place, by address or by section and offset, lies in an instruction that may be replaced. */
export type Patched = (place: bigint, section?: string) => boolean;

/** One record: `length` bytes at `site` may be replaced by `replacementLength` bytes from `replacement`, padded with no-operations. */
export interface AlternativeRecord {
  /** Address, or offset in `siteSection` of a relocatable file. */
  readonly site: bigint;
  readonly siteSection?: string;
  readonly length: number;
  readonly replacement: bigint;
  readonly replacementSection?: string;
  readonly replacementLength: number;
}

/** The records of `file` in the order in which they are applied; undefined if there are some and their layout is not known. */
export function alternativeRecords(file: ObjectFile): readonly AlternativeRecord[] | undefined {
  const section = file.sections.find(({ name, size }) => name === '.altinstructions' && size > 0);
  if (section === undefined) return [];
  const fields = fieldsOf(file, section);
  const stride = STRIDES.find((candidate) => section.size % candidate === 0 && (fields.linked || everyEntryRelocated(fields, candidate)));
  if (stride === undefined) return undefined;
  const records: AlternativeRecord[] = [];
  for (let offset = 0; offset + stride <= section.size; offset += stride) {
    const site = fields.relative(offset);
    const replacement = fields.relative(offset + 4);
    if (site === undefined || replacement === undefined) continue;
    const lengths = offset + (stride === 14 ? 12 : 10);
    records.push({
      site: BigInt.asUintN(64, site.base + site.word), length: section.bytes[lengths] ?? 0,
      replacement: BigInt.asUintN(64, replacement.base + replacement.word), replacementLength: section.bytes[lengths + 1] ?? 0,
      ...(site.section === undefined ? {} : { siteSection: site.section }),
      ...(replacement.section === undefined ? {} : { replacementSection: replacement.section }),
    });
  }
  return records;
}

export function patchedPlaces(file: ObjectFile): Patched {
  const records = alternativeRecords(file);
  if (records === undefined) return () => true;
  if (records.length === 0) return () => false;
  const sites = new Map<string, { readonly start: bigint; readonly end: bigint }[]>();
  for (const { site, siteSection, length } of records) {
    const key = siteSection ?? '';
    const list = sites.get(key);
    const range = { start: site, end: site + BigInt(length) };
    if (list === undefined) sites.set(key, [range]);
    else list.push(range);
  }
  for (const list of sites.values()) list.sort((a, b) => (a.start < b.start ? -1 : 1));
  return (place, name) => {
    const list = sites.get(name ?? '') ?? [];
    const behind = partitionPoint(list.length, (index) => list[index]!.start <= place);
    // Several alternatives may share a site.
    for (let at = behind - 1; at >= 0 && at >= behind - 4; at--) if (place < list[at]!.end) return true;
    return false;
  };
}

function everyEntryRelocated(fields: ReturnType<typeof fieldsOf>, stride: number): boolean {
  for (let offset = 0; offset + stride <= fields.size; offset += stride) if (fields.relocationAt(offset) === 0) return false;
  return true;
}
