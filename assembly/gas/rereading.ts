/**
 * Reading a source again after a change: lines in front of the change are not read again, and lines behind it only until the reader knows
 * the same as it did there before. What it knows is kept at points between two lines; maps are taken back by their journal.
 */
import type { Conditional } from './conditionals.ts';
import type { Item, PreparedFile } from './cpp/prepared-file.ts';
import { Macro, sameMacro } from './cpp/macro.ts';
import type { Preprocessor } from './cpp/preprocessor.ts';
import type { Change } from './journal.ts';
import type { Reader } from './reader.ts';
import type { LabelPlace } from './symbols.ts';

/** Lines of the file from one point to the next. */
const EVERY = 24;

/** What the reader knew between two lines of the outermost file. */
interface Point {
  /** Index of the line that comes next. */
  item: number;
  /** Changes of maps so far. */
  changes: number;
  readonly lengths: Lengths;
  readonly scalars: readonly unknown[];
  readonly conditionals: readonly Conditional[];
  readonly branches: readonly Item[];
}

/** Of the reader's lists. */
interface Lengths {
  statements: number;
  problems: number;
  macroDefinitions: number;
  macroUses: number;
  includes: number;
  directives: number;
}

const LISTS = ['statements', 'problems', 'macroDefinitions', 'macroUses', 'includes', 'directives'] as const;

/** The points of one reading, and how to go back to them. */
export class Rereading {
  readonly #reader: Reader;
  readonly #preprocessor: Preprocessor;
  readonly #points: Point[] = [];
  #next = 0;

  constructor(reader: Reader, preprocessor: Preprocessor) {
    this.#reader = reader;
    this.#preprocessor = preprocessor;
  }

