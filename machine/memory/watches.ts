/**
 * Watched areas, and which of the accesses of an instruction touched one. Pages with such areas have no windows, so that each access is asked for.
 */
import { pageNumber } from './access.ts';
import { ACCESS } from './layout.ts';
import type { WatchArea, WatchedAccess } from './memory.ts';

const KINDS: Readonly<Record<WatchArea['kind'], number>> = { 'read': ACCESS.READ, 'write': ACCESS.WRITE, 'read-write': ACCESS.READ | ACCESS.WRITE };

export class Watches {
  #areas: readonly WatchArea[] = [];
  #pages: ReadonlySet<number> = new Set();
  #touched: WatchedAccess | undefined;

  set(areas: readonly WatchArea[]): void {
    this.#areas = areas.filter(({ size }) => size > 0).map((area) => ({ ...area, address: BigInt.asUintN(64, area.address) }));
    const pages = new Set<number>();
    for (const { address, size } of this.#areas) {
      const last = pageNumber(address + BigInt(size - 1));
      for (let page = pageNumber(address); page <= last; page++) pages.add(page);
    }
    this.#pages = pages;
    this.#touched = undefined;
  }

  /** Whether accesses to the page have to be looked at. */
  has(page: number): boolean {
    return this.#pages.size > 0 && this.#pages.has(page);
  }

  /** An access that is about to happen; `kind` are bits of ACCESS. The first that touches an area is kept. */
  note(address: bigint, size: number, kind: number): void {
    if (this.#pages.size === 0 || this.#touched !== undefined) return;
    const end = address + BigInt(size);
    const hit = this.#areas.find((area) => (KINDS[area.kind] & kind) !== 0 && address < area.address + BigInt(area.size) && area.address < end);
    if (hit === undefined) return;
    const done = (['read-write', 'read', 'write'] as const).find((name) => KINDS[name] === (kind & (ACCESS.READ | ACCESS.WRITE)))!;
    this.#touched = { address, size, kind: done };
  }

  /** What {@link note} kept since it was last asked. */
  take(): WatchedAccess | undefined {
    const touched = this.#touched;
    this.#touched = undefined;
    return touched;
  }
}
