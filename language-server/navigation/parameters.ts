/**
 * Parameters of the assembler's macros: where the head names them and the body uses them.
 */
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import type { Analysis } from '../analysis/analysis.ts';
import type { Mention } from '../indexing/summary.ts';
import { lastLineOf } from './target.ts';

/** Places of the name, without the backslash, in the definition of `macro`. */
export function parameterPlaces(analysis: Analysis, macro: MacroDefinition, name: string): readonly Mention[] {
  const { line: first } = macro.range.start;
  const last = lastLineOf(analysis, macro);
  const lines = analysis.text.split('\n');
  const found: Mention[] = [];
  const others = macro.parameters.filter((other) => other !== name && other.startsWith(name));
  for (let line = first; line <= last; line++) {
    const text = lines[line - 1]!;
    const from = line === first ? macro.range.endColumn - 1 : 0;
    for (let at = text.indexOf(name, from); at >= 0; at = text.indexOf(name, at + 1)) {
      const isUse = text[at - 1] === '\\' && !others.some((other) => text.startsWith(other, at)) && !/[\w.$]/.test(text[at + name.length] ?? ' ');
      const isHead = line === first && !/[\w.$\\=]/.test(text[at - 1] ?? ' ') && !/[\w.$]/.test(text[at + name.length] ?? ' ');
      if (!isUse && !isHead) continue;
      found.push({ file: analysis.file, line, column: at + 1, endColumn: at + 1 + name.length, role: isHead && !isUse ? 'definition' : 'reference', spelled: true });
    }
  }
  return found;
}
