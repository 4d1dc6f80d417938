/**
 * A section under construction: fragments, each a stretch of settled bytes and a tail whose size only layout knows.
 * The division is gas's own (as internals, "Frags"), because gas decides some encodings by it.
 */
import type { Expression } from '../gas/statement.ts';
import type { SourceRange } from '../source.ts';
import { SHF, SHT } from '../elf/object.ts';
import { AssemblyError } from './assembly-error.ts';

/** A stretch of code within which all distances are settled already while reading; compared by identity. */
export type Run = object;

/** What follows a fragment's settled bytes. */
export type Tail =
  /** A branch whose opcode byte is the last settled one: `short` has a byte of displacement, the long form `longSize` bytes more. */
  | {
      readonly kind: 'branch';
      readonly target: Expression;
      /** Bytes behind the opcode byte in the long form. */
      readonly longSize: number;
      /** Bytes of the displacement in the long form: 4, or 2 in 16-bit code. */
      readonly fieldSize: 2 | 4;
      /** In 64-bit code a branch to another object may go through its PLT. */
      readonly mayUsePlt: boolean;
      readonly range: SourceRange;
      long: boolean;
    }
  | {
      readonly kind: 'align';
      readonly alignment: number;
      /** More padding than this means none; 0 for no limit. */
      readonly limit: number;
      /** Repeated to fill the gap; undefined for instructions that do nothing. */
      readonly fill: Uint8Array | undefined;
      readonly bits: 16 | 32 | 64;
      readonly range: SourceRange;
    }
  /** `count` times `pattern`, known while reading. */
  | { readonly kind: 'fill'; readonly pattern: Uint8Array; readonly count: number }
  /** `.skip` and `.fill` whose count layout tells. */
  | { readonly kind: 'space'; readonly count: Expression; readonly pattern: Uint8Array; readonly nops?: { readonly limit: number; readonly bits: 16 | 32 | 64 }; readonly range: SourceRange }
  | { readonly kind: 'origin'; readonly target: Expression; readonly fill: number; readonly range: SourceRange }
  | {
      readonly kind: 'leb128';
      readonly value: Expression;
      readonly signed: boolean;
      readonly range: SourceRange;
      /** How often layout has made it shorter. */
      shrunk?: number;
    };

/** A stretch of settled bytes, and its tail. */
export class Fragment {
  readonly section: SectionBuilder;
  /** The settled bytes are `length` bytes at `start` of the subsection's buffer. */
  readonly subsection: Subsection;
  readonly start: number;
  length = 0;
  tail: Tail | undefined;
  /** Size of the tail as layout has it now. */
  tailSize = 0;
  /** Offset in the section as layout has it now. */
  address = 0;
  /** Fragments with padding of unknown size between them are in different regions; see layout. */
  region = 0;
  /** Flips whenever a pass of layout has been here. */
  visited = false;
  next: Fragment | undefined;
  readonly run: Run;
  /** Offset of the first byte in the run. */
  readonly runOffset: number;

  constructor(section: SectionBuilder, subsection: Subsection, start: number, run: Run, runOffset: number) {
    this.section = section;
    this.subsection = subsection;
    this.start = start;
    this.run = run;
    this.runOffset = runOffset;
  }
}

/** A place in a section: `offset` bytes into a fragment's settled bytes. */
export interface Place {
  readonly fragment: Fragment;
  readonly offset: number;
}

/** The offset in its section of `place`, as layout has it now. */
export function addressOf({ fragment, offset }: Place): number {
  return fragment.address + offset;
}

/** Sections with contents beyond this are refused: nothing that a person writes comes near. */
export const MAX_SECTION_BYTES = 1 << 28;
/** Sections without contents (`.bss`) may be as large as the offsets of 32-bit relocations. */
export const MAX_SECTION_SIZE = 2 ** 31;

/** A numbered part of a section; gas puts them behind one another at the end. */
export class Subsection {
  readonly number: number;
  readonly fragments: Fragment[] = [];
  current: Fragment;
  private buffer = new Uint8Array(256);
  private used = 0;
  private readonly section: SectionBuilder;

  constructor(section: SectionBuilder, number: number) {
    this.section = section;
    this.number = number;
    this.current = new Fragment(section, this, 0, {}, 0);
    this.fragments.push(this.current);
  }

  /** Appends settled bytes: all of `bytes`, or the first `count`. */
  append(bytes: Uint8Array, count = bytes.length): void {
    this.reserve(count);
    copyBytes(bytes, 0, count, this.buffer, this.used);
    this.used += count;
    this.current.length += count;
  }

  /** Appends `count` zero bytes (fields to be filled in later). */
  appendZeros(count: number): void {
    this.reserve(count);
    this.buffer.fill(0, this.used, this.used + count);
    this.used += count;
    this.current.length += count;
  }

