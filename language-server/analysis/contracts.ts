/**
 * `mcsafe: contract KIND KEY=REGISTER …` comments, as far as the checks need them: what each routine promises.
 */
import { writtenPosition } from '../../assembly/source.ts';
import { fullRegister } from '../registers.ts';
import type { Analysis, Routine } from './analysis.ts';

export interface Contract {
  readonly kind: string;
  /** 64-bit registers by role: `dst`, `src`, `n`, `returns`. */
  readonly registers: ReadonlyMap<string, string>;
}

/** The contract written in front of a routine; undefined if there is none. */
export function contractOf(analysis: Analysis, routine: Routine): Contract | undefined {
  const { file, line } = writtenPosition(routine.range.start);
  const before = analysis.routines.map((other) => writtenPosition(other.range.start)).filter((place) => place.file === file && place.line < line).map((place) => place.line);
  const from = Math.max(0, ...before);
  const directive = analysis.directives.findLast(({ text, range }) => /^contract\b/.test(text) && range.start.file === file && range.start.line > from && range.start.line <= line);
  if (directive === undefined) return undefined;
  const [, kind = '', ...pairs] = directive.text.split(/\s+/);
  const registers = new Map<string, string>();
  for (const pair of pairs) {
    const [key, value] = pair.split('=');
    const register = fullRegister((value ?? '').replace(/^%/, ''));
    if (key !== undefined && register !== undefined) registers.set(key, register.full);
  }
  return { kind, registers };
}
