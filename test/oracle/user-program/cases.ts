/**
 * Cases: a routine and the registers it is called with. Pointers lie around the places where memory ends, in each of the ways it can.
 */
import type { Random } from '../random.ts';

/** A page that is not there, two that are, and one that is `end`. The same addresses in both worlds. */
export interface Area {
  readonly address: bigint;
  readonly end: 'not there' | 'poisoned' | 'read-only';
}

export const PAGE = 0x1000n;
/** Bytes of the two pages. */
export const GOOD = 0x2000;
export const AREAS: readonly Area[] = (['not there', 'poisoned', 'not there', 'read-only'] as const)
  .map((end, index) => ({ end, address: 0x7e00_0000_0000n + BigInt(index) * 0x10_0000n }));
/** First byte of an area's two pages. */
export const goodOf = (area: Area): bigint => area.address + PAGE;
const [HOLE, POISON, TARGET, CONSTANT] = AREAS as [Area, Area, Area, Area];

/** What an area's two pages hold before each case. */
export function contents(area: number): Uint8Array {
  return Uint8Array.from({ length: GOOD }, (_, i) => (i * 37 + (i >> 8) * 11 + area) & 0xff);
}

export interface UserCase {
  readonly routine: string;
  readonly flags: bigint;
  /** In encoding order; rsp is not the case's to say. */
  readonly registers: readonly bigint[];
}

/** As the program reads it, and as it is printed to be run again. */
export function formatCase({ routine, flags, registers }: UserCase): string {
  return [routine, flags.toString(16), ...registers.map((value) => value.toString(16))].join(' ');
}

export function parseCase(text: string): UserCase {
  const [routine, flags, ...registers] = text.trim().split(/\s+/);
  if (routine === undefined || flags === undefined || registers.length !== 16) throw new Error(`not a case: "${text}"; a case is a routine, its flags and 16 registers`);
  const hex = (word: string): bigint => BigInt(`0x${word}`);
  return { routine, flags: hex(flags), registers: registers.map(hex) };
}

const RAX = 0, RCX = 1, RDX = 2, RSP = 4, RSI = 6, RDI = 7;
/** CF PF AF ZF SF OF: what a routine may be called with. */
const FLAGS = 0x8d5n;

/** Addresses at which no program has memory: in no page, or in none there could be. */
function wild(random: Random): bigint {
  return random.pick([BigInt(random.below(64)), 0x8000_0000_0000n + BigInt(random.below(64)), 0xdead_0000_0000_0000n, 0x7fff_ffff_fffcn, 0xffff_ffff_ffff_fff0n]);
}

/** A pointer to `size` bytes of one of `areas`: up to the end, across it, across the beginning, or far from both. */
function pointer(random: Random, areas: readonly Area[], size: number): bigint {
  if (random.chance(4)) return wild(random);
  const good = goodOf(random.pick(areas));
  const end = good + BigInt(GOOD);
  if (random.chance(15)) return good + BigInt(random.below(256));
  if (random.chance(10)) return good - BigInt(1 + random.below(9));
  return end - BigInt(random.below(size + 9));
}

/** Arguments by routine, on top of registers that are anything. */
const ARGUMENTS: Readonly<Record<string, (random: Random, registers: bigint[]) => void>> = {
  copy_mc: copyArguments, copy_words: copyArguments, copy_counting: copyArguments, copy_mc_inline: copyArguments,
  move_words: copyArguments,
  clear_bytes: (random, registers) => {
    const n = random.below(100);
    registers[RCX] = BigInt(n);
    registers[RDI] = pointer(random, [TARGET, CONSTANT], n);
  },
  sum_words: (random, registers) => {
    const words = random.below(16);
    registers[RSI] = BigInt(words);
    registers[RDI] = pointer(random, [HOLE, POISON], 8 * words);
  },
  fold_bytes: (random, registers) => {
    const n = random.below(100);
    registers[RSI] = BigInt(n);
    registers[RDI] = pointer(random, [HOLE, POISON], n);
  },
  // No word of the areas is a selector that exists, nor an address that is canonical.
  load_es: (random, registers) => { registers[RDI] = pointer(random, [HOLE, POISON], 48); },
  return_to: (random, registers) => { registers[RDI] = pointer(random, [HOLE, POISON], 48); },
  // A machine check in a MOV that reads user memory is recoverable for a kernel whatever its entry; a user program has no such rule.
  get_word: (random, registers) => { registers[RDI] = pointer(random, [HOLE, TARGET], 8); },
  divide: (random, registers) => {
    registers[RDI] = random.chance(20) ? 1n << 63n : random.value();
    registers[RSI] = random.chance(40) ? 0n : random.chance(30) ? 0xffff_ffff_ffff_ffffn : random.value();
  },
  undefined_instruction: () => undefined,
  far_selector: () => undefined,
  add_or: (random, registers) => { registers[RDI] = pointer(random, [HOLE, POISON], 8); },
  add_user: (random, registers) => { registers[RDI] = pointer(random, [HOLE, POISON], 8); },
  told: (random, registers) => {
    registers[RDI] = goodOf(TARGET) + BigInt(8 * random.below(64));
    registers[RDX] = pointer(random, [HOLE, POISON], 8);
  },
  refused: (random, registers) => { registers[RDI] = pointer(random, [HOLE], 8); },
  nested: (random, registers) => {
    registers[RDI] = pointer(random, [HOLE], 8);
    registers[RSI] = pointer(random, [HOLE, POISON], 8);
  },
  deep: (random, registers) => { registers[RDI] = pointer(random, [HOLE], 8); },
  registers: (random, registers) => { registers[RDI] = pointer(random, [HOLE, POISON], 8); },
};

function copyArguments(random: Random, registers: bigint[]): void {
  const n = random.chance(5) ? 200 + random.below(100) : random.below(100);
  registers[RDX] = BigInt(n);
  registers[RSI] = random.chance(40) ? goodOf(HOLE) + BigInt(random.below(512)) : pointer(random, [HOLE, POISON], n);
  registers[RDI] = random.chance(60) ? goodOf(TARGET) + BigInt(random.below(512)) : pointer(random, [TARGET, CONSTANT], n);
}

/** One case of `routine`. */
export function randomCase(random: Random, routine: string): UserCase {
  const registers = Array.from({ length: 16 }, () => random.value());
  registers[RAX] = random.chance(50) ? 0n : registers[RAX]!;
  registers[RSP] = 0n;
  ARGUMENTS[routine]!(random, registers);
  return { routine, flags: random.u64() & FLAGS, registers };
}