  /** Ends the current fragment with `tail`. */
  close(tail: Tail): void {
    const ended = this.current;
    const settled = tail.kind === 'fill';
    if (settled) {
      const size = tail.count * tail.pattern.length;
      this.section.takeRoom(size);
      ended.tailSize = size;
    }
    ended.tail = tail;
    this.current = settled
      ? new Fragment(this.section, this, this.used, ended.run, ended.runOffset + ended.length + ended.tailSize)
      : new Fragment(this.section, this, this.used, {}, 0);
    this.fragments.push(this.current);
  }

  /** Where the next byte goes. */
  here(): Place {
    return { fragment: this.current, offset: this.current.length };
  }

  /** The settled bytes of `fragment`, to be read or written in place. */
  bytesOf(fragment: Fragment): Uint8Array {
    return this.buffer.subarray(fragment.start, fragment.start + fragment.length);
  }

  /** Writes the settled bytes of `fragment` into `target`, from `at` on. */
  copyTo(target: Uint8Array, at: number, fragment: Fragment): void {
    copyBytes(this.buffer, fragment.start, fragment.length, target, at);
  }

  private reserve(count: number): void {
    const needed = this.used + count;
    if (needed <= this.buffer.length) return;
    if (needed > MAX_SECTION_BYTES) throw new AssemblyError('size-limit', `section ${this.section.name} grows beyond ${String(MAX_SECTION_BYTES)} bytes`);
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
  }
}

/** Up to so many bytes are copied one by one: a call of `set`, and a view for it, cost more. */
const FEW_BYTES = 64;

function copyBytes(from: Uint8Array, start: number, count: number, into: Uint8Array, at: number): void {
  if (count <= FEW_BYTES) for (let index = 0; index < count; index++) into[at + index] = from[start + index]!;
  else into.set(from.subarray(start, start + count), at);
}

/** What a section is made with. */
export interface SectionAttributes {
  readonly type: number;
  readonly flags: number;
  readonly entrySize: number;
  readonly group?: { readonly signature: string; readonly comdat: boolean };
}

/** A section under construction. */
export class SectionBuilder {
  readonly name: string;
  type: number;
  flags: number;
  entrySize: number;
  align = 1;
  /** Index among the assembler's sections; the null section is 0. The object has its group sections in front of the others. */
  readonly index: number;
  /** See `AssemblySymbol.order`. */
  readonly order: number;
  /** Signature of its group, and whether that is COMDAT. */
  group: { readonly signature: string; readonly comdat: boolean } | undefined;
  /** See `.section`: the number behind `unique`, and that of the `d` flag (`sh_info`). */
  unique: number | undefined;
  info: number | undefined;
  /** Name of the section this one must be kept beside (`o` flag), '' for none yet. */
  linkedTo: string | undefined;
  private readonly subsections = new Map<number, Subsection>();
  /** Bytes of all fillings. */
  private filled = 0;

  constructor(index: number, name: string, order: number, attributes: SectionAttributes) {
    this.index = index;
    this.order = order;
    this.name = name;
    this.type = attributes.type;
    this.flags = attributes.flags;
    this.entrySize = attributes.entrySize;
    this.group = attributes.group;
  }

  /** True if the section holds instructions: padding in it must be executable. */
  get isCode(): boolean {
    return (this.flags & SHF.EXECINSTR) !== 0;
  }

  get hasContents(): boolean {
    return this.type !== SHT.NOBITS;
  }

  /** The largest size that this section may come to. */
  get limit(): number {
    return this.hasContents ? MAX_SECTION_BYTES : MAX_SECTION_SIZE;
  }

  /** Counts `size` bytes of filling. Throws if the section gets too large by it. */
  takeRoom(size: number): void {
    if (this.filled + size > this.limit) throw new AssemblyError('size-limit', `section ${this.name} grows beyond ${String(this.limit)} bytes`);
    this.filled += size;
  }

  subsection(number: number): Subsection {
    let found = this.subsections.get(number);
    if (found === undefined) {
      found = new Subsection(this, number);
      this.subsections.set(number, found);
    }
    return found;
  }

  /** The fragment that the section begins with. */
  get first(): Fragment {
    return this.subsection(Math.min(...this.subsections.keys(), 0)).fragments[0]!;
  }

  /** All fragments in the order of their addresses, each linked to the next. */
  chain(): readonly Fragment[] {
    const all = [...this.subsections.values()].sort((a, b) => a.number - b.number).flatMap((part) => part.fragments);
    all.forEach((fragment, index) => { fragment.next = all[index + 1]; });
    return all;
  }

  /** The last subsection, for padding at the section's end. */
  lastSubsection(): Subsection {
    return this.subsection(Math.max(0, ...this.subsections.keys()));
  }
}
