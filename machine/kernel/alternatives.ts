/**
 * What a kernel patches into its code at boot: alternatives, by the features of the CPU, and constants known only then.
 * Sources: kernel 6.1 and 6.12 arch/x86/kernel/alternative.c (apply_alternatives), arch/x86/include/asm/runtime-const.h.
 */
import type { Image } from '../../assembly/elf/image.ts';
import { SHF } from '../../assembly/elf/object.ts';
import { cpuFeatureName, cpuFeatureNumbers } from '../../assembly/linux-compat/cpu-features.ts';
import { compatGeneration } from '../../assembly/linux-compat/generation.ts';
import type { AlternativeForm } from '../../assembly/linux-compat/generation.ts';
import { decodeAll } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { taskSizeMax } from '../../fault-model/address-space.ts';
import type { CpuProfile } from '../cpu/cpu.ts';

/** Bytes that replace what the image has at `address`. */
export interface Patch {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** `erms`, `not la57`, `USER_PTR_MAX`: what it was patched for. */
  readonly reason: string;
}

/** A record of `.altinstructions`. */
export interface AlternativeRecord {
  readonly instruction: bigint;
  readonly length: number;
  readonly replacement: bigint;
  readonly replacementLength: number;
  readonly feature: number;
  /** Replaced on CPUs that do *not* have the feature. */
  readonly negated: boolean;
}

export interface BootPatches {
  /** In the order they are applied; later ones win. */
  readonly patches: readonly Patch[];
  /** What could not be read or applied, one sentence each. */
  readonly problems: readonly string[];
}

const STRIDE: Readonly<Record<AlternativeForm, number>> = { 'padded-13': 13, 'feature16-12': 12, 'feature32-14': 14 };
const FORMS = Object.keys(STRIDE) as readonly AlternativeForm[];

/** Everything the kernel of `generation` patches into `image` on a CPU of `profile`. */
export function bootPatches(image: Image, profile: CpuProfile, generation: string): BootPatches {
  const { records, problems } = readAlternatives(image, generation);
  return {
    patches: [...applyAlternatives(image, records, profile, generation), ...runtimeConstants(image, profile)],
    problems: [...problems, ...unknownConstants(image)],
  };
}

/** The records of all `.altinstructions` sections, read as `generation` lays them out, or as another kernel does if only that makes sense. */
export function readAlternatives(image: Image, generation: string): { readonly records: readonly AlternativeRecord[]; readonly problems: readonly string[] } {
  const records: AlternativeRecord[] = [];
  const problems: string[] = [];
  const configured = compatGeneration(generation).alternative;
  for (const section of image.sections.filter(({ name, size }) => name === '.altinstructions' && size > 0)) {
    const bytes = image.read(section.address, section.size);
    const found = [configured, ...FORMS.filter((form) => form !== configured)]
      .map((form) => recordsOf(bytes, section.address, form)).find((candidate) => candidate?.every((record) => plausible(record, image)));
    if (found === undefined) problems.push(`.altinstructions of ${section.object} is not as any known kernel lays it out: no alternative is applied`);
    else records.push(...found);
  }
  return { records, problems };
}

function recordsOf(bytes: Uint8Array, address: bigint, form: AlternativeForm): readonly AlternativeRecord[] | undefined {
  const stride = STRIDE[form];
  if (bytes.length % stride !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / stride }, (_, index) => {
    const at = index * stride;
    const relative = (offset: number): bigint => BigInt.asUintN(64, address + BigInt(at + offset) + BigInt(view.getInt32(at + offset, true)));
    const wide = form === 'feature32-14';
    const feature = view.getUint16(at + 8, true);
    const negated = wide ? (view.getUint16(at + 10, true) & 1) !== 0 : (feature & 0x8000) !== 0;
    const lengths = at + (wide ? 12 : 10);
    return {
      instruction: relative(0), replacement: relative(4), negated, feature: wide ? feature : feature & 0x7fff,
      length: view.getUint8(lengths), replacementLength: view.getUint8(lengths + 1),
    };
  });
}

/** NCAPINTS and NBUGINTS words of 32 features each, with room to grow. */
const MOST_FEATURES = 40 * 32;

function plausible({ instruction, length, replacement, replacementLength, feature }: AlternativeRecord, image: Image): boolean {
  const inCode = (address: bigint, size: number): boolean => image.sections.some((section) =>
    (section.flags & SHF.EXECINSTR) !== 0 && address >= section.address && address + BigInt(size) <= section.address + BigInt(section.size));
  return feature < MOST_FEATURES && replacementLength <= length && inCode(instruction, length) && (replacementLength === 0 || inCode(replacement, replacementLength));
}

