/**
 * Every place in a routine that names a register, under any of its names, and whether it is written there.
 */
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { placeOf } from '../indexing/summary.ts';
import type { Mention, Place } from '../indexing/summary.ts';
import { fullRegister } from '../registers.ts';
import { lineOf } from '../ranges.ts';

/** What all names of a register have in common; its own name for one that is no general register. */
function familyOf(name: string): string {
  const lower = name.toLowerCase();
  return fullRegister(lower)?.full ?? lower.replace(/^[yz]mm/, 'xmm');
}

/** Places of the register in the routine that holds `line` (1-based) of the file; in the line alone outside of routines. `definition` marks writes. */
export function registerPlaces(analysis: Analysis, name: string, line: number): readonly Mention[] {
  const family = familyOf(name);
  const routine = analysis.instructionsOnLine(line).find((site) => site.routine !== undefined)?.routine;
  const sites = routine === undefined ? analysis.instructionsOnLine(line) : analysis.instructions.filter((site) => site.routine === routine);
  const found = new Map<string, Mention>();
  for (const site of sites) {
    const { start, endColumn } = site.statement.range;
    const add = (place: Place): void => {
      found.set(`${String(place.line)}:${String(place.column)}`, { ...place, role: isWritten(site, family, place.column) ? 'definition' : 'reference', spelled: true });
    };
    if (start.expansion !== undefined) {
      // Of what a macro makes, the arguments stand in the routine.
      for (const operand of site.statement.operands) {
        if (operand.kind === 'register' && familyOf(operand.name) === family && operand.range.start.expansion === undefined && operand.range.start.file === analysis.file) add(placeOf(operand.range));
      }
      continue;
    }
    if (start.file !== analysis.file) continue;
    for (const match of lineOf(analysis.text, start.line).slice(0, endColumn - 1).matchAll(/%(st\(\d\)|\w+)/g)) {
      const column = match.index + 1;
      if (column < start.column || familyOf(match[1]!) !== family) continue;
      add({ file: analysis.file, line: start.line, column, endColumn: column + match[0].length });
    }
  }
  return [...found.values()];
}

function isWritten({ statement, instruction }: InstructionSite, family: string, column: number): boolean {
  if (!instruction.registersWritten.some((written) => familyOf(written) === family)) return false;
  const last = statement.operands.at(-1);
  if (last?.kind !== 'register') return false;
  if (last.range.start.column === column) return true;
  // `xchg` and its like write both.
  const [first] = statement.operands;
  return first?.kind === 'register' && first.range.start.column === column && /^(?:xchg|xadd|cmpxchg)/.test(instruction.mnemonic);
}
