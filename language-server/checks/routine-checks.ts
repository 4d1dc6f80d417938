/**
 * Runs the checks of routines. What they found out of a routine is kept for the next version of its file: an edit costs the routines that
 * lead through what it changed, and no other.
 */
import type { Analysis, Routine } from '../analysis/analysis.ts';
import { Code } from '../analysis/flow/code.ts';
import { codeMap } from '../analysis/flow/code-map.ts';
import type { CodeMap, Piece } from '../analysis/flow/code-map.ts';
import { RoutineFlow } from '../analysis/flow/routine-flow.ts';
import type { Subject, Trail } from '../analysis/flow/trail.ts';
import type { Finding, RoutineCheck, RoutineFinding } from './check.ts';
import { Lookup, theRoutine } from './marks.ts';

/** What was found out of a routine, in words that hold as long as its trail can be followed. */
interface Result {
  readonly trail: Trail;
  readonly findings: ReadonlyMap<RoutineCheck, readonly RoutineFinding[]>;
  /** See {@link RoutineFlow.entered}. */
  readonly entered: readonly number[];
}

/** A result in one version of the file. */
interface Placed {
  readonly subject: Subject;
  readonly result: Result;
  readonly pieces: readonly Piece[];
}

/** By history of a file: the results of its last version that was checked. */
const kept = new WeakMap<object, ReadonlyMap<string, Result>>();

/** The findings of each check, in the order of the routines. */
export function checkRoutines(analysis: Analysis, checks: readonly RoutineCheck[]): ReadonlyMap<RoutineCheck, readonly Finding[]> {
  const placed = checks.length === 0 ? [] : resultsOf(analysis, checks);
  return new Map(checks.map((check) => {
    const seen = new Set<string>();
    return [check, placed.flatMap(({ subject: { routine }, result, pieces }) => {
      const findings = result.findings.get(check) ?? [];
      const lookup = findings.length === 0 ? undefined : new Lookup(analysis, pieces, routine);
      return findings.flatMap((finding) => {
        // Several routines may lead through the same code.
        const key = `${finding.code} ${lookup!.key(finding.at)} ${finding.about ?? ''}`;
        if (seen.has(key)) return [];
        seen.add(key);
        return place(finding, lookup!) ?? [];
      });
    })] as const;
  }));
}

function place({ code, message, at, related = [] }: RoutineFinding, lookup: Lookup): Finding | undefined {
  const range = lookup.range(at) ?? lookup.range(theRoutine);
  if (range === undefined) return undefined;
  const others = related.flatMap((one) => {
    const where = lookup.range(one.at);
    return where === undefined ? [] : [{ message: one.message, range: where }];
  });
  return { code, message: lookup.text(message), range, ...(related.length === 0 ? {} : { related: others }) };
}

function resultsOf(analysis: Analysis, checks: readonly RoutineCheck[]): readonly Placed[] {
  const map = codeMap(analysis);
  const before = kept.get(analysis.history);
  const results = new Map<string, Result>();
  const resultOf = (name: string, subject: Subject, isFollowed: boolean): Placed => {
    const key = `${isFollowed ? '' : 'beside '}${name}`;
    const known = before?.get(key);
    const pieces = known === undefined || !checks.every((check) => known.findings.has(check)) ? undefined : known.trail.follow(map, subject);
    const placed = pieces === undefined ? workOut(map, subject, isFollowed, checks) : { subject, result: known!, pieces };
    results.set(key, placed.result);
    return placed;
  };
  const subjects = covered(analysis, map);
  // What no other file calls and a routine leads through anyway is no routine of its own.
  const isCalled = ({ routine }: Subject): boolean => routine !== undefined && (routine.isFunction || routine.global);
  const called = subjects.filter(isCalled).map((subject) => resultOf(subject.routine!.name, subject, true));
  const entered = new Set(called.flatMap(({ result, pieces }) => result.entered.map((number) => pieces[number])));
  const others = subjects.filter((subject) => !isCalled(subject)).map((subject) =>
    (subject.routine === undefined ? resultOf(unnamed(subject, subjects), subject, false) : resultOf(subject.routine.name, subject, !entered.has(subject.start))));
  kept.set(analysis.history, results);
  return [...called, ...others];
}

function workOut(map: CodeMap, subject: Subject, isFollowed: boolean, checks: readonly RoutineCheck[]): Placed {
  const code = new Code(map, subject);
  const flow = new RoutineFlow(code, isFollowed);
  const findings = new Map(checks.map((check) => [check, check.inRoutine(flow)]));
  return { subject, result: { trail: code.trail, findings, entered: flow.entered }, pieces: code.pieces };
}

/** No name can have a blank. */
function unnamed({ start }: Subject, subjects: readonly Subject[]): string {
  const before = subjects.filter(({ routine, start: other }) => routine === undefined && other.section === start.section && other.start < start.start);
  return `in section ${String(start.section)} number ${String(before.length)}`;
}

/** The routines with entries (all, in a file that is checked without them), and the stretches with entries that no name covers. */
function covered({ entries, instructions, routines, checksWithoutEntries }: Analysis, map: CodeMap): readonly Subject[] {
  const withEntries = instructions.filter((site) => site.entries.length > 0);
  const named = new Set<Routine>(entries.length === 0 && checksWithoutEntries ? routines : withEntries.flatMap(({ routine }) => routine ?? []));
  const subjects = [...named].flatMap((routine): readonly Subject[] => {
    const start = map.pieceAt({ section: routine.section, offset: routine.start });
    return start === undefined ? [] : [{ routine, start, own: map.piecesOf(routine) }];
  });
  const bare = new Set(withEntries.filter(({ routine }) => routine === undefined).map((site) => map.pieceAt(site)));
  return [...subjects, ...(bare.size === 0 ? [] : stretches(map.piecesOf(undefined))).filter((own) => own.some((piece) => bare.has(piece))).map((own) => ({ start: own[0]!, own }))];
}

/** Lists of pieces that follow one another. */
function stretches(pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  const found: Piece[][] = [];
  for (const piece of pieces) {
    const before = found.at(-1)?.at(-1);
    if (before?.section === piece.section && before.end === piece.start) found.at(-1)!.push(piece);
    else found.push([piece]);
  }
  return found;
}
