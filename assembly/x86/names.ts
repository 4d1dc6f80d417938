/**
 * Names of registers and flags as AT&T text and reports use them.
 */
import { Register, RegisterExt, RflagsBits } from 'iced-x86';

/** The full register a register is part of: `rax` for `ah`, `xmm3` for `ymm3`; lower case, no `%`. */
export function fullRegisterName(register: Register): string {
  const full = (Register[RegisterExt.fullRegister(register)] ?? '').toLowerCase();
  return full.startsWith('zmm') ? `xmm${full.slice(3)}` : full;
}

/** The register's own AT&T name without `%`. */
export function registerName(register: Register): string {
  const name = (Register[register] ?? '').toLowerCase();
  return /^r\d+l$/.test(name) ? `${name.slice(0, -1)}b` : name;
}

const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [RflagsBits.OF, 'O'], [RflagsBits.SF, 'S'], [RflagsBits.ZF, 'Z'], [RflagsBits.AF, 'A'], [RflagsBits.PF, 'P'], [RflagsBits.CF, 'C'],
  [RflagsBits.DF, 'D'], [RflagsBits.IF, 'I'], [RflagsBits.AC, 'a'],
];

/** Letters of the flags in an iced `RflagsBits` mask. */
export function flagLetters(mask: number): string {
  return FLAG_LETTERS.filter(([bit]) => (mask & bit) !== 0).map(([, letter]) => letter).join('');
}
