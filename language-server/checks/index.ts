/** Every check of a file's exception handling, and how they are run and silenced. */
import type { Problem } from '../../assembly/source.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { callWithAc } from './call-with-ac.ts';
import type { Check } from './check.ts';
import { creditedLoad } from './credited-load.ts';
import { duplicateEntry } from './duplicate-entry.ts';
import { entryCannotFault } from './entry-cannot-fault.ts';
import { entryType } from './entry-type.ts';
import { exits } from './exits.ts';
import { fixupInOtherFunction } from './fixup-in-other-function.ts';
import { fixupUndefined } from './fixup-undefined.ts';
import { landingResult } from './landing-result.ts';
import { narrowLength } from './narrow-length.ts';
import { placement } from './placement.ts';
import { poisonRetried } from './poison-retried.ts';
import { ranges } from './ranges.ts';
import { symbolAttributes } from './symbol-attributes.ts';
import { uncoveredLoad } from './uncovered-load.ts';

export const CHECKS: readonly Check[] = [
  duplicateEntry, fixupUndefined, placement, entryCannotFault, fixupInOtherFunction, entryType, uncoveredLoad,
  exits, callWithAc, creditedLoad, landingResult, poisonRetried, narrowLength, symbolAttributes, ranges,
];

/** What all checks find; nothing in a file without exception-table entries. */
export function checkAll(analysis: Analysis, checks: readonly Check[] = CHECKS): readonly Problem[] {
  if (analysis.foreign !== undefined || analysis.entries.length === 0 && analysis.ranges.length === 0) return [];
  const ignored = ignoredCodes(analysis);
  return checks
    .flatMap((check) => check.run(analysis).map((finding): Problem => ({ severity: check.severity, ...finding })))
    .filter((problem) => !ignored.has(`${String(writtenPosition(problem.range.start).line)} ${problem.code}`));
}

/** `mcsafe: ignore CODE …` silences these codes on its own line and on the next. */
function ignoredCodes(analysis: Analysis): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const { text, range } of analysis.directives) {
    const [verb, ...codes] = text.split(/[\s,]+/);
    if (verb !== 'ignore') continue;
    for (const code of codes) for (const line of [range.start.line, range.start.line + 1]) ignored.add(`${String(line)} ${code}`);
  }
  return ignored;
}
