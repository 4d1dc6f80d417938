/**
 * A landing pad in another function: almost always a numeric label that was taken for one nearer by, or a name that was copied along.
 * Landing pads that several functions share stand outside of functions, or are named by functions in front of and behind their own.
 */
import { placeKey } from '../analysis/analysis.ts';
import type { Analysis, EntrySite, ObjectPlace, Routine } from '../analysis/analysis.ts';
import { firstIndex } from '../analysis/first-index.ts';
import { pushTo } from '../analysis/multimap.ts';
import type { FileCheck, Finding } from './check.ts';

export const fixupInOtherFunction: FileCheck = {
  codes: ['fixup-in-other-function'],
  severity: 'warning',
  run(analysis) {
    const functions = new Functions(analysis);
    const byPad = new Map<string, EntrySite[]>();
    for (const entry of analysis.entries) if (entry.fixup !== undefined) pushTo(byPad, placeKey(entry.fixup), entry);
    return analysis.entries.flatMap((entry): readonly Finding[] => {
      if (entry.insn === undefined || entry.fixup === undefined || entry.isDescriptor) return [];
      const own = functions.at(entry.insn);
      const other = functions.at(entry.fixup);
      if (own === undefined || other === undefined || own === other) return [];
      // A branch of its own, or a global name, shows that the place is shared on purpose.
      if (!isLocalName(entry.fixupName) || !belongsTo(other, entry, byPad.get(placeKey(entry.fixup))!, functions)) return [];
      return [{
        code: 'fixup-in-other-function',
        message: `the landing pad ${entry.fixupName} of ${entry.insnName}, which is in ${own.name}, is in ${other.name}: is it meant to be another label?`,
        range: entry.range,
        related: analysis.labels.at(entry.fixup).slice(0, 1).map(({ range }) => ({ message: 'the landing pad', range })),
      }];
    });
  },
};

/** The functions of a file whose end is known, to find the one at a place. */
class Functions {
  readonly #sections = new Map<number, { readonly routine: Routine; /** The farthest end of it and those in front of it. */ readonly reach: number }[]>();

  /** Routines come in the order of their places. */
  constructor({ routines }: Analysis) {
    for (const routine of routines) {
      if (!routine.isFunction || !routine.sized) continue;
      pushTo(this.#sections, routine.section, { routine, reach: Math.max(routine.end, this.#sections.get(routine.section)?.at(-1)?.reach ?? 0) });
    }
  }

  /** The outermost function over a place. */
  at({ section, offset }: ObjectPlace): Routine | undefined {
    const list = this.#sections.get(section) ?? [];
    const routine = list[firstIndex(list, ({ reach }) => reach > offset)]?.routine;
    return routine === undefined || routine.start > offset ? undefined : routine;
  }
}

function isLocalName(name: string): boolean {
  return /^(\.L|\d)/.test(name);
}

/** The landing pad is that of an entry of its own function too, and of no third one's. `entries`: those with the same landing pad. */
function belongsTo(other: Routine, { fixupName }: EntrySite, entries: readonly EntrySite[], functions: Functions): boolean {
  if (/^\d/.test(fixupName)) return true;
  const users = entries.map(({ insn }) => (insn === undefined ? undefined : functions.at(insn)));
  return users.includes(other) && new Set(users).size === 2 && entries.filter(({ insn }, index) => insn !== undefined && users[index] !== other).length === 1;
}
