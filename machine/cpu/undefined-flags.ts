/**
 * Flags that each vendor's manual leaves undefined, and what processors do with them. The emulator has to choose something; where it claims to do
 * what a vendor's processors do, the oracle compares the flag on a host of that vendor, and everywhere else it leaves it out.
 *
 * Sources: the instructions' flag tables in Intel SDM 2 and AMD APM 3 say which are undefined (as iced-x86 does); the AMD column was measured
 * on processors of families 19h (Zen 3) and 1Ah (Zen 5).
 */
import type { CpuProfile } from './cpu.ts';
import { FLAG } from './cpu.ts';

export interface UndefinedFlags {
  /** iced-x86 mnemonics in lower case. */
  readonly mnemonics: readonly string[];
  /** What the emulator does, in words. */
  readonly behaviour: string;
  /** RFLAGS bits that the vendor's manual leaves undefined: Intel SDM 2, AMD APM 3. */
  readonly undefined: Readonly<Record<CpuProfile['vendor'], number>>;
  /** RFLAGS bits in which the emulator does what this vendor's processors do. */
  readonly claims: Readonly<Partial<Record<CpuProfile['vendor'], number>>>;
  /** The first processor family of which the claim is true, where older ones do otherwise. */
  readonly sinceFamily?: number;
}

const { CF, PF, AF, ZF, SF, OF } = FLAG;

const both = (bits: number): UndefinedFlags['undefined'] => ({ intel: bits, amd: bits });

export const UNDEFINED_FLAGS: readonly UndefinedFlags[] = [
  { mnemonics: ['and', 'or', 'xor', 'test'], behaviour: 'AF clear', undefined: both(AF), claims: { amd: AF } },
  { mnemonics: ['andn', 'blsi', 'blsmsk', 'blsr', 'bzhi'], behaviour: 'AF clear, PF by the result', undefined: both(AF | PF), claims: { amd: AF | PF } },
  { mnemonics: ['bextr'], behaviour: 'AF set, SF clear, PF by the result', undefined: both(AF | SF | PF), claims: { amd: AF | SF | PF } },
  { mnemonics: ['mul', 'imul'], behaviour: 'SF ZF AF PF unchanged', undefined: both(SF | ZF | AF | PF), claims: { amd: SF | ZF | AF | PF } },
  { mnemonics: ['div', 'idiv'], behaviour: 'CF OF unchanged, AF set, SF ZF PF clear', undefined: both(CF | OF | AF | SF | ZF | PF), claims: { amd: CF | OF | AF | SF | ZF | PF } },
  { mnemonics: ['shl', 'sal', 'shr', 'sar'], behaviour: 'AF set, OF by the formula for a count of one', undefined: both(AF | OF), claims: { amd: AF | OF } },
  { mnemonics: ['rol', 'ror', 'rcl', 'rcr'], behaviour: 'OF by the formula for a count of one', undefined: both(OF), claims: { amd: OF } },
  { mnemonics: ['shld', 'shrd'], behaviour: 'AF set, OF by the formula for a count of one', undefined: both(AF | OF), claims: { amd: AF | OF } },
  { mnemonics: ['bt', 'bts', 'btr', 'btc'], behaviour: 'OF SF AF PF unchanged', undefined: both(OF | SF | AF | PF), claims: { amd: OF | SF | AF | PF } },
  { mnemonics: ['bsf', 'bsr'], behaviour: 'CF OF SF AF clear, PF by the result', undefined: both(CF | OF | SF | AF | PF), claims: { amd: CF | OF | SF | AF | PF }, sinceFamily: 0x1a },
  { mnemonics: ['tzcnt', 'lzcnt'], behaviour: 'OF unchanged, SF AF PF clear', undefined: both(OF | SF | AF | PF), claims: { amd: OF | SF | AF | PF } },
];

const rows = new Map(UNDEFINED_FLAGS.flatMap((row) => row.mnemonics.map((mnemonic) => [mnemonic, row] as const)));

/** RFLAGS bits that `vendor`'s manual leaves undefined after some execution of `mnemonic`; undefined for one that is not in the table. */
export function undefinedFlagsOf(mnemonic: string, vendor: CpuProfile['vendor']): number | undefined {
  return rows.get(mnemonic)?.undefined[vendor];
}

/** RFLAGS bits in which the emulator claims to follow `vendor`'s processors of a family (CPUID leaf 1) although the manual leaves them undefined. */
export function claimedFlags(mnemonic: string, vendor: CpuProfile['vendor'], family: number): number {
  const row = rows.get(mnemonic);
  return row === undefined || family < (row.sinceFamily ?? 0) ? 0 : row.claims[vendor] ?? 0;
}
