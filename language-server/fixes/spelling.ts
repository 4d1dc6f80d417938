/**
 * Words in the place of an instruction that are none: the one that was meant, or the header of a macro.
 */
import { mostSimilar, similarMnemonic } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import { includeEdit } from '../editing/include-edit.ts';
import { kernelMacros } from '../facts/kernel-macros.ts';
import { lineOf } from '../ranges.ts';
import type { Fix, Fixer } from './fix.ts';
import { insert, isPlain, replace } from './text.ts';

export const spellingFixes: Fixer = {
  codes: ['unknown-mnemonic', 'undefined-macro', 'unknown-directive'],
  fixes({ code, range }, analysis): readonly Fix[] {
    if (!isPlain(analysis, range)) return [];
    const { line, column } = range.start;
    const rest = lineOf(analysis.text, line).slice(column - 1);
    const lead = /^(?:(?:rep\w*|lock|notrack|bnd)\s+)*/i.exec(rest)![0].length;
    const word = /^[\w.]+/.exec(rest.slice(lead))?.[0];
    if (word === undefined) return [];
    const header = kernelMacros(analysis.generation.id).get(word)?.header;
    const fixes: Fix[] = [];
    if (header !== undefined && !analysis.unit.includes.some(({ resolved }) => resolved?.endsWith(`/${header}`) === true)) {
      const edit = includeEdit(analysis, header);
      fixes.push({ title: `Include <${header}>`, edits: [insert(edit.range.start.line + 1, 1, edit.newText)], preferred: true });
    }
    const macros = analysis.unit.macros.map(({ name }) => name).filter((name) => name.length > 2);
    const similar = mostSimilar(word, macros) ?? (code === 'unknown-mnemonic' ? similarMnemonic(word.toLowerCase()) : undefined);
    if (similar !== undefined) fixes.push({ title: `Change it to ${similar}`, edits: [replace(line, column + lead, column + lead + word.length, similar)] });
    return fixes;
  },
};
