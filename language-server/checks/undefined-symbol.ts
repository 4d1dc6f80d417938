/**
 * A `.L` symbol that is used and not defined. The assembler leaves it to the linker, but no other file can have it.
 * Numeric labels are the reader's: it refuses them as GNU as does.
 */
import { visitOccurrences } from '../analysis/occurrences.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { mostSimilar } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import type { FileCheck, Finding } from './check.ts';

export const undefinedSymbol: FileCheck = {
  codes: ['undefined-symbol'],
  severity: 'error',
  always: true,
  run(analysis): readonly Finding[] {
    const undefinedNames = new Set(analysis.object.symbols.filter(({ section, name }) => section === 'undefined' && name.startsWith('.L')).map(({ name }) => name));
    if (undefinedNames.size === 0 || !isComplete(analysis)) return [];
    for (const entry of analysis.entries) {
      // These have a finding of their own, at the entry.
      if (entry.fixup === undefined) undefinedNames.delete(entry.fixupName);
      if (entry.insn === undefined) undefinedNames.delete(entry.insnName);
    }
    const known = analysis.labels.all.map(({ name }) => name).filter((name) => name.startsWith('.L'));
    const found = new Map<string, Finding>();
    visitOccurrences(analysis.unit, (name, range) => {
      if (!undefinedNames.has(name) || found.has(name)) return;
      const similar = mostSimilar(name, known);
      found.set(name, { code: 'undefined-symbol', range, message: `${name} is not defined, and no other file can define it${similar === undefined ? '' : `; did you mean ${similar}?`}` });
    });
    return [...found.values()];
  },
};

/** True if everything there is was read: what is missing may define the symbol. */
function isComplete({ unit, problems }: Analysis): boolean {
  return unit.includes.every(({ resolved }) => resolved !== undefined)
    && !problems.some(({ code }) => ['syntax', 'undefined-macro', 'unknown-mnemonic', 'expansion-limit', 'include-not-found', 'macro-argument', 'unbalanced-conditional'].includes(code));
}
