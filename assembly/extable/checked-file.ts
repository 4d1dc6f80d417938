/**
 * A file as the checks of its tables look at it: instructions, their boundaries, descriptors.
 */
import { partOf } from '../elf/object.ts';
import type { ObjectFile } from '../elf/object.ts';
import { instructionBoundaries } from '../x86/boundaries.ts';
import { decodeInstruction } from '../x86/decode.ts';
import type { Instruction } from '../x86/instruction.ts';
import { patchedPlaces } from './alternatives.ts';
import type { Patched } from './alternatives.ts';
import type { HandlerDescriptor } from './entry.ts';
import { Places } from './places.ts';
import { readDescriptor, readObjectDescriptor } from './read.ts';

/** Bytes between two symbols beyond which no instruction boundaries are looked for. */
const LONGEST_WALK = 1 << 18;

/** A file with what its tables say, for the checks. */
export class CheckedFile {
  readonly file: ObjectFile;
  readonly places: Places;
  readonly patched: Patched;
  /** Instructions between two symbols: where they begin, and where the walk ended. */
  readonly #starts = new Map<string, { readonly starts: ReadonlySet<number>; readonly end: number }>();

  constructor(file: ObjectFile) {
    this.file = file;
    this.places = new Places(file);
    this.patched = patchedPlaces(file);
  }

  /** The instruction at a place; undefined outside code. */
  instructionAt(place: bigint, section?: string): Instruction | undefined {
    const found = this.places.at(place, section);
    if (found === undefined || !this.places.isCode(place, section)) return undefined;
    const bytes = partOf(found.section, found.offset, 15);
    return bytes.length === 0 ? undefined : decodeInstruction(bytes, place);
  }

  /** Whether an instruction begins at a place; undefined if that cannot be told. */
  isBoundary(place: bigint, section?: string): boolean | undefined {
    const found = this.places.at(place, section);
    if (found === undefined) return undefined;
    const { from, to } = this.places.around(found);
    if (from === found.offset) return true;
    // Without symbols a walk would cross more data than it could trust, and take as long.
    if (to - from > LONGEST_WALK) return undefined;
    const key = `${String(found.index)} ${String(from)}`;
    let known = this.#starts.get(key);
    if (known === undefined) {
      const { starts, end } = instructionBoundaries(partOf(found.section, from, to - from));
      known = { starts: new Set(starts), end };
      this.#starts.set(key, known);
    }
    const distance = found.offset - from;
    if (known.starts.has(distance)) return true;
    // The walk may have stopped at data in front of the place; then it proves nothing.
    return distance < known.end ? false : undefined;
  }

  /** The descriptor at a place, whatever is there; undefined outside loaded data. */
  descriptorAt(place: bigint, section?: string): HandlerDescriptor | undefined {
    if (this.file.kind === 'relocatable') return section === undefined ? undefined : readObjectDescriptor(this.file, section, place);
    return readDescriptor({
      read: (address, size) => {
        const found = this.places.at(address);
        return found === undefined ? new Uint8Array(0) : partOf(found.section, found.offset, size);
      },
    }, place);
  }

  /** Why a place is no descriptor; undefined if it is one. */
  whyNoDescriptor(place: bigint, section?: string): string | undefined {
    if (this.places.isCode(place, section)) return 'it is code';
    const descriptor = this.descriptorAt(place, section);
    if (descriptor === undefined) return 'no data is there';
    if (this.file.kind === 'shared' && descriptor.handler === 0n) return undefined;
    // A handler in another object is undefined here, so nothing is known of it.
    if (this.file.kind === 'relocatable' && descriptor.handlerSection === undefined) return undefined;
    return this.places.isCode(descriptor.handler, descriptor.handlerSection) ? undefined : `its handler 0x${descriptor.handler.toString(16)} is no code`;
  }
}
