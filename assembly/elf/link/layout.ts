/**
 * Which sections of which objects a linked program has, in what order and where.
 */
import { SHF, SHT } from '../object.ts';
import type { ObjectFile, ObjectSymbol, Section } from '../object.ts';
import { KERNEL_BASE, linkProblem } from './options.ts';
import type { LinkOptions } from './options.ts';
import type { Problem } from '../../source.ts';

/** One section of one object, and where it went. */
export interface Piece {
  readonly object: ObjectFile;
  /** Index in {@link ObjectFile.sections}. */
  readonly index: number;
  readonly section: Section;
  address: bigint;
}

/** Sections of the same name from all objects. */
export interface OutputSection {
  readonly name: string;
  readonly group: Group;
  readonly pieces: readonly Piece[];
  /** Of a section that the linker makes; others have their pieces'. */
  readonly align?: number;
  address: bigint;
  size: number;
}

/** Permission groups in address order; each begins on a page of its own. */
export type Group = 'text' | 'rodata' | 'data' | 'bss';

export interface Layout {
  readonly outputs: readonly OutputSection[];
  /** The piece of each section that is loaded. */
  readonly pieces: ReadonlyMap<ObjectFile, readonly (Piece | undefined)[]>;
}

export const PAGE = 4096n;
/** The kernel aligns nothing beyond a large page. */
const LARGEST_ALIGNMENT = 1 << 21;
/** Bounds what a lying section size can ask for. */
const LARGEST_PROGRAM = 1 << 29;

/** Sections that a linker script drops, or that only a build tool reads. */
const DISCARDED = [/^\.discard\./, /^\.note\.GNU-stack$/, /^\.gnu\.lto_/, /^_{2,3}k(sym|crc|strtab)/, /^\.export_symbol$/, /^\.ctors$/, /^\.dtors$/];

function isLoaded(section: Section): boolean {
  return (section.flags & SHF.ALLOC) !== 0 && section.type !== SHT.NULL && !DISCARDED.some((pattern) => pattern.test(section.name));
}

function groupOf(section: Section): Group {
  if ((section.flags & SHF.EXECINSTR) !== 0) return 'text';
  if ((section.flags & SHF.WRITE) === 0) return 'rodata';
  return section.type === SHT.NOBITS ? 'bss' : 'data';
}

/** GNU ld's order within a group for the sections every compiler makes. */
const OUTPUT_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^\.text\.(unlikely|exit|startup|hot|sorted)(\..*)?$/, '.text'], [/^\.text\..+/, '.text'],
  [/^\.rodata\..+/, '.rodata'], [/^\.data\..+/, '.data'], [/^\.bss\..+/, '.bss'],
];

function outputName(section: Section): string {
  return OUTPUT_NAMES.find(([pattern]) => pattern.test(section.name))?.[1] ?? section.name;
}

const GRP_COMDAT = 1;

/** Sections of later copies of a COMDAT group (gABI 4, "Section Groups"). */
function duplicateGroupMembers(objects: readonly ObjectFile[]): ReadonlySet<Section> {
  const seen = new Set<string>();
  const dropped = new Set<Section>();
  for (const object of objects) {
    for (const group of object.sections) {
      if (group.type !== SHT.GROUP || group.bytes.length < 4) continue;
      const words = new DataView(group.bytes.buffer, group.bytes.byteOffset, group.bytes.length);
      if ((words.getUint32(0, true) & GRP_COMDAT) === 0) continue;
      const signature = signatureOf(object, object.symbols[group.info ?? 0]);
      if (!seen.has(signature)) {
        seen.add(signature);
        continue;
      }
      for (let at = 4; at + 4 <= group.bytes.length; at += 4) {
        const member = object.sections[words.getUint32(at, true)];
        if (member !== undefined) dropped.add(member);
      }
    }
  }
  return dropped;
}

function signatureOf(object: ObjectFile, symbol: ObjectSymbol | undefined): string {
  return symbol === undefined ? object.name : symbol.name;
}

/** Sections of objects into output sections; places come with {@link place}. */
export function gather(objects: readonly ObjectFile[], problems: Problem[]): Layout {
  const duplicates = duplicateGroupMembers(objects);
  const outputs = new Map<string, { readonly name: string; readonly group: Group; readonly pieces: Piece[]; address: bigint; size: number }>();
  const pieces = new Map<ObjectFile, (Piece | undefined)[]>();
  for (const object of objects) {
    const own: (Piece | undefined)[] = [];
    pieces.set(object, own);
    for (const [index, section] of object.sections.entries()) {
      if (!isLoaded(section) || duplicates.has(section)) continue;
      if (section.align > LARGEST_ALIGNMENT) {
        problems.push(linkProblem('error', 'section-alignment', `section ${section.name} of ${object.name} wants ${String(section.align)}-byte alignment; 2 MiB is the most that is linked`, object));
        continue;
      }
      const piece: Piece = { object, index, section, address: 0n };
      own[index] = piece;
      const group = groupOf(section);
      const name = outputName(section);
      // Sections of one name but different permissions stay apart.
      const key = `${group} ${name}`;
      let output = outputs.get(key);
      if (output === undefined) {
        output = { name, group, pieces: [], address: 0n, size: 0 };
        outputs.set(key, output);
      }
      output.pieces.push(piece);
    }
  }
  return { outputs: [...outputs.values()], pieces };
}

const GROUP_ORDER: readonly Group[] = ['text', 'rodata', 'data', 'bss'];

/** Gives every output section and piece its address. `extra` output sections (GOT, common) are placed with the others. */
export function place(layout: Layout, extra: readonly OutputSection[], options: LinkOptions, problems: Problem[]): readonly OutputSection[] {
  const all = [...layout.outputs, ...extra];
  const placed: OutputSection[] = [];
  let next = options.base ?? KERNEL_BASE;
  const start = next;
  for (const group of GROUP_ORDER) {
    next = alignUp(next, PAGE);
    for (const output of all.filter((candidate) => candidate.group === group)) {
      const fixed = options.sectionAddresses?.get(output.name);
      const end = placeOutput(output, fixed ?? next);
      if (fixed === undefined) next = end;
      placed.push(output);
      if (next - start > BigInt(LARGEST_PROGRAM)) {
        const piece = output.pieces[0];
        if (piece !== undefined) problems.push(linkProblem('error', 'program-too-large', `section ${output.name} makes the program larger than ${String(LARGEST_PROGRAM >> 20)} MiB`, piece.object));
        return placed;
      }
    }
  }
  return placed;
}

function placeOutput(output: OutputSection, from: bigint): bigint {
  if (output.pieces.length === 0) {
    output.address = alignUp(from, BigInt(output.align ?? 16));
    return output.address + BigInt(output.size);
  }
  let at = alignUp(from, BigInt(Math.max(...output.pieces.map(({ section }) => section.align))));
  output.address = at;
  for (const piece of output.pieces) {
    at = alignUp(at, BigInt(piece.section.align));
    piece.address = at;
    at += BigInt(piece.section.size);
  }
  output.size = Number(at - output.address);
  return at;
}

export function alignUp(address: bigint, to: bigint): bigint {
  return (address + to - 1n) / to * to;
}
