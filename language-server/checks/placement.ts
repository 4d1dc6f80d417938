/**
 * Entries whose fault site or landing pad is no code, or lies inside an instruction.
 */
import type { Analysis, EntrySite, ObjectPlace } from '../analysis/analysis.ts';
import { SHF } from '../../assembly/elf/object.ts';
import { firstIndex } from '../analysis/first-index.ts';
import { EX_TYPE } from '../../fault-model/handler-types.ts';
import type { FileCheck, Finding } from './check.ts';

/** The second word of these is no landing pad; 22 is EX_TYPE_FUNC_REWIND of newer kernels. */
const NO_LANDING_PAD: readonly number[] = [EX_TYPE.BPF, 22];

export const placement: FileCheck = {
  codes: ['fixup-not-executable', 'site-not-executable', 'fixup-inside-instruction', 'site-inside-instruction'],
  severity: 'error',
  run(analysis) {
    return analysis.entries.flatMap((entry): readonly Finding[] => [
      ...place(analysis, entry, entry.insn, { what: 'the fault site', name: entry.insnName, code: 'site' }),
      ...(entry.isDescriptor || (entry.layout === 'data' && NO_LANDING_PAD.includes(entry.type)) ? [] : place(analysis, entry, entry.fixup, { what: 'the landing pad', name: entry.fixupName, code: 'fixup' })),
    ]);
  },
};

function place(analysis: Analysis, entry: EntrySite, where: ObjectPlace | undefined, { what, name, code }: { readonly what: string; readonly name: string; readonly code: string }): readonly Finding[] {
  if (where === undefined) return [];
  const section = analysis.object.sections[where.section];
  const label = analysis.labels.at(where)[0];
  const related = label === undefined ? [] : [{ message: name, range: label.range }];
  if (section === undefined || (section.flags & SHF.EXECINSTR) === 0) {
    return [{ code: `${code}-not-executable`, message: `${what} ${name} lies in ${section?.name ?? 'no section'}, which is not executable`, range: entry.range, related }];
  }
  const { instructions } = analysis;
  const around = instructions[firstIndex(instructions, (site) => site.section > where.section || (site.section === where.section && site.offset >= where.offset)) - 1];
  if (around?.section !== where.section || analysis.instructionAt(where) !== undefined || where.offset >= around.offset + around.instruction.length) return [];
  return [{
    code: `${code}-inside-instruction`, message: `${what} ${name} lies inside an instruction, \`${around.instruction.text}\``, range: entry.range,
    related: [...related, { message: 'the instruction', range: around.statement.range }],
  }];
}
