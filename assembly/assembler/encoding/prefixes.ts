/**
 * Instruction prefixes: which are written, which iced made, and the order in which GNU as puts them.
 */
import { EncodeError } from './encode-error.ts';

/** Prefix groups in the order of their bytes: wait, segment, address size, operand size, repeat, lock, REX (gas `tc-i386.c` measured). */
const GROUPS = ['wait', 'segment', 'address', 'operand', 'repeat', 'lock'] as const;
type Group = (typeof GROUPS)[number];

const GROUP_OF: Readonly<Record<number, Group>> = {
  0x9b: 'wait', 0x26: 'segment', 0x2e: 'segment', 0x36: 'segment', 0x3e: 'segment', 0x64: 'segment', 0x65: 'segment',
  0x67: 'address', 0x66: 'operand', 0xf2: 'repeat', 0xf3: 'repeat', 0xf0: 'lock',
};

const BYTES: Readonly<Record<string, number>> = {
  es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65, notrack: 0x3e,
  lock: 0xf0, rep: 0xf3, repe: 0xf3, repz: 0xf3, repne: 0xf2, repnz: 0xf2, bnd: 0xf2, xacquire: 0xf2, xrelease: 0xf3,
};

/** Size overrides and the code size they make no sense in. */
const SIZE_PREFIXES: Readonly<Record<string, { readonly byte: number; readonly notIn: readonly number[] }>> = {
  data16: { byte: 0x66, notIn: [16] }, data32: { byte: 0x66, notIn: [32, 64] },
  addr16: { byte: 0x67, notIn: [16, 64] }, addr32: { byte: 0x67, notIn: [32] },
};

/** The prefixes of one statement. */
export interface WrittenPrefixes {
  /** As bytes, one a group at most, REX apart. */
  readonly bytes: readonly number[];
  /** REX bits that were asked for (0x40 .. 0x4f), 0 for none. */
  readonly rex: number;
  /** gas's pseudo prefixes, without braces. */
  readonly pseudo: ReadonlySet<string>;
  /** The names as written, without pseudo prefixes. */
  readonly names: readonly string[];
}

/** The byte of prefix `name` in `bits`-bit code, or undefined if it is none. `rex` prefixes give 0x40 and up. */
export function prefixByte(name: string, bits: 16 | 32 | 64): number | undefined {
  // In 64-bit code these two do nothing, and gas refuses to write them.
  if (bits === 64 && (name === 'es' || name === 'ss')) return undefined;
  const plain = Object.hasOwn(BYTES, name) ? BYTES[name] : undefined;
  if (plain !== undefined) return plain;
  const sized = Object.hasOwn(SIZE_PREFIXES, name) ? SIZE_PREFIXES[name] : undefined;
  if (sized !== undefined) return sized.notIn.includes(bits) ? undefined : sized.byte;
  return bits === 64 ? rexByte(name) : undefined;
}

function rexByte(name: string): number | undefined {
  const found = /^rex(?:\.(w?r?x?b?)|(64)?(x?)(y?)(z?))?$/.exec(name);
  if (found === null || name === 'rex.') return undefined;
  // The old names: x, y and z extend the register, the index and the base.
  const [, modern, wide, x, y, z] = found;
  const letters = modern ?? [wide && 'w', x && 'r', y && 'x', z && 'b'].join('');
  return 0x40 | (letters.includes('w') ? 8 : 0) | (letters.includes('r') ? 4 : 0) | (letters.includes('x') ? 2 : 0) | (letters.includes('b') ? 1 : 0);
}

/** Reads the prefixes of a statement. Throws {@link EncodeError} for one that is unknown or given twice. */
export function readPrefixes(names: readonly string[], bits: 16 | 32 | 64): WrittenPrefixes {
  const bytes: number[] = [];
  const pseudo = new Set<string>();
  const real: string[] = [];
  let rex = 0;
  for (const name of names) {
    if (name.startsWith('{')) {
      pseudo.add(name.slice(1, -1).trim());
      continue;
    }
    const byte = prefixByte(name, bits);
    if (byte === undefined) throw new EncodeError('bad-prefix', `there is no prefix \`${name}\` in ${String(bits)}-bit code`);
    real.push(name);
    if (byte >= 0x40 && byte <= 0x4f) {
      if (rex !== 0) throw new EncodeError('bad-prefix', 'two REX prefixes in one instruction');
      rex = byte;
      continue;
    }
    if (bytes.some((other) => GROUP_OF[other] === GROUP_OF[byte])) throw new EncodeError('bad-prefix', `\`${name}\` repeats a prefix of the same group`);
    bytes.push(byte);
  }
  return { bytes, rex, pseudo, names: real };
}

/** VIA's cryptography repeats always, and may be written with the prefix. */
function repeatsItself(code: Uint8Array, at: number): boolean {
  return code[at] === 0x0f && (code[at + 1] === 0xa6 || code[at + 1] === 0xa7);
}

/**
 * `code` as iced encoded it with the written prefixes joined in, in gas's order; `shift` tells by how many bytes it grew.
 */
export function joinPrefixes(code: Uint8Array, written: WrittenPrefixes, bits: 16 | 32 | 64): { bytes: Uint8Array; shift: number } {
  let oldHead = 0;
  const slots = new Map<Group, number>();
  while (oldHead < code.length - 1) {
    const byte = code[oldHead] ?? 0;
    const group = GROUP_OF[byte];
    // 9b is an opcode of its own everywhere but in front of the waiting x87 instructions.
    if (group === undefined || (group === 'wait' && oldHead > 0)) break;
    slots.set(group, byte);
    oldHead++;
  }
  for (const byte of written.bytes) {
    const group = GROUP_OF[byte] ?? 'lock';
    const present = slots.get(group);
    // A prefix that the operands need anyway may be written too.
    if (present !== undefined && group !== 'address' && !((group === 'segment' || repeatsItself(code, oldHead)) && present === byte)) throw new EncodeError('bad-prefix', 'two prefixes of the same group in one instruction');
    slots.set(group, byte);
  }
  const head = GROUPS.flatMap((group) => slots.get(group) ?? []);
  let rest = code.subarray(oldHead);
  const first = rest[0] ?? 0;
  const present = bits === 64 && (first & 0xf0) === 0x40;
  if (written.pseudo.has('rex') && bits === 64 && !present && written.rex === 0) rest = Uint8Array.of(0x40, ...rest);
  if (written.rex !== 0) {
    if (present && ((first & written.rex & 0x0f) !== 0)) throw new EncodeError('bad-prefix', 'the REX prefix repeats a bit that the operands need');
    rest = present ? Uint8Array.of(first | written.rex, ...rest.subarray(1)) : Uint8Array.of(written.rex, ...rest);
  }
  const bytes = new Uint8Array(head.length + rest.length);
  bytes.set(head);
  bytes.set(rest, head.length);
  return { bytes, shift: bytes.length - code.length };
}
