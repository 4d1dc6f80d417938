/**
 * Adds `.size` and `.type`; ranges take a function's size in place of an end label.
 */
import { lineOf } from '../ranges.ts';
import type { Analysis, Routine } from '../analysis/analysis.ts';
import { visitOccurrences } from '../analysis/occurrences.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Edit, Fix, Fixer } from './fix.ts';
import { indentOf, insert, insertAfter, isPlain, removeLine, replace } from './text.ts';

export const symbolFixes: Fixer = {
  codes: ['missing-size', 'missing-type', 'no-symbol-size'],
  fixes({ code, range }, analysis): readonly Fix[] {
    const routine = code === 'no-symbol-size' ? routineOfRange(range, analysis) : analysis.routines.find((one) => samePlace(one.range, range));
    if (routine === undefined || !isPlain(analysis, routine.range)) return [];
    const { name } = routine;
    if (code === 'missing-type') {
      return [{ title: `Add .type ${name}, @function`, edits: [insert(routine.range.start.line, 1, `\t.type\t${name}, @function\n`)], safe: true, preferred: true }];
    }
    const edit = insertAfter(analysis, routine.lastLine, `${indentOf(analysis.text, routine.lastLine)}.size\t${name}, . - ${name}`);
    return edit === undefined || !endsBy(routine, analysis) ? [] : [{ title: `Add .size ${name}, . - ${name}`, edits: [edit], safe: true, preferred: true }];
  },
};

/** True if the section goes on behind the routine's last line as it is: `.` there is the routine's end. */
function endsBy({ lastLine, section, end }: Routine, analysis: Analysis): boolean {
  const last = analysis.instructionsOnLine(lastLine).filter((site) => site.section === section).at(-1);
  // Only padding may follow before the next function or the section's end.
  return last !== undefined && last.offset + last.instruction.length <= end;
}

/** `EXTABLE_RANGE f, f_end, handler`: with `f, f` the length is the symbol's size. */
export const rangeFixes: Fixer = {
  codes: ['end-label'],
  fixes({ range, message }, analysis): readonly Fix[] {
    if (!isPlain(analysis, range)) return [];
    const { line } = range.start;
    const text = lineOf(analysis.text, line);
    const match = /(EXTABLE_RANGE\s*\(?\s*)([\w.$]+)(\s*,\s*)([\w.$]+)/.exec(text);
    const label = /^(\S+) marks the end/.exec(message)?.[1];
    if (match === null || match[4] !== label) return [];
    const column = match.index + match[1]!.length + match[2]!.length + match[3]!.length + 1;
    return [{ title: `Take the size of ${match[2]!} in place of ${label!}`, edits: [replace(line, column, column + label!.length, match[2]!), ...removeLabel(label!, analysis)], preferred: true }];
  },
};

/** Takes the label away if nothing else mentions it. */
function removeLabel(name: string, analysis: Analysis): readonly Edit[] {
  let mentions = 0;
  visitOccurrences(analysis.unit, (mentioned, _range, role) => { if (mentioned === name && role !== 'definition') mentions++; });
  const label = analysis.labels.byName(name);
  if (label === undefined || !isPlain(analysis, label.range)) return [];
  const { line } = label.range.start;
  // The range itself mentions it twice: as its end, and in the length.
  return mentions <= 1 && lineOf(analysis.text, line).trim() === `${name}:` ? [removeLine(line)] : [];
}

function routineOfRange(range: SourceRange, analysis: Analysis): Routine | undefined {
  const site = analysis.ranges.find((one) => samePlace(one.range, range));
  const section = site === undefined ? -1 : analysis.object.sections.findIndex(({ name }) => name === site.record.startSection);
  return analysis.routines.find((routine) => routine.section === section && BigInt(routine.start) === site!.record.start);
}

function samePlace({ start: a }: SourceRange, { start: b }: SourceRange): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}
