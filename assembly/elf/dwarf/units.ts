/**
 * The little of `.debug_info` that line tables need: each unit's compilation directory. DWARF 4 line tables do not carry it.
 * Numbers: DWARF 5 standard, section 7.
 */
import { DwarfError, DwarfReader, debugSection } from './reader.ts';
import type { ObjectFile } from '../object.ts';

const DW_FORM = {
  addr: 0x01, block2: 0x03, block4: 0x04, data2: 0x05, data4: 0x06, data8: 0x07, string: 0x08, block: 0x09, block1: 0x0a, data1: 0x0b,
  flag: 0x0c, sdata: 0x0d, strp: 0x0e, udata: 0x0f, ref_addr: 0x10, ref1: 0x11, ref2: 0x12, ref4: 0x13, ref8: 0x14, ref_udata: 0x15,
  sec_offset: 0x17, exprloc: 0x18, flag_present: 0x19, strx: 0x1a, addrx: 0x1b, strp_sup: 0x1d, data16: 0x1e, line_strp: 0x1f, ref_sig8: 0x20,
  implicit_const: 0x21, loclistx: 0x22, rnglistx: 0x23, strx1: 0x25, strx2: 0x26, strx3: 0x27, strx4: 0x28, addrx1: 0x29, addrx2: 0x2a, addrx3: 0x2b, addrx4: 0x2c,
} as const;

/** What a form's value turned out to be; strings in other sections by their offset there. */
export type FormValue =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'string-at'; readonly section: '.debug_str' | '.debug_line_str'; readonly offset: number }
  | { readonly kind: 'other' };

const OTHER: FormValue = { kind: 'other' };

/** Reads one value of `form`. Throws {@link DwarfError} for a form that is not in DWARF 5. */
export function readForm(reader: DwarfReader, form: number, wide: boolean, addressSize: number): FormValue {
  const number = (value: number): FormValue => ({ kind: 'number', value });
  const skipped = (count: number): FormValue => {
    reader.skip(count);
    return OTHER;
  };
  switch (form) {
    case DW_FORM.string: return { kind: 'string', value: reader.string() };
    case DW_FORM.strp: return { kind: 'string-at', section: '.debug_str', offset: reader.word(wide) };
    case DW_FORM.line_strp: return { kind: 'string-at', section: '.debug_line_str', offset: reader.word(wide) };
    case DW_FORM.sec_offset: return number(reader.word(wide));
    case DW_FORM.data1: case DW_FORM.flag: return number(reader.u8());
    case DW_FORM.data2: return number(reader.u16());
    case DW_FORM.data4: return number(reader.u32());
    case DW_FORM.udata: return number(reader.uleb());
    case DW_FORM.sdata: return number(reader.sleb());
    case DW_FORM.flag_present: case DW_FORM.implicit_const: return OTHER;
    case DW_FORM.addr: return skipped(addressSize);
    case DW_FORM.ref1: case DW_FORM.strx1: case DW_FORM.addrx1: return skipped(1);
    case DW_FORM.ref2: case DW_FORM.strx2: case DW_FORM.addrx2: return skipped(2);
    case DW_FORM.strx3: case DW_FORM.addrx3: return skipped(3);
    case DW_FORM.ref4: case DW_FORM.strx4: case DW_FORM.addrx4: return skipped(4);
    case DW_FORM.data8: case DW_FORM.ref8: case DW_FORM.ref_sig8: return skipped(8);
    case DW_FORM.data16: return skipped(16);
    case DW_FORM.ref_addr: case DW_FORM.strp_sup: return skipped(wide ? 8 : 4);
    case DW_FORM.strx: case DW_FORM.addrx: case DW_FORM.loclistx: case DW_FORM.rnglistx: case DW_FORM.ref_udata: reader.uleb(); return OTHER;
    case DW_FORM.block1: return skipped(reader.u8());
    case DW_FORM.block2: return skipped(reader.u16());
    case DW_FORM.block4: return skipped(reader.u32());
    case DW_FORM.block: case DW_FORM.exprloc: return skipped(reader.uleb());
    default: throw new DwarfError(`unknown form 0x${form.toString(16)}`);
  }
}

const DW_AT_stmt_list = 0x10;
const DW_AT_comp_dir = 0x1b;
const SKELETON = 4, SPLIT_COMPILE = 5, TYPE = 2, SPLIT_TYPE = 6;

/** Compilation directories by the offset of their unit's line table in `.debug_line`. Damaged units end the list. */
export function compilationDirectories(file: ObjectFile, stringAt: (section: '.debug_str' | '.debug_line_str', offset: number) => string): ReadonlyMap<number, string> {
  const directories = new Map<number, string>();
  const info = debugSection(file, '.debug_info');
  const abbreviations = debugSection(file, '.debug_abbrev');
  if (info === undefined || abbreviations === undefined) return directories;
  const reader = new DwarfReader(info.bytes);
  try {
    while (reader.left > 0) {
      const { wide, next } = reader.unitLength();
      readUnit(reader, wide, abbreviations.bytes, directories, stringAt);
      reader.at = next;
      reader.end = info.bytes.length;
    }
  } catch (error) {
    if (!(error instanceof DwarfError)) throw error;
  }
  return directories;
}

function readUnit(
  reader: DwarfReader, wide: boolean, abbreviations: Uint8Array, directories: Map<number, string>,
  stringAt: (section: '.debug_str' | '.debug_line_str', offset: number) => string,
): void {
  const version = reader.u16();
  if (version < 2 || version > 5) return;
  let addressSize: number;
  let abbreviationOffset: number;
  if (version === 5) {
    const kind = reader.u8();
    addressSize = reader.u8();
    abbreviationOffset = reader.word(wide);
    if (kind === SKELETON || kind === SPLIT_COMPILE) reader.skip(8);
    if (kind === TYPE || kind === SPLIT_TYPE) return;
  } else {
    abbreviationOffset = reader.word(wide);
    addressSize = reader.u8();
  }
  const code = reader.uleb();
  const attributes = findAbbreviation(abbreviations, abbreviationOffset, code);
  let lineTable: number | undefined;
  let directory: string | undefined;
  for (const [attribute, form] of attributes) {
    const value = readForm(reader, form, wide, addressSize);
    if (attribute === DW_AT_stmt_list && value.kind === 'number') lineTable = value.value;
    if (attribute === DW_AT_comp_dir) {
      if (value.kind === 'string') directory = value.value;
      else if (value.kind === 'string-at') directory = stringAt(value.section, value.offset);
    }
  }
  if (lineTable !== undefined && directory !== undefined) directories.set(lineTable, directory);
}

function findAbbreviation(bytes: Uint8Array, offset: number, wanted: number): readonly (readonly [number, number])[] {
  const reader = new DwarfReader(bytes);
  reader.skip(offset);
  for (;;) {
    const code = reader.uleb();
    if (code === 0) return [];
    reader.uleb();
    reader.u8();
    const attributes: (readonly [number, number])[] = [];
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      if (form === DW_FORM.implicit_const) reader.sleb();
      if (attribute === 0 && form === 0) break;
      if (code === wanted) attributes.push([attribute, form]);
    }
    if (code === wanted) return attributes;
  }
}
