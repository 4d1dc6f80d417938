/** Every check of a file's exception handling, and how they are run. */
import type { Problem } from '../../assembly/source.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { callWithAc } from './call-with-ac.ts';
import type { Check, Finding, RoutineCheck } from './check.ts';
import { creditedLoad } from './credited-load.ts';
import { duplicateEntry } from './duplicate-entry.ts';
import { entryCannotFault } from './entry-cannot-fault.ts';
import { entryType } from './entry-type.ts';
import { exits } from './exits.ts';
import { fixupInOtherFunction } from './fixup-in-other-function.ts';
import { fixupUndefined } from './fixup-undefined.ts';
import { landingResult } from './landing-result.ts';
import { narrowLength } from './narrow-length.ts';
import { notFollowed } from './not-followed.ts';
import { placement } from './placement.ts';
import { poisonRetried } from './poison-retried.ts';
import { ranges } from './ranges.ts';
import { checkRoutines } from './routine-checks.ts';
import { symbolAttributes } from './symbol-attributes.ts';
import { undefinedSymbol } from './undefined-symbol.ts';
import { uncoveredLoad } from './uncovered-load.ts';

export const CHECKS: readonly Check[] = [
  duplicateEntry, fixupUndefined, placement, entryCannotFault, fixupInOtherFunction, entryType, uncoveredLoad,
  exits, callWithAc, creditedLoad, landingResult, poisonRetried, narrowLength, symbolAttributes, ranges, notFollowed, undefinedSymbol,
];

/** What the checks find, silenced or not; nothing of exception handling in a file without exception-table entries, unless the analysis is to check such files too. */
export function checkAll(analysis: Analysis, checks: readonly Check[] = CHECKS): readonly Problem[] {
  if (analysis.foreign !== undefined) return [];
  const all = analysis.entries.length > 0 || analysis.ranges.length > 0 || analysis.checksWithoutEntries;
  const inRoutines = checkRoutines(analysis, all ? checks.filter(isOfRoutines) : []);
  const found = (check: Check): readonly Finding[] => (isOfRoutines(check) ? inRoutines.get(check) ?? [] : all || check.always === true ? check.run(analysis) : []);
  return checks.flatMap((check) => found(check).map((finding): Problem => ({ severity: check.severity, ...finding })));
}

function isOfRoutines(check: Check): check is RoutineCheck {
  return 'inRoutine' in check;
}
