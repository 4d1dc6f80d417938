/**
 * The translation windows that generated code goes through: for each of a number of pages, where in the arena they are, as far as an access
 * needs no other check. And exact windows for single accesses of one instruction that no window can express.
 */
import type { Arena } from './arena.ts';
import { pageOffset } from './access.ts';
import { ACCESS, BOUNCE, CLOSED_WINDOWS, EXTRA, USER_WINDOWS, WINDOWS } from './layout.ts';
import { PAGE_SIZE } from './memory.ts';
import type { Page } from './page.ts';
import { firstIn, gapAround } from './poison.ts';

/** The longest access that goes through a window. */
const LONGEST = 64;

/** An access that is allowed, to be made possible. */
export interface OpenAccess {
  readonly address: bigint;
  readonly size: number;
  /** Bits of {@link ACCESS}. */
  readonly kind: number;
  readonly page: Page;
  /** The page of its last byte: `page` itself unless it crosses the border. */
  readonly next: Page;
}

/** Bytes that an access was given elsewhere and that belong to `address`. */
interface Scatter {
  readonly address: bigint;
  readonly size: number;
  readonly from: number;
}

export class Windows {
  readonly #arena: Arena;
  readonly #scatters: Scatter[] = [];
  #bounces = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    for (let i = 0; i < WINDOWS.COUNT; i++) closeEntry(arena, CLOSED_WINDOWS, i);
    this.closeAll();
  }

  /**
   * Opens the page's windows for an access within it. `openForUser`: only while the kernel may access user memory. `following` is the page
   * behind it. False if the page's poison leaves no piece that a read window can express.
   */
  open({ address, kind, page }: OpenAccess, openForUser: boolean, following: Page | undefined): boolean {
    if ((kind & ACCESS.WRITE) !== 0) this.#set(WINDOWS.WRITE, page, 0, openForUser);
    return (kind & ACCESS.READ) === 0 || this.#openRead(page, pageOffset(address), openForUser, following);
  }

  /**
   * Opens an exact window, which lasts until {@link endExact}. `bytes` reads the access's bytes: they are moved together where they do not lie
   * in a row, and also if `apart`, so that what is written to them can be looked at before it is brought back.
   */
  openExact({ address, size, kind, page, next }: OpenAccess, apart: boolean, bytes: () => Uint8Array): void {
    const arena = this.#arena;
    const count = arena.i32[EXTRA.COUNT >> 2]!;
    if (count >= EXTRA.MAX) throw new Error('an instruction made more memory accesses than any has');
    let base = page.frame + pageOffset(address);
    const contiguous = page === next || next.frame === page.frame + PAGE_SIZE;
    if (!contiguous || apart) {
      base = BOUNCE.BASE + BOUNCE.SIZE * this.#bounces++;
      arena.u8.set(bytes(), base);
      if ((kind & ACCESS.WRITE) !== 0) this.#scatters.push({ address, size, from: base });
    }
    const entry = EXTRA.ENTRIES + EXTRA.ENTRY * count;
    arena.i64[entry >> 3] = BigInt.asIntN(64, address);
    arena.i64[(entry + 8) >> 3] = BigInt.asIntN(64, address + BigInt(size));
    arena.i32[(entry + 16) >> 2] = base;
    arena.i32[(entry + 20) >> 2] = kind;
    arena.i32[EXTRA.COUNT >> 2] = count + 1;
  }

  /** Closes the exact windows; returns what was written apart, by the address it belongs to. */
  endExact(): readonly { readonly address: bigint; readonly bytes: Uint8Array }[] {
    this.#arena.i32[EXTRA.COUNT >> 2] = 0;
    this.#bounces = 0;
    if (this.#scatters.length === 0) return NOTHING;
    return this.#scatters.splice(0).map(({ address, size, from }) => ({ address, bytes: this.#arena.u8.slice(from, from + size) }));
  }

  closeAll(): void {
    closeTable(this.#arena, WINDOWS.READ);
    this.closeForWriting();
    this.#arena.i32[USER_WINDOWS.COUNT >> 2] = 0;
    this.#arena.i32[EXTRA.COUNT >> 2] = 0;
  }

  closeForWriting(): void {
    closeTable(this.#arena, WINDOWS.WRITE);
  }

  /** Closes a page's window for writing, and for reading too if `read`. */
  close(page: Page, read: boolean): void {
    const index = page.number % WINDOWS.COUNT;
    closeEntry(this.#arena, WINDOWS.WRITE, index);
    if (read) closeEntry(this.#arena, WINDOWS.READ, index);
  }

  #openRead(page: Page, offset: number, openForUser: boolean, next: Page | undefined): boolean {
    if (page.poison.length === 0) {
      this.#set(WINDOWS.READ, page, 0, openForUser);
      return true;
    }
    const [from, to] = gapAround(page.poison, offset, PAGE_SIZE)!;
    if (from === 0) this.#set(WINDOWS.READ, page, to - PAGE_SIZE, openForUser);
    else {
      // A window behind poison reaches into the next page: only good if an access across the border would be.
      if (to !== PAGE_SIZE || next?.permissions?.read !== true || next.frame !== page.frame + PAGE_SIZE) return false;
      if (next.permissions.user !== page.permissions!.user || next.absent.length > 0 || firstIn(next.poison, 0, LONGEST) !== undefined) return false;
      this.#set(WINDOWS.READ, page, from, openForUser);
    }
    return true;
  }

  #set(table: number, page: Page, shift: number, openForUser: boolean): void {
    const arena = this.#arena;
    const entry = table + (page.number % WINDOWS.COUNT) * WINDOWS.ENTRY;
    arena.i64[entry >> 3] = BigInt.asIntN(64, BigInt(page.number) * 4096n + BigInt(shift));
    arena.i32[(entry + 8) >> 2] = page.frame + shift;
    if (!openForUser) return;
    const count = arena.i32[USER_WINDOWS.COUNT >> 2]!;
    if (count >= USER_WINDOWS.MAX) {
      // Closing all but this one keeps the list short without searching it.
      const tag = arena.i64[entry >> 3]!;
      this.closeAll();
      arena.i64[entry >> 3] = tag;
      this.#listForUser(0, entry);
    } else this.#listForUser(count, entry);
  }

  #listForUser(count: number, entry: number): void {
    this.#arena.i32[(USER_WINDOWS.ENTRIES >> 2) + count] = entry;
    this.#arena.i32[USER_WINDOWS.COUNT >> 2] = count + 1;
  }
}

const NOTHING: readonly never[] = [];

function closeTable(arena: Arena, table: number): void {
  arena.u8.copyWithin(table, CLOSED_WINDOWS, CLOSED_WINDOWS + WINDOWS.ENTRY * WINDOWS.COUNT);
}

/** A closed entry's tag is half the table away from every address that selects it. */
const CLOSED = Array.from({ length: WINDOWS.COUNT }, (_, i) => BigInt(i ^ 128) << 12n);

function closeEntry(arena: Arena, table: number, index: number): void {
  arena.i64[(table + index * WINDOWS.ENTRY) >> 3] = CLOSED[index]!;
}
