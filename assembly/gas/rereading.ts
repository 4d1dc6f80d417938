/**
 * Reading a source again after a change. A source is read in stretches of lines, and of each it is kept what it asked of the reader's maps
 * (macros, symbols) and what it left in them. After a change, the stretches with changed lines are read again, and of those behind them the
 * ones that asked for something that is different by then; the others keep their statements.
 */
import type { Conditional } from './conditionals.ts';
import type { Item, Reprepared } from './cpp/prepared-file.ts';
import type { Preprocessor } from './cpp/preprocessor.ts';
import { ABSENT } from './journal.ts';
import type { Change, JournaledMap, Reads } from './journal.ts';
import type { Reader } from './reader.ts';
import type { Expression } from './statement.ts';
import type { LabelPlace } from './symbols.ts';

/** Lines of a stretch at most; a use of a macro that makes much ends one too. */
const LINES = 24;
/** Statements after which a stretch ends with the line. */
const STATEMENTS = 48;

const LISTS = ['statements', 'problems', 'macroDefinitions', 'macroUses', 'includes', 'directives'] as const;

/** Of the reader's lists. */
type Lengths = Readonly<Record<(typeof LISTS)[number], number>>;
type Lists = Pick<Reader, (typeof LISTS)[number]>;

/** What the reader knows between two lines, beside its maps. */
interface State {
  readonly modes: readonly unknown[];
  /** Some names stand for registers. */
  readonly hasRegisters: boolean;
  /** Expansions, symbols of `LOCAL` and uses of `__COUNTER__` so far. */
  readonly numbers: readonly [number, number, number];
  readonly conditionals: readonly Conditional[];
  readonly branches: readonly Item[];
}

interface Stretch {
  /** Index of its first line, and of the one behind its last. */
  readonly item: number;
  readonly end: number;
  /** Of the lists in front of it, and behind it. */
  readonly from: Lengths;
  readonly to: Lengths;
  readonly before: State;
  readonly after: State;
  readonly changes: readonly Change[];
  readonly reads: readonly Reads[];
  /** A text in it holds the number of an expansion. */
  readonly usesNumber: boolean;
  /** A text in it holds the number of a line. */
  readonly usesLine: boolean;
  /** So many statements in front of it were looked at, for a distance between labels. */
  readonly reach: number;
}

/** A stretch being read. */
interface Open {
  readonly item: number;
  readonly from: Lengths;
  readonly before: State;
  readonly numberUses: number;
  readonly lineUses: number;
}

/** The reading before, while it is compared with this one. */
interface Earlier {
  readonly lists: Lists;
  readonly stretches: readonly Stretch[];
  /** The first stretch that this reading has not come to the end of. */
  next: number;
  readonly change: Reprepared;
  /** Changes made by stretches of either reading since the two were last compared. */
  readonly then: Change[];
  readonly now: Change[];
  /** Keys that are different, with the values they had. */
  readonly different: Map<JournaledMap<unknown>, Map<string, unknown>>;
  /** Statements from here on (by its own count) up to where the two were last compared are those of this reading too. */
  keptFrom: number;
}

/** The stretches of one reading, and how to go through them again. */
export class Rereading {
  readonly #reader: Reader;
  readonly #preprocessor: Preprocessor;
  #stretches: Stretch[] = [];
  #open: Open | undefined;
  #earlier: Earlier | undefined;
  /** The stretch that is open holds the definition of a macro: it is best alone. */
  #defines = false;

  constructor(reader: Reader, preprocessor: Preprocessor) {
    this.#reader = reader;
    this.#preprocessor = preprocessor;
  }

