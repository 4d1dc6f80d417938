/**
 * What is missing in front of a return: sfence, clac, cld. None of them does harm where it is not needed.
 */
import type { Fixer } from './fix.ts';
import { insertBefore } from './text.ts';

const MISSING: Readonly<Record<string, string>> = { 'missing-sfence': 'sfence', 'ac-set-at-return': 'clac', 'df-set-at-return': 'cld' };

export const exitFixes: Fixer = {
  codes: Object.keys(MISSING),
  fixes({ code, range }, analysis) {
    const instruction = MISSING[code]!;
    // The kernel's macro is patched out on CPUs without SMAP, and a source that opens by it closes by it.
    const statement = instruction === 'clac' && /\bASM_STAC\b/.test(analysis.text) ? 'ASM_CLAC' : instruction;
    const edit = insertBefore(analysis, range, statement);
    return edit === undefined ? [] : [{ title: `Add the missing ${statement}`, edits: [edit], safe: true, preferred: true }];
  },
};