function applyAlternatives(image: Image, records: readonly AlternativeRecord[], profile: CpuProfile, generation: string): readonly Patch[] {
  const numbers = cpuFeatureNumbers(generation);
  const present = new Set([...profile.features, 'always'].flatMap((name) => numbers.get(name) ?? []));
  return records.filter(({ feature, negated }) => present.has(feature) !== negated).map((record) => {
    const { instruction, length, replacement, replacementLength, feature, negated } = record;
    const bytes = new Uint8Array(length);
    bytes.set(moved(image.read(replacement, replacementLength), replacement, instruction));
    fillWithNops(bytes, replacementLength);
    return { address: instruction, bytes, reason: `${negated ? 'not ' : ''}${cpuFeatureName(feature, generation)}` };
  });
}

/** Code from `from`, to be run at `to`: what points out of it by a 32-bit distance still points to the same place. */
function moved(code: Uint8Array, from: bigint, to: bigint): Uint8Array {
  const result = code.slice();
  const view = new DataView(result.buffer, result.byteOffset, result.length);
  const inside = (address: bigint): boolean => address >= from && address <= from + BigInt(code.length);
  for (const instruction of decodeAll(code, from)) {
    const field = distanceField(instruction, inside);
    if (field === undefined) continue;
    const at = Number(instruction.address - from) + field;
    view.setInt32(at, Number(BigInt.asIntN(32, BigInt(view.getInt32(at, true)) + from - to)), true);
  }
  return result;
}

/** Offset of an instruction's 32-bit distance to a place outside; undefined if it has none. */
function distanceField(instruction: Instruction, inside: (address: bigint) => boolean): number | undefined {
  const { bytes, target, address, length } = instruction;
  if (target !== undefined) return length >= 5 && !inside(target) ? length - 4 : undefined;
  // ModRM with mod 0 and rm 5 is rip-relative; its displacement is followed by an immediate of 0, 1, 2 or 4 bytes.
  if (!instruction.accesses.some(({ base }) => base === 'rip')) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  for (const immediate of [0, 1, 4, 2]) {
    const at = length - 4 - immediate;
    if (at < 2 || (bytes[at - 1]! & 0xc7) !== 0x05) continue;
    return inside(address + BigInt(length) + BigInt(view.getInt32(at, true))) ? undefined : at;
  }
  return undefined;
}

/** Standard NOPs of 1 to 8 bytes (SDM 2B, NOP). */
const NOPS: readonly (readonly number[])[] = [
  [0x90], [0x66, 0x90], [0x0f, 0x1f, 0x00], [0x0f, 0x1f, 0x40, 0x00], [0x0f, 0x1f, 0x44, 0x00, 0x00], [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00], [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

function fillWithNops(bytes: Uint8Array, start: number): void {
  for (let at = start; at < bytes.length;) {
    const nop = NOPS[Math.min(bytes.length - at, NOPS.length) - 1]!;
    bytes.set(nop, at);
    at += nop.length;
  }
}

const CONSTANT_SECTION = /^runtime_(ptr|shift)_(.+)$/;

/** Values of the constants that routines use, by name. */
function constantValue(name: string, profile: CpuProfile): bigint | undefined {
  // With linear-address masking every address with bit 63 clear may be a user's.
  if (name === 'USER_PTR_MAX') return profile.features.includes('lam') ? (1n << 63n) - 4096n : taskSizeMax(profile.features.includes('la57'));
  return undefined;
}

/** `movabs $placeholder, %reg` gets the value; the section lists where, each entry relative to itself. */
function runtimeConstants(image: Image, profile: CpuProfile): readonly Patch[] {
  return image.sections.flatMap(({ name, address, size }) => {
    const constant = CONSTANT_SECTION.exec(name);
    const value = constant?.[1] === 'ptr' ? constantValue(constant[2]!, profile) : undefined;
    if (value === undefined) return [];
    const bytes = image.read(address, size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => {
      const patched = new Uint8Array(8);
      new DataView(patched.buffer).setBigUint64(0, value, true);
      return { address: BigInt.asUintN(64, address + BigInt(4 * index + view.getInt32(4 * index, true))), bytes: patched, reason: constant![2]! };
    });
  });
}

function unknownConstants(image: Image): readonly string[] {
  const names = image.sections.flatMap(({ name }) => {
    const constant = CONSTANT_SECTION.exec(name);
    return constant === null || (constant[1] === 'ptr' && constant[2] === 'USER_PTR_MAX') ? [] : [constant[2]!];
  });
  return [...new Set(names)].map((name) => `the boot-time constant ${name} is not known: its placeholder stays in the code`);
}
