/**
 * Register names of every width, and the flags by name.
 */
import { FLAG, GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import type { RegisterFile } from '../../machine/cpu/cpu.ts';

/** Something with a name that holds a value: read and written in place. */
export interface Place {
  readonly name: string;
  /** Width in bits. */
  readonly bits: number;
  get(registers: RegisterFile): bigint;
  set(registers: RegisterFile, value: bigint): void;
}

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const LOW_BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const CONTROLS = [0, 2, 3, 4, 8];

const places = new Map<string, Place>();

function add(place: Place): void {
  places.set(place.name, place);
}

/** `bits` bits of general register `number` from bit `shift` on; writing 32 bits clears the upper half, as the CPU does. */
function addGeneral(name: string, number: number, bits: number, shift = 0): void {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  add({
    name, bits,
    get: (registers) => (registers.get(number) & mask) >> BigInt(shift),
    set: (registers, value) => {
      const kept = bits >= 32 ? 0n : registers.get(number) & ~mask;
      registers.set(number, kept | ((value << BigInt(shift)) & mask));
    },
  });
}

GENERAL_REGISTERS.forEach((name, number) => {
  addGeneral(name, number, 64);
  const legacy = LEGACY[number];
  addGeneral(legacy === undefined ? `${name}d` : `e${legacy}`, number, 32);
  addGeneral(legacy ?? `${name}w`, number, 16);
  addGeneral(LOW_BYTES[number] ?? `${name}b`, number, 8);
  const high = HIGH_BYTES[number];
  if (high !== undefined) addGeneral(high, number, 8, 8);
});
add({ name: 'rip', bits: 64, get: (registers) => registers.rip, set: (registers, value) => { registers.rip = value; } });
add({ name: 'rflags', bits: 64, get: (registers) => registers.rflags, set: (registers, value) => { registers.rflags = value | 2n; } });
add({ ...places.get('rflags')!, name: 'eflags', bits: 32 });
SEGMENTS.forEach((name, number) => {
  add({ name, bits: 16, get: (registers) => BigInt(registers.getSegment(number)), set: (registers, value) => { registers.setSegment(number, Number(value & 0xffffn)); } });
});
for (const [name, number] of [['fs_base', 4], ['gs_base', 5]] as const) {
  add({ name, bits: 64, get: (registers) => registers.getSegmentBase(number), set: (registers, value) => { registers.setSegmentBase(number, value); } });
}
for (const number of CONTROLS) {
  add({ name: `cr${String(number)}`, bits: 64, get: (registers) => registers.getControl(number), set: (registers, value) => { registers.setControl(number, value); } });
}

/** Flags in the order people list them, with their bit. */
export const FLAGS: readonly Place[] = Object.entries(FLAG).map(([name, mask]) => ({
  name, bits: 1,
  get: (registers) => ((registers.rflags & BigInt(mask)) === 0n ? 0n : 1n),
  set: (registers, value) => { registers.rflags = (value & 1n) === 0n ? registers.rflags & ~BigInt(mask) : registers.rflags | BigInt(mask); },
}));
const flags = new Map(FLAGS.map((flag) => [flag.name, flag]));

/** The register or flag called `name`; `%` or `$` in front and case (but for flags, which are upper case) do not matter. */
export function registerPlace(name: string): Place | undefined {
  const marked = /^[%$]/.test(name);
  const bare = marked ? name.slice(1) : name;
  return places.get(bare.toLowerCase()) ?? flags.get(bare);
}

export const REGISTER_NAMES: readonly string[] = [...places.keys()];

/** The 64-bit registers people look at first, in the order they are shown. */
export const GENERAL_PLACES: readonly Place[] = [...GENERAL_REGISTERS, 'rip', 'rflags'].map((name) => places.get(name)!);
export const SYSTEM_PLACES: readonly Place[] = [...SEGMENTS, 'fs_base', 'gs_base', ...CONTROLS.map((number) => `cr${String(number)}`)].map((name) => places.get(name)!);