  /** To be called between two lines. True where reading ends, because nothing behind has changed. */
  between(): boolean {
    const item = this.#preprocessor.mainIndex;
    if (item === undefined) return false;
    if (this.#earlier !== undefined && this.#meets(this.#earlier, item)) return this.#join(this.#earlier, item);
    if (this.#isDue(item)) this.#begin(item);
    return false;
  }

  /** To be called behind the last line. */
  end(): void {
    this.#close(Infinity);
    this.#earlier = undefined;
  }

  /**
   * Reads `change.prepared` from the first stretch with a changed line on. The reader's lists are new ones afterwards.
   * False if nothing can be kept: then nothing has changed.
   */
  read(change: Reprepared, resume: (item: number, branches: readonly Item[]) => void): boolean {
    const first = this.#stretches.findLastIndex(({ item }) => item < Math.max(change.same, 1));
    if (first < 0) return false;
    const reader = this.#reader;
    const stretches = this.#stretches.splice(first);
    for (const { changes } of [...stretches].reverse()) for (const { map, key, before } of changes) map.restore(key, before);
    const { from, before, item } = stretches[0]!;
    const lists = Object.fromEntries(LISTS.map((list) => [list, reader[list]])) as unknown as Lists;
    for (const list of LISTS) (reader[list] as unknown[]) = (lists[list] as unknown[]).slice(0, from[list]);
    reader.symbols.statements = reader.statements;
    reader.stopped = false;
    this.#restore(before);
    this.#open = undefined;
    this.#earlier = { lists, stretches, next: 0, change, then: [], now: [], different: new Map(), keptFrom: 0 };
    resume(item, before.branches);
    reader.run(this);
    return true;
  }

  // --- stretches

  #isDue(item: number): boolean {
    const open = this.#open;
    if (open === undefined || item - open.item >= LINES || this.#reader.statements.length - open.from.statements >= STATEMENTS) return true;
    return item > open.item && (this.#defines || this.#preprocessor.definesMacroNext);
  }

  #begin(item: number): void {
    if (this.#open === undefined) this.#reader.journal.begin();
    else this.#close(item);
    this.#reader.symbols.farthest = Infinity;
    this.#defines = this.#preprocessor.definesMacroNext;
    this.#open = { item, from: this.#lengths(), before: this.#state(), numberUses: this.#reader.numberUses, lineUses: this.#preprocessor.lineUses };
  }

  #close(end: number): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { item, from, before } = open;
    const { changes, reads } = this.#reader.journal.cut();
    this.#stretches.push({
      item, end, from, to: this.#lengths(), before, after: this.#state(), changes, reads,
      usesNumber: this.#reader.numberUses !== open.numberUses, usesLine: this.#preprocessor.lineUses !== open.lineUses,
      reach: Math.max(0, from.statements - this.#reader.symbols.farthest),
    });
    this.#earlier?.now.push(...changes);
  }

  #lengths(): Lengths {
    const reader = this.#reader;
    return {
      statements: reader.statements.length, problems: reader.problems.length, macroDefinitions: reader.macroDefinitions.length, macroUses: reader.macroUses.length,
      includes: reader.includes.length, directives: reader.directives.length,
    };
  }

  #state(): State {
    const reader = this.#reader;
    return {
      modes: [reader.alternate, reader.intel, reader.registerPrefix, reader.bits, reader.wideStack], hasRegisters: reader.symbols.hasRegisters,
      numbers: [reader.expansions, reader.locals, this.#preprocessor.counter],
      conditionals: reader.conditionals.snapshot(), branches: [...this.#preprocessor.mainConditionals],
    };
  }

  #restore({ modes, numbers, conditionals }: State): void {
    const reader = this.#reader;
    [reader.alternate, reader.intel, reader.registerPrefix, reader.bits, reader.wideStack] = modes as [boolean, boolean, boolean, 16 | 32 | 64, boolean];
    [reader.expansions, reader.locals, this.#preprocessor.counter] = numbers;
    reader.conditionals.restore(conditionals);
  }

  // --- comparing with the reading before

  /** Whether the line `item`, which comes next, began a stretch in the reading before too. */
  #meets(earlier: Earlier, item: number): boolean {
    const { stretches, change: { end, oldEnd } } = earlier;
    const was = item - end + oldEnd;
    if (was < oldEnd) return false;
    for (let met = stretches[earlier.next]; met !== undefined && met.item < was && met.end <= was; met = stretches[earlier.next]) {
      earlier.then.push(...met.changes);
      earlier.next++;
    }
    return stretches[earlier.next]?.item === was;
  }

