/** Violations gathered by what was broken and where, each class with its smallest case. */
import { CLAUSES } from './judging/clauses.ts';
import type { ClauseName, Violation } from './judging/clauses.ts';
import type { FaultKind, SweepCase } from './space.ts';

export interface FailureClass {
  readonly clause: ClauseName;
  /** Which of the contract's own promises. */
  readonly promise: string | undefined;
  readonly at: bigint;
  cases: number;
  readonly byKind: Map<FaultKind, number>;
  readonly targets: Set<number>;
  smallest: SweepCase;
  message: string;
}

export class Failures {
  readonly #classes = new Map<string, FailureClass>();

  get classes(): readonly FailureClass[] {
    return [...this.#classes.values()].sort((a, b) => compareClasses(a, b) || Number(a.at - b.at));
  }

  /** Counts what `one` broke, each promise once, and returns the classes that are its violations'. */
  add(violations: readonly Violation[], one: SweepCase): readonly FailureClass[] {
    const told = new Set<string>();
    return violations.flatMap((violation) => {
      const { clause, promise = '' } = violation;
      if (told.has(`${clause} ${promise}`)) return [];
      told.add(`${clause} ${promise}`);
      const found = this.#classOf(violation, one);
      count(found, one);
      if (compareCases(one, found.smallest) < 0) {
        found.smallest = one;
        found.message = violation.message;
      }
      return [found];
    });
  }

  /** Counts a case that broke what others of these classes did, and is the smallest of none of them. */
  again(classes: readonly FailureClass[], one: SweepCase): void {
    for (const found of classes) count(found, one);
  }

  #classOf(violation: Violation, one: SweepCase): FailureClass {
    const { clause, promise, at, message } = violation;
    const key = classKey(violation);
    let found = this.#classes.get(key);
    if (found === undefined) {
      this.#classes.set(key, found = { clause, promise, at, cases: 0, byKind: new Map(), targets: new Set(), smallest: one, message });
    }
    return found;
  }
}

function count(found: FailureClass, { kind, target }: SweepCase): void {
  found.cases++;
  found.byKind.set(kind, (found.byKind.get(kind) ?? 0) + 1);
  found.targets.add(target);
}

/** Violations with equal keys are one class. */
export function classKey({ clause, promise = '', at }: Violation): string {
  return `${clause} ${promise} ${at.toString(16)}`;
}

const CLAUSE_ORDER = Object.keys(CLAUSES);

/** By their smallest cases; those of one case in the order of the clauses, and of the contract's own promises by their names. */
export function compareClasses(a: { readonly clause: ClauseName; readonly promise?: string | undefined; readonly smallest: SweepCase }, b: typeof a): number {
  return compareCases(a.smallest, b.smallest) || CLAUSE_ORDER.indexOf(a.clause) - CLAUSE_ORDER.indexOf(b.clause) || (a.promise ?? '').localeCompare(b.promise ?? '', 'en');
}

/** Smaller first: by length, then position, then alignment, then number. */
export function compareCases(a: SweepCase, b: SweepCase): number {
  return a.n - b.n || a.position - b.position || (a.srcOffset + a.dstOffset) - (b.srcOffset + b.dstOffset) || a.index - b.index;
}
