/**
 * What each routine promises, as far as the checks need it: `mcsafe: contract KIND KEY=REGISTER …` comments, else the kernel's names.
 */
import { knownRoutine } from '../../fault-model/known-routines.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { fullRegister } from '../registers.ts';
import type { Analysis, Routine } from './analysis.ts';

export interface Contract {
  readonly kind: string;
  /** 64-bit registers by role: `dst`, `src`, `n`, `returns`. */
  readonly registers: ReadonlyMap<string, string>;
}

/** The contract written in front of a routine, else the one that goes with its name; undefined if nobody knows. */
export function contractOf(analysis: Analysis, routine: Routine): Contract | undefined {
  const { file, line } = writtenPosition(routine.range.start);
  const before = analysis.routines.map((other) => writtenPosition(other.range.start)).filter((place) => place.file === file && place.line < line).map((place) => place.line);
  const from = Math.max(0, ...before);
  const directive = analysis.directives.findLast(({ text, range }) => /^contract\b/.test(text) && range.start.file === file && range.start.line > from && range.start.line <= line);
  if (directive === undefined) return contractOfName(routine.name);
  const [, kind = '', ...pairs] = directive.text.split(/\s+/);
  const registers = new Map<string, string>();
  for (const pair of pairs) {
    const [key, value] = pair.split('=');
    const register = fullRegister((value ?? '').replace(/^%/, ''));
    // `n=edx`: the length is a 32-bit number, and there is nothing to lose.
    if (key !== undefined && register !== undefined && !(key === 'n' && register.bits < 64)) registers.set(key, register.full);
  }
  return { kind, registers };
}

function contractOfName(name: string): Contract | undefined {
  const known = knownRoutine(name);
  if (known === undefined) return undefined;
  // How wide the length is depends on the prototype, which differs between kernels: only a comment can say it.
  const registers = Object.entries({ ...known.arguments, returns: known.returns }).filter(([role]) => role !== 'n');
  return { kind: known.kind, registers: new Map(registers) };
}