  /** To be called between two lines: keeps a point now and then. */
  note(): void {
    const item = this.#preprocessor.mainIndex;
    if (item === undefined || item < this.#next) return;
    this.#points.push(this.#now(item));
    this.#next = item + EVERY;
  }

  /**
   * Reads `prepared`, whose first `same` lines are those of before, and whose lines from `end` on were those from `oldEnd` on.
   * The reader's lists are new ones afterwards. False if nothing can be kept: then nothing has changed.
   */
  read(prepared: PreparedFile, { same, end, oldEnd }: { readonly same: number; readonly end: number; readonly oldEnd: number }, resume: (point: number, branches: readonly Item[]) => void): boolean {
    const from = this.#points.findLastIndex(({ item }) => item < same);
    if (from < 0) return false;
    const reader = this.#reader;
    const point = this.#points[from]!;
    const old = { statements: reader.statements, problems: reader.problems, macroDefinitions: reader.macroDefinitions, macroUses: reader.macroUses, includes: reader.includes, directives: reader.directives };
    const oldPoints = this.#points.splice(from);
    const oldChanges = reader.journal.undo(point.changes);
    const oldDistances = reader.symbols.distances.splice(lowerBound(reader.symbols.distances, point.lengths.statements));
    this.#restore(point, old);
    resume(point.item, point.branches);
    this.#next = point.item;
    const shift = end - oldEnd;
    // Points behind the change, at which the old reading can be joined.
    let candidate = oldPoints.findIndex(({ item }) => item >= oldEnd);
    reader.run(() => {
      const item = this.#preprocessor.mainIndex;
      while (candidate >= 0 && candidate < oldPoints.length && item !== undefined && oldPoints[candidate]!.item + shift <= item) {
        const met = oldPoints[candidate]!;
        if (met.item + shift === item && this.#isSame(met, point, oldChanges) && !oldDistances.some(({ at, from: first }) => at >= met.lengths.statements && first < met.lengths.statements)) {
          this.#join(met, point, old, oldPoints.slice(candidate), oldChanges, oldDistances, shift);
          return true;
        }
        candidate++;
      }
      this.note();
      return false;
    });
    return true;
  }

  #now(item: number): Point {
    const reader = this.#reader;
    return {
      item, changes: reader.journal.changes.length,
      lengths: {
        statements: reader.statements.length, problems: reader.problems.length, macroDefinitions: reader.macroDefinitions.length, macroUses: reader.macroUses.length,
        includes: reader.includes.length, directives: reader.directives.length,
      },
      scalars: [reader.alternate, reader.intel, reader.registerPrefix, reader.bits, reader.wideStack, reader.expansions, reader.locals, this.#preprocessor.counter],
      conditionals: reader.conditionals.snapshot(), branches: [...this.#preprocessor.mainConditionals],
    };
  }

  #restore({ lengths, scalars, conditionals }: Point, old: Pick<Reader, (typeof LISTS)[number]>): void {
    const reader = this.#reader;
    for (const list of LISTS) (reader[list] as unknown[]) = old[list].slice(0, lengths[list]);
    reader.symbols.statements = reader.statements;
    [reader.alternate, reader.intel, reader.registerPrefix, reader.bits, reader.wideStack, reader.expansions, reader.locals, this.#preprocessor.counter] = scalars as [boolean, boolean, boolean, 16 | 32 | 64, boolean, number, number, number];
    reader.stopped = false;
    reader.conditionals.restore(conditionals);
  }

  /** Whether the reader knows now what it knew at `met`; both readings went on from `point`. */
  #isSame(met: Point, point: Point, oldChanges: readonly Change[]): boolean {
    const now = this.#now(met.item);
    if (!now.scalars.every((value, index) => value === met.scalars[index])) return false;
    if (now.conditionals.length !== met.conditionals.length || !now.conditionals.every((one, index) => isSameConditional(one, met.conditionals[index]!))) return false;
    if (now.branches.length !== met.branches.length || !now.branches.every((branch, index) => branch === met.branches[index])) return false;
    const { changes } = this.#reader.journal;
    const count = met.changes - point.changes;
    if (changes.length - point.changes !== count) return false;
    for (let index = 0; index < count; index++) if (!isSameChange(changes[point.changes + index]!, oldChanges[index]!)) return false;
    return true;
  }

  /** Appends what the old reading made from `met` on. */
  #join(met: Point, point: Point, old: Pick<Reader, (typeof LISTS)[number]>, points: readonly Point[], oldChanges: readonly Change[], oldDistances: Reader['symbols']['distances'], shift: number): void {
    const reader = this.#reader;
    const moved = reader.statements.length - met.lengths.statements;
    const changesMoved = reader.journal.changes.length - met.changes;
    const lengthsMoved = Object.fromEntries(LISTS.map((list) => [list, reader[list].length - met.lengths[list]])) as unknown as Lengths;
    for (const list of LISTS) (reader[list] as unknown[]) = (reader[list] as unknown[]).concat(old[list].slice(met.lengths[list]));
    reader.symbols.statements = reader.statements;
    const rest = oldChanges.slice(met.changes - point.changes);
    if (moved !== 0) {
      const places = new Set<LabelPlace>();
      for (const { before, after } of rest) for (const value of [before, after]) if (isPlace(value) && value.index >= met.lengths.statements) places.add(value);
      for (const place of places) place.index += moved;
    }
    reader.journal.redo(rest);
    for (const { at, from } of oldDistances) if (at >= met.lengths.statements) reader.symbols.distances.push({ at: at + moved, from: from + moved });
    for (const kept of points) {
      kept.item += shift;
      kept.changes += changesMoved;
      for (const list of LISTS) kept.lengths[list] += lengthsMoved[list];
      this.#points.push(kept);
    }
    reader.sources.length = 0;
  }
}

function lowerBound(distances: readonly { readonly at: number }[], statements: number): number {
  const index = distances.findIndex(({ at }) => at >= statements);
  return index < 0 ? distances.length : index;
}

function isPlace(value: unknown): value is LabelPlace {
  return typeof value === 'object' && value !== null && (value as { readonly kind?: unknown }).kind === 'place';
}

function isSameConditional(a: Conditional, b: Conditional): boolean {
  return a.active === b.active && a.taken === b.taken && a.elseSeen === b.elseSeen && a.live === b.live && isSameRange(a.range, b.range);
}

function isSameRange(a: Conditional['range'], b: Conditional['range']): boolean {
  return a.start.line === b.start.line && a.start.column === b.start.column && a.endColumn === b.endColumn && a.start.file === b.start.file;
}

function isSameChange(a: Change, b: Change): boolean {
  return a.map === b.map && a.key === b.key && isSameValue(a.after, b.after);
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  // Where a label stands is worked out anew; distances that depend on it are looked at apart.
  if (isPlace(a)) return isPlace(b);
  if (a instanceof Macro) return b instanceof Macro && sameMacro(a, b) && isSameDefinition(a, b);
  return isRange(a) && isRange(b) && isSameRange(a, b);
}

function isSameDefinition({ definition: a }: Macro, { definition: b }: Macro): boolean {
  return a === b || (a !== undefined && b !== undefined && isSameRange(a.range, b.range));
}

function isRange(value: unknown): value is Conditional['range'] {
  return typeof value === 'object' && value !== null && 'start' in value && 'endColumn' in value;
}
