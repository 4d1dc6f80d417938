/**
 * Which memory accesses of a routine have an exception-table entry.
 */
import type { Analysis, InstructionSite, Routine } from './analysis.ts';

export interface Coverage {
  readonly covered: readonly InstructionSite[];
  readonly uncovered: readonly InstructionSite[];
}

/** True for an instruction that reads or writes memory somebody handed in: not the stack, the program's own, or a processor's. */
export function accessesData({ instruction }: InstructionSite): boolean {
  return instruction.accesses.some(({ implicit, base, index, segment }) =>
    (!implicit || instruction.repeat !== 'none') && base !== 'rsp' && base !== 'rip' && (base !== undefined || index !== undefined) && segment !== 'gs' && segment !== 'fs');
}

/** The accesses of `routine` by whether they have an entry; other instructions with an entry count as covered. */
export function coverageOf(routine: Routine, { instructions }: Analysis): Coverage {
  const inside = instructions.filter((site) => site.routine === routine);
  return {
    covered: inside.filter(({ entries }) => entries.length > 0),
    uncovered: inside.filter((site) => site.entries.length === 0 && accessesData(site)),
  };
}

/** Routines with at least one entry. */
export function coveredRoutines({ instructions }: Analysis): ReadonlySet<Routine> {
  return new Set(instructions.flatMap(({ entries, routine }) => (entries.length > 0 && routine !== undefined ? [routine] : [])));
}
