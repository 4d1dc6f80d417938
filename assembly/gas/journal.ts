/**
 * Maps whose changes are written down, so that reading can be taken back to an earlier line and done again from there.
 */

/** Stands for a key that is not there. */
export const ABSENT = Symbol('absent');

export interface Change {
  readonly map: JournaledMap<unknown>;
  readonly key: string;
  /** The value, or {@link ABSENT}. */
  readonly before: unknown;
  readonly after: unknown;
}

export class Journal {
  readonly changes: Change[] = [];

  /** Takes back all changes but the first `count`, and gives them in the order they were made. */
  undo(count: number): readonly Change[] {
    for (let index = this.changes.length - 1; index >= count; index--) {
      const { map, key, before } = this.changes[index]!;
      map.restore(key, before);
    }
    return this.changes.splice(count);
  }

  /** Makes `changes` again. */
  redo(changes: readonly Change[]): void {
    for (const change of changes) {
      change.map.restore(change.key, change.after);
      this.changes.push(change);
    }
  }
}

export class JournaledMap<V> extends Map<string, V> {
  readonly #journal: Journal;

  /** Begins with the entries of `initial`, which are not written down. */
  constructor(journal: Journal, initial?: ReadonlyMap<string, V>) {
    super();
    this.#journal = journal;
    if (initial !== undefined) for (const [key, value] of initial) super.set(key, value);
  }

  override set(key: string, value: V): this {
    this.#journal.changes.push({ map: this as JournaledMap<unknown>, key, before: this.has(key) ? this.get(key) : ABSENT, after: value });
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#journal.changes.push({ map: this as JournaledMap<unknown>, key, before: this.get(key), after: ABSENT });
    return super.delete(key);
  }

  /** Puts a value back without writing it down. */
  restore(key: string, value: unknown): void {
    if (value === ABSENT) super.delete(key);
    else super.set(key, value as V);
  }
}
