/**
 * A landing pad in another function: almost always a numeric label that was taken for one nearer by, or a name that was copied along.
 * Landing pads that several functions share stand outside of functions, or are named by functions in front of and behind their own.
 */
import type { Analysis, EntrySite, ObjectPlace, Routine } from '../analysis/analysis.ts';
import type { Check, Finding } from './check.ts';

export const fixupInOtherFunction: Check = {
  codes: ['fixup-in-other-function'],
  severity: 'warning',
  run(analysis) {
    return analysis.entries.flatMap((entry): readonly Finding[] => {
      if (entry.insn === undefined || entry.fixup === undefined || entry.isDescriptor) return [];
      const own = functionAt(analysis, entry.insn);
      const other = functionAt(analysis, entry.fixup);
      if (own === undefined || other === undefined || own === other) return [];
      // A branch of its own, or a global name, shows that the place is shared on purpose.
      if (!isLocalName(entry.fixupName) || !belongsTo(analysis, entry, other)) return [];
      return [{
        code: 'fixup-in-other-function',
        message: `the landing pad ${entry.fixupName} of ${entry.insnName}, which is in ${own.name}, is in ${other.name}: is it meant to be another label?`,
        range: entry.range,
        related: analysis.labels.at(entry.fixup).slice(0, 1).map(({ range }) => ({ message: 'the landing pad', range })),
      }];
    });
  },
};

function functionAt(analysis: Analysis, place: ObjectPlace): Routine | undefined {
  return analysis.routines.find((one) => one.isFunction && one.sized && one.section === place.section && one.start <= place.offset && place.offset < one.end);
}

function isLocalName(name: string): boolean {
  return /^(\.L|\d)/.test(name);
}

/** The landing pad is that of an entry of its own function too, and of no third one's. */
function belongsTo(analysis: Analysis, entry: EntrySite, other: Routine): boolean {
  if (/^\d/.test(entry.fixupName)) return true;
  const users = new Set(analysis.entries
    .filter(({ fixup }) => fixup?.section === entry.fixup!.section && fixup.offset === entry.fixup!.offset)
    .map(({ insn }) => (insn === undefined ? undefined : functionAt(analysis, insn))));
  return users.has(other) && users.size === 2 && analysis.entries.filter(({ fixup, insn }) => fixup?.offset === entry.fixup!.offset && insn !== undefined && functionAt(analysis, insn) !== other).length === 1;
}
