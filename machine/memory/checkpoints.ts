/**
 * Checkpoints as a tree of page differences, re-rooted as memory moves between them (Baker's trick for persistent arrays):
 * the checkpoint memory stands on (the head) keeps nothing; every other one keeps the pages in which it differs from its
 * neighbour towards the head. Taking a checkpoint is free, going to one costs the pages that differ.
 */
import type { Page, PageState } from './page.ts';

interface Node {
  readonly id: number;
  /** Towards the head; undefined for the head itself. */
  next: Node | undefined;
  /** Pages in which this checkpoint differs from `next`, with their state here. */
  difference: Map<Page, PageState>;
  released: boolean;
}

export interface PageStore {
  capture(page: Page): PageState;
  apply(page: Page, state: PageState): void;
}

export class Checkpoints {
  readonly #store: PageStore;
  readonly #nodes = new Map<number, Node>();
  #head: Node | undefined;
  /** Pages written since the head, with their state at the head. */
  #changed = new Map<Page, PageState>();
  #nextId = 1;

  constructor(store: PageStore) {
    this.#store = store;
  }

  get active(): boolean {
    return this.#head !== undefined;
  }

  /** Pages changed since the head, for closing their write windows. */
  get changed(): ReadonlyMap<Page, PageState> {
    return this.#changed;
  }

  /** States of pages held for all checkpoints; one that two of them share counts twice. */
  get held(): number {
    let pages = this.#changed.size;
    for (const { difference } of this.#nodes.values()) pages += difference.size;
    return pages;
  }

  /** Must be called before the first change of `page` after a checkpoint. */
  save(page: Page, state: PageState): void {
    if (this.#head !== undefined) this.#changed.set(page, state);
  }

  create(): number {
    const node: Node = { id: this.#nextId++, next: undefined, difference: new Map(), released: false };
    if (this.#head !== undefined) {
      this.#head.difference = this.#changed;
      this.#head.next = node;
    }
    const old = this.#head;
    this.#head = node;
    this.#changed = new Map();
    this.#nodes.set(node.id, node);
    if (old?.released === true) this.#drop(old);
    return node.id;
  }

  /** Brings memory to the checkpoint; returns the pages that were touched. */
  restore(id: number): ReadonlySet<Page> {
    const target = this.#node(id);
    const touched = new Set<Page>();
    for (const [page, state] of this.#changed) {
      this.#store.apply(page, state);
      touched.add(page);
    }
    this.#changed = new Map();
    const path: Node[] = [];
    for (let node: Node = target; node.next !== undefined; node = node.next) path.push(node);
    // From the head outwards: each step makes a neighbour the head and the old head point to it.
    for (const node of path.reverse()) {
      const from: Node = node.next!;
      from.difference = new Map();
      for (const [page, state] of node.difference) {
        from.difference.set(page, this.#store.capture(page));
        this.#store.apply(page, state);
        touched.add(page);
      }
      from.next = node;
      node.next = undefined;
      node.difference = new Map();
      this.#head = node;
      if (from.released) this.#drop(from);
    }
    return touched;
  }

  release(id: number): void {
    const node = this.#node(id);
    node.released = true;
    if (node === this.#head) return;
    this.#drop(node);
  }

  changedSince(id: number): ReadonlySet<Page> {
    const pages = new Set(this.#changed.keys());
    for (let node: Node | undefined = this.#node(id); node !== undefined; node = node.next) for (const page of node.difference.keys()) pages.add(page);
    return pages;
  }

  /** Takes a released node out: those that point at it inherit its difference. */
  #drop(node: Node): void {
    for (const other of this.#nodes.values()) {
      if (other.next !== node) continue;
      for (const [page, state] of node.difference) if (!other.difference.has(page)) other.difference.set(page, state);
      other.next = node.next;
    }
    this.#nodes.delete(node.id);
  }

  #node(id: number): Node {
    const node = this.#nodes.get(id);
    if (node === undefined || node.released) throw new RangeError(`there is no memory checkpoint ${String(id)}: it was released`);
    return node;
  }
}
