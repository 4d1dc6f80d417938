/**
 * Relocations into bytes, by the formulas of the x86-64 psABI 4.4.1; a value that does not fit is named, not cut.
 */
import { R_X86_64 } from '../object.ts';

type Check = 'none' | 'signed' | 'unsigned' | 'either';

interface Rule {
  readonly width: 1 | 2 | 4 | 8;
  readonly check: Check;
  /** S symbol, A addend, P place, G the symbol's GOT slot, O the GOT, Z the symbol's size. */
  readonly value: (parts: RelocationParts) => bigint;
}

export interface RelocationParts {
  readonly S: bigint;
  readonly A: bigint;
  readonly P: bigint;
  /** Address of the symbol's slot in the global offset table. */
  readonly G: bigint;
  /** Address of the table. */
  readonly O: bigint;
  readonly Z: bigint;
}

const absolute = ({ S, A }: RelocationParts): bigint => S + A;
const relative = ({ S, A, P }: RelocationParts): bigint => S + A - P;
const slot = ({ G, A, P }: RelocationParts): bigint => G + A - P;

const RULES: Readonly<Record<number, Rule>> = {
  [R_X86_64['64']]: { width: 8, check: 'none', value: absolute },
  [R_X86_64.PC64]: { width: 8, check: 'none', value: relative },
  [R_X86_64['32']]: { width: 4, check: 'unsigned', value: absolute },
  [R_X86_64['32S']]: { width: 4, check: 'signed', value: absolute },
  [R_X86_64['16']]: { width: 2, check: 'either', value: absolute },
  [R_X86_64['8']]: { width: 1, check: 'either', value: absolute },
  [R_X86_64.PC32]: { width: 4, check: 'signed', value: relative },
  // Every target is reached directly: there are no shared libraries to jump to.
  [R_X86_64.PLT32]: { width: 4, check: 'signed', value: relative },
  [R_X86_64.PC16]: { width: 2, check: 'signed', value: relative },
  [R_X86_64.PC8]: { width: 1, check: 'signed', value: relative },
  [R_X86_64.GOTPCREL]: { width: 4, check: 'signed', value: slot },
  [R_X86_64.GOTPCRELX]: { width: 4, check: 'signed', value: slot },
  [R_X86_64.REX_GOTPCRELX]: { width: 4, check: 'signed', value: slot },
  [R_X86_64.GOT32]: { width: 4, check: 'signed', value: ({ G, A, O }) => G + A - O },
  [R_X86_64.GOTPC32]: { width: 4, check: 'signed', value: ({ O, A, P }) => O + A - P },
  [R_X86_64.GOTOFF64]: { width: 8, check: 'none', value: ({ S, A, O }) => S + A - O },
  [R_X86_64.SIZE32]: { width: 4, check: 'unsigned', value: ({ Z, A }) => Z + A },
  [R_X86_64.SIZE64]: { width: 8, check: 'none', value: ({ Z, A }) => Z + A },
};

const NEEDS_SLOT: readonly number[] = [R_X86_64.GOTPCREL, R_X86_64.GOTPCRELX, R_X86_64.REX_GOTPCRELX, R_X86_64.GOT32];

/** Whether a relocation of `type` goes through the global offset table. */
export function needsSlot(type: number): boolean {
  return NEEDS_SLOT.includes(type);
}

export type RelocationOutcome = 'done' | 'unsupported' | { readonly overflow: bigint; readonly bits: number; readonly signed: boolean };

/** Writes one relocation at `offset` of `bytes`. Nothing is written unless the outcome is `done`. */
export function applyRelocation(bytes: DataView, offset: number, type: number, parts: RelocationParts): RelocationOutcome {
  if (type === R_X86_64.NONE) return 'done';
  const rule = RULES[type];
  if (rule === undefined) return 'unsupported';
  // Addresses wrap at 64 bits, so a difference is the shorter way round.
  const value = BigInt.asIntN(64, rule.value(parts));
  const bits = rule.width * 8;
  if (!fits(value, bits, rule.check)) return { overflow: value, bits, signed: rule.check === 'signed' };
  switch (rule.width) {
    case 8: bytes.setBigInt64(offset, value, true); break;
    case 4: bytes.setInt32(offset, Number(BigInt.asIntN(32, value)), true); break;
    case 2: bytes.setInt16(offset, Number(BigInt.asIntN(16, value)), true); break;
    case 1: bytes.setInt8(offset, Number(BigInt.asIntN(8, value))); break;
  }
  return 'done';
}

function fits(value: bigint, bits: number, check: Check): boolean {
  const signed = BigInt.asIntN(bits, value) === value;
  const unsigned = BigInt.asUintN(bits, value) === value;
  switch (check) {
    case 'none': return true;
    case 'signed': return signed;
    case 'unsigned': return unsigned;
    case 'either': return signed || unsigned;
  }
}
