/**
 * Maps of which it is known what was asked of them and what changed in them during each stretch of a text, so that reading can be taken back to
 * an earlier stretch, and a stretch need not be read again whose questions have the same answers.
 */

/** Stands for the value of a key that is not there. */
export const ABSENT = Symbol('absent');

/** What a stretch left in one key of a map. */
export interface Change {
  readonly map: JournaledMap<unknown>;
  readonly key: string;
  /** The value in front of the stretch, or {@link ABSENT}. */
  before: unknown;
  readonly after: unknown;
}

/** Keys of a map that were asked for before the stretch itself had set them. */
export interface Reads {
  readonly map: JournaledMap<unknown>;
  readonly keys: ReadonlySet<string>;
}

export class Journal {
  readonly #maps: JournaledMap<unknown>[] = [];

  add(map: JournaledMap<unknown>): void {
    this.#maps.push(map);
  }

  /** Begins a stretch; from here on everything is written down. */
  begin(): void {
    for (const map of this.#maps) map.begin();
  }

  /** Ends a stretch, and begins the next. */
  cut(): { readonly changes: Change[]; readonly reads: Reads[] } {
    const changes: Change[] = [];
    const reads: Reads[] = [];
    for (const map of this.#maps) map.cut(changes, reads);
    return { changes, reads };
  }
}

export class JournaledMap<V> extends Map<string, V> {
  /** Keys changed in this stretch, with what they were before; undefined while nothing is written down. */
  #before: Map<string, unknown> | undefined;
  #reads = new Set<string>();

  /** Begins with the entries of `initial`. */
  constructor(journal: Journal, initial?: ReadonlyMap<string, V>) {
    super();
    if (initial !== undefined) for (const [key, value] of initial) super.set(key, value);
    journal.add(this as JournaledMap<unknown>);
  }

  override get(key: string): V | undefined {
    this.#note(key);
    return super.get(key);
  }

  override has(key: string): boolean {
    this.#note(key);
    return super.has(key);
  }

  override set(key: string, value: V): this {
    this.#change(key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.#note(key);
    this.#change(key);
    return super.delete(key);
  }

  /** The value or {@link ABSENT}, without being noted as asked for. */
  peek(key: string): unknown {
    const value = super.get(key);
    return value === undefined && !super.has(key) ? ABSENT : value;
  }

  /** Sets or takes away a value without writing it down. */
  restore(key: string, value: unknown): void {
    if (value === ABSENT) super.delete(key);
    else super.set(key, value as V);
  }

  begin(): void {
    this.#before = new Map();
    this.#reads.clear();
  }

  cut(changes: Change[], reads: Reads[]): void {
    const before = this.#before;
    if (before === undefined) return;
    const map = this as JournaledMap<unknown>;
    if (before.size > 0) {
      for (const [key, value] of before) {
        const after = this.peek(key);
        if (value !== after) changes.push({ map, key, before: value, after });
      }
      before.clear();
    }
    if (this.#reads.size === 0) return;
    reads.push({ map, keys: this.#reads });
    this.#reads = new Set();
  }

  #note(key: string): void {
    if (this.#before !== undefined && !this.#before.has(key)) this.#reads.add(key);
  }

  #change(key: string): void {
    if (this.#before !== undefined && !this.#before.has(key)) this.#before.set(key, this.peek(key));
  }
}
