/**
 * The first entry of a routine: a label on the access, a landing pad at the routine's end that returns -EFAULT, and the entry, by the macro
 * that the kernel has for it.
 */
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { includeEdit } from '../editing/include-edit.ts';
import { kernelMacros } from '../facts/kernel-macros.ts';
import type { Fix } from './fix.ts';
import { freeName } from './entries.ts';
import { indentOf, insert, insertAfter, insertBefore, isPlain } from './text.ts';

/** What ends a routine so that nothing falls into what follows. */
const ENDS: readonly string[] = ['return', 'jump', 'indirect-jump', 'exception'];

/** Undefined where the routine has entries to go by, or no end to put a landing pad at. */
export function coverAnew(site: InstructionSite, analysis: Analysis): Fix | undefined {
  const { routine } = site;
  if (routine === undefined || !isPlain(analysis, site.statement.range) || analysis.instructions.some((other) => other.routine === routine && other.entries.length > 0)) return undefined;
  const inside = analysis.instructions.filter((other) => other.routine === routine);
  if (!ENDS.includes(inside.at(-1)!.instruction.flow)) return undefined;
  const macros = kernelMacros(analysis.generation.id);
  const macro = macros.has('_ASM_EXTABLE_UA') ? '_ASM_EXTABLE_UA' : '_ASM_EXTABLE';
  const existing = analysis.labels.at(site).find(({ written }) => !/^\d/.test(written) && written !== routine.name)?.written;
  const access = existing ?? freeName(analysis, site);
  const pad = freePad(analysis, routine.name);
  // The text is asked: the kernel's macros are NOPs until they are patched.
  const above = analysis.text.split('\n').slice(routine.range.start.line, site.statement.range.start.line - 1).join('\n');
  const opened = /^(ASM_)?STAC$/i.test([...above.matchAll(/\b(?:ASM_)?(?:STAC|CLAC)\b/gi)].at(-1)?.[0] ?? '');
  const defines = (name: string): boolean => analysis.unit.macros.some((one) => one.name === name);
  const indent = indentOf(analysis.text, site.statement.range.start.line);
  const lines = [
    `${pad}:`,
    ...(opened ? [`${indent}${defines('ASM_CLAC') ? 'ASM_CLAC' : 'clac'}`] : []),
    `${indent}movq $-14, %rax`, `${indent}${defines('RET') ? 'RET' : 'ret'}`, `${indent}${macro}(${access}, ${pad})`,
  ];
  const added = insertAfter(analysis, routine.lastLine, lines.join('\n'));
  const label = existing === undefined ? insertBefore(analysis, site.statement.range, '') : undefined;
  if (added === undefined || (existing === undefined && label === undefined)) return undefined;
  const header = defines(macro) ? undefined : macros.get(macro)?.header;
  const include = header === undefined ? undefined : includeEdit(analysis, header);
  return {
    title: 'Add an exception-table entry, and a landing pad that returns -EFAULT',
    edits: [
      ...(include === undefined ? [] : [insert(include.range.start.line + 1, 1, include.newText)]),
      ...(label === undefined ? [] : [{ ...label, text: label.column === 1 ? `${access}:\n` : `${access}: ` }]),
      added,
    ],
  };
}

function freePad({ labels }: Analysis, routine: string): string {
  const taken = new Set(labels.all.map(({ name }) => name));
  for (let number = 0; ; number++) {
    const name = `.L${routine}_fault${number === 0 ? '' : String(number)}`;
    if (!taken.has(name)) return name;
  }
}