  /** Keeps the stretches from line `item` on for which nothing is different, and begins the first of the others; true if there is none. */
  #join(earlier: Earlier, item: number): boolean {
    const { stretches, change: { end, oldEnd } } = earlier;
    this.#close(item);
    compare(earlier);
    earlier.keptFrom = stretches[earlier.next]!.from.statements;
    let state = this.#state();
    let kept = 0;
    for (let met = stretches[earlier.next]; met !== undefined && this.#isKept(met, state, earlier); met = stretches[earlier.next]) {
      state = this.#keep(met, state, earlier);
      earlier.next++;
      kept++;
    }
    if (kept > 0) this.#restore(state);
    const met = stretches[earlier.next];
    if (met === undefined) return true;
    const next = met.item + end - oldEnd;
    if (kept > 0) this.#preprocessor.goTo(next, state.branches);
    this.#begin(next);
    return false;
  }

  #isKept({ before, after, reads, usesNumber, usesLine, reach, from }: Stretch, state: State, { different, change, keptFrom }: Earlier): boolean {
    if (usesLine && change.lines !== 0) return false;
    if (reach > 0 && from.statements - reach < keptFrom) return false;
    const uses = [usesNumber, after.numbers[1] !== before.numbers[1], after.numbers[2] !== before.numbers[2]];
    if (uses.some((used, index) => used && before.numbers[index] !== state.numbers[index])) return false;
    if (before.hasRegisters !== state.hasRegisters || !before.modes.every((mode, index) => mode === state.modes[index])) return false;
    if (before.branches.length !== state.branches.length || before.conditionals.length !== state.conditionals.length) return false;
    if (!before.conditionals.every((one, index) => isSameConditional(one, state.conditionals[index]!))) return false;
    if (different.size === 0) return true;
    return reads.every(({ map, keys }) => {
      const changed = different.get(map);
      if (changed === undefined) return true;
      for (const key of changed.keys()) if (keys.has(key)) return false;
      return true;
    });
  }

  /** Takes `met` over, and gives the state behind it. */
  #keep(met: Stretch, state: State, { lists, different, change: { end, oldEnd } }: Earlier): State {
    const reader = this.#reader;
    const from = this.#lengths();
    for (const list of LISTS) {
      const into = reader[list] as unknown[];
      const all = lists[list];
      for (let index = met.from[list]; index < met.to[list]; index++) into.push(all[index]);
    }
    const moved = from.statements - met.from.statements;
    for (const change of met.changes) {
      const { map, key, after } = change;
      change.before = map.peek(key);
      map.restore(key, after);
      if (isPlace(after)) after.index += moved;
      different.get(map)?.delete(key);
    }
    const numbers = state.numbers.map((number, index) => number + met.after.numbers[index]! - met.before.numbers[index]!) as [number, number, number];
    const after: State = {
      modes: met.after.modes, hasRegisters: reader.symbols.hasRegisters, numbers,
      conditionals: followed(met.before.conditionals, met.after.conditionals, state.conditionals, (a, b) => a.range === b.range, (one, { range }) => ({ ...one, range })),
      branches: followed(met.before.branches, met.after.branches, state.branches, (a, b) => a === b, (_, item) => item),
    };
    this.#stretches.push({ ...met, item: met.item + end - oldEnd, end: met.end + end - oldEnd, from, to: this.#lengths(), before: state, after });
    return after;
  }
}

/** Works out which keys are different, from what was when the two readings were last compared and what each has changed since. */
function compare({ then, now, different }: Earlier): void {
  if (then.length === 0 && now.length === 0) return;
  const values = new Map<JournaledMap<unknown>, Map<string, unknown>>();
  const of = (map: JournaledMap<unknown>): Map<string, unknown> => {
    let found = values.get(map);
    if (found === undefined) values.set(map, found = new Map());
    return found;
  };
  for (const { map, key, before } of now) {
    const known = of(map);
    if (known.has(key)) continue;
    const differing = different.get(map);
    known.set(key, differing?.has(key) === true ? differing.get(key) : before);
  }
  for (const { map, key, after } of then) of(map).set(key, after);
  for (const [map, keys] of values) {
    let differing = different.get(map);
    for (const [key, value] of keys) {
      if (isSameValue(value, map.peek(key))) differing?.delete(key);
      else {
        if (differing === undefined) different.set(map, differing = new Map());
        differing.set(key, value);
      }
    }
  }
  then.length = 0;
  now.length = 0;
}

/** The stack behind a stretch that left `after` of `before`, where it is `current` in front of it: what was not opened in the stretch is that of `current`. */
function followed<T>(before: readonly T[], after: readonly T[], current: readonly T[], isSame: (a: T, b: T) => boolean, placed: (one: T, current: T) => T): readonly T[] {
  let outer = 0;
  while (outer < before.length && outer < after.length && isSame(before[outer]!, after[outer]!)) outer++;
  return after.map((one, index) => (index < outer ? placed(one, current[index]!) : one));
}

function isPlace(value: unknown): value is LabelPlace {
  return typeof value === 'object' && value !== null && (value as { readonly kind?: unknown }).kind === 'place';
}

function isSameConditional(a: Conditional, b: Conditional): boolean {
  return a.active === b.active && a.taken === b.taken && a.elseSeen === b.elseSeen && a.live === b.live;
}

/** Whether two values of a key mean the same to who asks for it. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === ABSENT || b === ABSENT || typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  // Where a label stands is worked out anew; distances that depend on it are looked at apart.
  if (isPlace(a)) return isPlace(b);
  // The first mention of a label that has not come yet: only that there is one matters.
  if ('endColumn' in a) return 'endColumn' in b;
  return isExpression(a) && isExpression(b) && isSameExpression(a, b);
}

function isExpression(value: object): value is Expression {
  const { kind } = value as { readonly kind?: unknown };
  return kind === 'number' || kind === 'symbol' || kind === 'unary' || kind === 'binary';
}

/** Places aside. */
function isSameExpression(a: Expression, b: Expression): boolean {
  switch (a.kind) {
    case 'number': return b.kind === 'number' && a.value === b.value;
    case 'symbol': return b.kind === 'symbol' && a.name === b.name && a.modifier === b.modifier;
    case 'unary': return b.kind === 'unary' && a.operator === b.operator && isSameExpression(a.operand, b.operand);
    case 'binary': return b.kind === 'binary' && a.operator === b.operator && isSameExpression(a.left, b.left) && isSameExpression(a.right, b.right);
  }
}
