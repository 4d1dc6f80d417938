/**
 * The guest's memory: pages in the arena, permissions, poison, checkpoints, and the translation windows that generated code goes through.
 */
import type { Arena } from './arena.ts';
import { Checkpoints } from './checkpoints.ts';
import { ACCESS, BOUNCE, CLOSED_WINDOWS, EXTRA, FRAMES_BASE, USER_WINDOWS, WINDOWS } from './layout.ts';
import { LINE_SIZE, PAGE_SIZE } from './memory.ts';
import type { MemoryCheckpoint, PagedMemory, PagePermissions, PoisonGranule } from './memory.ts';
import { Page, UNMAPPED } from './page.ts';
import type { PageState } from './page.ts';
import { addRange, firstIn, gapAround, NO_RANGES, removeRange } from './poison.ts';

/** Pages one call may map: 256 MiB of buffer with room to spare. */
const MAP_LIMIT = 0x4000_0000;
const PHYSICAL_BASE = 0x1_0000_0000n;
/** The longest access that goes through a window. */
const LONGEST = 64;
/** The largest alignment that alignment checks ask for (measured on a family 1Ah processor). */
const ALIGNMENT = 16;

/** What of the processor's state decides whether an access is allowed. */
export interface AccessMode {
  readonly user: boolean;
  /** Supervisor accesses to user pages fault: CR4.SMAP set and EFLAGS.AC clear. */
  readonly smap: boolean;
  readonly smep: boolean;
  /** CR0.WP: supervisor writes obey read-only pages. */
  readonly writeProtect: boolean;
  /** Accesses must lie at multiples of their size: ring 3 with EFLAGS.AC and CR0.AM set. */
  readonly aligned?: boolean;
  /** Bits of a linear address: 48, or 57 with CR4.LA57. */
  readonly addressBits: number;
}

/** Why an access is not possible. */
export type MemoryFault =
  | { readonly kind: 'non-canonical' }
  | { readonly kind: 'misaligned' }
  | { readonly kind: 'page'; readonly address: bigint; readonly errorCode: number }
  | { readonly kind: 'poison'; readonly address: bigint };

const MASK64 = (1n << 64n) - 1n;
const PAGE_MASK = BigInt(PAGE_SIZE - 1);

interface Scatter {
  readonly address: bigint;
  readonly size: number;
  readonly from: number;
}

export class GuestMemory implements PagedMemory {
  readonly granule: PoisonGranule;
  readonly arena: Arena;
  /** Called when bytes that instructions were decoded from change, with the page's number. */
  onCodeChanged: (page: number) => void = () => undefined;
  readonly #pages = new Map<number, Page>();
  readonly #checkpoints: Checkpoints;
  readonly #scatters: Scatter[] = [];
  #bounces = 0;

  constructor(arena: Arena, granule: PoisonGranule) {
    this.arena = arena;
    this.granule = granule;
    this.#checkpoints = new Checkpoints({
      capture: (page) => page.state(this.arena),
      apply: (page, state) => { this.#apply(page, state); },
    });
    for (let i = 0; i < WINDOWS.COUNT; i++) closeEntry(arena, CLOSED_WINDOWS, i);
    this.closeWindows();
  }

  map(address: bigint, size: number, permissions: PagePermissions): void {
    const [first, count] = pagesOf(address, size);
    // New pages of one call get frames in a row, so that accesses across their borders need no copying.
    let missing = 0;
    for (let i = 0; i < count; i++) if (!this.#pages.has(first + i)) missing++;
    let frame = missing === 0 ? 0 : this.arena.frames(missing);
    for (let i = 0; i < count; i++) {
      let page = this.#pages.get(first + i);
      if (page === undefined) {
        page = new Page(first + i, frame);
        frame += PAGE_SIZE;
        this.#pages.set(page.number, page);
        this.#checkpoints.save(page, UNMAPPED);
        page.saved = true;
      } else {
        this.#beforeChange(page);
        this.#dropCode(page);
        this.arena.u8.fill(0, page.frame, page.frame + PAGE_SIZE);
      }
      page.permissions = permissions;
      page.poison = NO_RANGES;
      page.absent = NO_RANGES;
    }
    this.closeWindows();
  }

  unmap(address: bigint, size: number): void {
    this.#eachMapped(address, size, (page) => {
      this.#beforeChange(page);
      this.#dropCode(page);
      page.permissions = undefined;
      page.poison = NO_RANGES;
      page.absent = NO_RANGES;
    });
    this.closeWindows();
  }

  protect(address: bigint, size: number, permissions: PagePermissions): void {
    this.#eachMapped(address, size, (page) => {
      this.#beforeChange(page);
      this.#dropCode(page);
      page.permissions = permissions;
    });
    this.closeWindows();
  }

  permissions(address: bigint): PagePermissions | undefined {
    return this.pageAt(address)?.permissions;
  }

  physical(address: bigint): bigint | undefined {
    const page = this.pageAt(address);
    if (page?.permissions === undefined) return undefined;
    return PHYSICAL_BASE + BigInt(page.frame - FRAMES_BASE) + (address & PAGE_MASK);
  }

  read(address: bigint, size: number): Uint8Array {
    const out = new Uint8Array(size);
    const done = this.#copy(address, size, (page, offset, length, at) => {
      out.set(this.arena.u8.subarray(page.frame + offset, page.frame + offset + length), at);
    });
    return done === size ? out : out.slice(0, done);
  }

  write(address: bigint, bytes: Uint8Array): number {
    return this.#copy(address, bytes.length, (page, offset, length, at) => {
      this.#beforeChange(page);
      this.#dropCode(page);
      this.arena.u8.set(bytes.subarray(at, at + length), page.frame + offset);
    });
  }

  poison(address: bigint, size: number): void {
    const [from, to] = this.#granules(address, size);
    this.#eachRange(from, to, (page, a, b) => { page.poison = addRange(page.poison, a, b); });
  }

  remove(address: bigint, size: number): void {
    this.#eachRange(address, address + BigInt(size), (page, a, b) => { page.absent = addRange(page.absent, a, b); });
  }

  unpoison(address?: bigint, size?: number): void {
    if (address === undefined) {
      for (const page of this.#pages.values()) {
        if (page.poison.length === 0) continue;
        this.#beforeChange(page);
        page.poison = NO_RANGES;
        this.#dropCode(page);
      }
      this.closeWindows();
      return;
    }
    const [from, to] = this.#granules(address, size ?? 1);
    this.#eachRange(from, to, (page, a, b) => { page.poison = removeRange(page.poison, a, b); });
  }

  get poisoned(): readonly { readonly address: bigint; readonly size: number }[] {
    const pages = [...this.#pages.values()].filter((page) => page.poison.length > 0).sort((a, b) => a.number - b.number);
    const out: { address: bigint; size: number }[] = [];
    for (const page of pages) {
      for (const [from, to] of page.poison) {
        const address = BigInt(page.number) * 4096n + BigInt(from);
        const last = out.at(-1);
        if (last !== undefined && last.address + BigInt(last.size) === address) last.size += to - from;
        else out.push({ address, size: to - from });
      }
    }
    return out;
  }

  checkpoint(): MemoryCheckpoint {
    for (const page of this.#checkpoints.active ? this.#checkpoints.changed.keys() : this.#pages.values()) {
      page.saved = false;
      page.shadow = undefined;
    }
    this.#closeWriteWindows();
    return { id: this.#checkpoints.create() };
  }

  restore(checkpoint: MemoryCheckpoint): void {
    const touched = this.#checkpoints.restore(checkpoint.id);
    for (const page of touched) this.#closeWindow(page, true);
  }

  release(checkpoint: MemoryCheckpoint): void {
    this.#checkpoints.release(checkpoint.id);
  }

  get checkpointBytes(): number {
    return this.#checkpoints.held * PAGE_SIZE;
  }

  changedSince(checkpoint: MemoryCheckpoint): readonly { readonly address: bigint; readonly size: number }[] {
    const numbers = [...this.#checkpoints.changedSince(checkpoint.id)].map((page) => page.number).sort((a, b) => a - b);
    const out: { address: bigint; size: number }[] = [];
    for (const number of numbers) {
      const address = BigInt(number) * 4096n;
      const last = out.at(-1);
      if (last !== undefined && last.address + BigInt(last.size) === address) last.size += PAGE_SIZE;
      else out.push({ address, size: PAGE_SIZE });
    }
    return out;
  }

  /** The page that holds `address`, mapped or once mapped. */
  pageAt(address: bigint): Page | undefined {
    return this.#pages.get(pageNumber(address));
  }

  /** Whether the processor may make this access; the first reason why not. Permissions of all its pages come before poison, as on hardware. */
  check(address: bigint, size: number, kind: number, mode: AccessMode): MemoryFault | undefined {
    if (!isCanonical(address, mode.addressBits) || !isCanonical(address + BigInt(size - 1), mode.addressBits)) return { kind: 'non-canonical' };
    // Processors find this before they look at the page, and want no more than 16 bytes. Areas that are no power of two are made of smaller accesses.
    if (mode.aligned === true && (size & (size - 1)) === 0 && (address & BigInt(Math.min(size, ALIGNMENT) - 1)) !== 0n) return { kind: 'misaligned' };
    const offset = Number(address & PAGE_MASK);
    const number = pageNumber(address);
    // Not the last byte's page number: an access may run over the end of the address space into page 0.
    const last = number + Math.floor((offset + size - 1) / PAGE_SIZE);
    for (let n = number; n <= last; n++) {
      const page = this.#pages.get(n % PAGE_COUNT);
      const errorCode = whyNot(page?.permissions, kind, mode);
      if (errorCode !== undefined) return { kind: 'page', errorCode, address: n === number ? address & MASK64 : (BigInt(n) * 4096n) & MASK64 };
      const start = (n - number) * PAGE_SIZE;
      const at = page === undefined || page.absent.length === 0 ? undefined : firstIn(page.absent, Math.max(0, offset - start), Math.min(PAGE_SIZE, offset + size - start));
      if (at !== undefined) return { kind: 'page', errorCode: whyNot(undefined, kind, mode)!, address: (BigInt(n) * 4096n + BigInt(at)) & MASK64 };
    }
    if ((kind & ACCESS.READ) === 0) return undefined;
    for (let n = number; n <= last; n++) {
      const page = this.#pages.get(n % PAGE_COUNT)!;
      if (page.poison.length === 0) continue;
      const start = (n - number) * PAGE_SIZE;
      const at = firstIn(page.poison, Math.max(0, offset - start), Math.min(PAGE_SIZE, offset + size - start));
      if (at !== undefined) return { kind: 'poison', address: (BigInt(n) * 4096n + BigInt(at)) & MASK64 };
    }
    return undefined;
  }

  /**
   * Makes the access possible for generated code: opens a window, or (`exact`, or where no window can express it) an exact one that
   * lasts until {@link endExact}. Returns the fault if the access is not allowed, else whether an exact window was needed.
   */
  open(address: bigint, size: number, kind: number, mode: AccessMode, exact: boolean): MemoryFault | boolean {
    const fault = this.check(address, size, kind, mode);
    if (fault !== undefined) return fault;
    const page = this.pageAt(address)!;
    const offset = Number(address & PAGE_MASK);
    const crossing = offset + size > PAGE_SIZE;
    const next = crossing ? this.#pages.get((page.number + 1) % PAGE_COUNT)! : page;
    const writes = (kind & ACCESS.WRITE) !== 0;
    if (writes) {
      this.#beforeWrite(page);
      if (crossing) this.#beforeWrite(next);
    }
    // Windows do not look at alignment.
    if (exact || crossing || mode.aligned === true || (writes && page.code) || page.absent.length > 0) {
      this.#openExact(address, size, kind, page, next, writes && (page.code || next.code));
      return true;
    }
    let opened = true;
    const openForUser = !mode.user && mode.smap === false && page.permissions!.user;
    if (writes) this.#setWindow(WINDOWS.WRITE, page, 0, openForUser);
    if ((kind & ACCESS.READ) !== 0) opened = this.#openReadWindow(page, offset, openForUser);
    if (!opened) this.#openExact(address, size, kind, page, page, false);
    return !opened;
  }

  /** After the instruction that exact windows were opened for: brings bounced bytes to their pages and closes the windows. */
  endExact(commit: boolean): void {
    this.arena.i32[EXTRA.COUNT >> 2] = 0;
    this.#bounces = 0;
    if (this.#scatters.length === 0) return;
    const scatters = this.#scatters.splice(0);
    if (!commit) return;
    for (const { address, size, from } of scatters) {
      const bytes = this.arena.u8.slice(from, from + size);
      const old = this.read(address, size);
      if (bytes.some((byte, i) => byte !== old[i])) this.write(address, bytes);
    }
  }

  closeWindows(): void {
    closeAll(this.arena, WINDOWS.READ);
    this.#closeWriteWindows();
    this.arena.i32[USER_WINDOWS.COUNT >> 2] = 0;
    this.arena.i32[EXTRA.COUNT >> 2] = 0;
  }

  /** Marks a page as one whose bytes were decoded: writes to it are then noticed. */
  markCode(page: Page): void {
    if (page.code) return;
    page.code = true;
    this.#closeWindow(page, false);
  }

  #openExact(address: bigint, size: number, kind: number, page: Page, next: Page, code: boolean): void {
    const { arena } = this;
    const count = arena.i32[EXTRA.COUNT >> 2]!;
    if (count >= EXTRA.MAX) throw new Error('an instruction made more memory accesses than any has');
    const offset = Number(address & PAGE_MASK);
    let base = page.frame + offset;
    const contiguous = page === next || next.frame === page.frame + PAGE_SIZE;
    if (!contiguous || code) {
      base = BOUNCE.BASE + BOUNCE.SIZE * this.#bounces++;
      arena.u8.set(this.read(address, size), base);
      if ((kind & ACCESS.WRITE) !== 0) this.#scatters.push({ address, size, from: base });
    }
    const entry = EXTRA.ENTRIES + EXTRA.ENTRY * count;
    arena.i64[entry >> 3] = BigInt.asIntN(64, address);
    arena.i64[(entry + 8) >> 3] = BigInt.asIntN(64, address + BigInt(size));
    arena.i32[(entry + 16) >> 2] = base;
    arena.i32[(entry + 20) >> 2] = kind;
    arena.i32[EXTRA.COUNT >> 2] = count + 1;
  }

  /** False if the page's poison leaves no piece that a window can express. */
  #openReadWindow(page: Page, offset: number, openForUser: boolean): boolean {
    if (page.poison.length === 0) {
      this.#setWindow(WINDOWS.READ, page, 0, openForUser);
      return true;
    }
    const [from, to] = gapAround(page.poison, offset, PAGE_SIZE)!;
    if (from === 0) this.#setWindow(WINDOWS.READ, page, to - PAGE_SIZE, openForUser);
    else {
      // A window behind poison reaches into the next page: only good if an access across the border would be.
      const next = this.#pages.get(page.number + 1);
      if (to !== PAGE_SIZE || next?.permissions?.read !== true || next.frame !== page.frame + PAGE_SIZE) return false;
      if (next.permissions.user !== page.permissions!.user || next.absent.length > 0 || firstIn(next.poison, 0, LONGEST) !== undefined) return false;
      this.#setWindow(WINDOWS.READ, page, from, openForUser);
    }
    return true;
  }

  #setWindow(table: number, page: Page, shift: number, openForUser: boolean): void {
    const { arena } = this;
    const entry = table + (page.number % WINDOWS.COUNT) * WINDOWS.ENTRY;
    arena.i64[entry >> 3] = BigInt.asIntN(64, BigInt(page.number) * 4096n + BigInt(shift));
    arena.i32[(entry + 8) >> 2] = page.frame + shift;
    if (!openForUser) return;
    const count = arena.i32[USER_WINDOWS.COUNT >> 2]!;
    if (count >= USER_WINDOWS.MAX) {
      // Closing all but this one keeps the list short without searching it.
      const tag = arena.i64[entry >> 3]!;
      this.closeWindows();
      arena.i64[entry >> 3] = tag;
      this.#listUserWindow(0, entry);
    } else this.#listUserWindow(count, entry);
  }

  #listUserWindow(count: number, entry: number): void {
    this.arena.i32[(USER_WINDOWS.ENTRIES >> 2) + count] = entry;
    this.arena.i32[USER_WINDOWS.COUNT >> 2] = count + 1;
  }

  #closeWindow(page: Page, read: boolean): void {
    const index = page.number % WINDOWS.COUNT;
    closeEntry(this.arena, WINDOWS.WRITE, index);
    if (read) closeEntry(this.arena, WINDOWS.READ, index);
  }

  #closeWriteWindows(): void {
    closeAll(this.arena, WINDOWS.WRITE);
  }

  #apply(page: Page, state: PageState): void {
    this.#dropCode(page, state);
    // Poison of a neighbour decides how far this page's read window may reach.
    if (page.poison !== state.poison || page.absent !== state.absent || page.permissions !== state.permissions) this.closeWindows();
    page.apply(this.arena, state);
    page.saved = false;
    page.shadow = state;
  }

  /** Before anything of a page changes. */
  #beforeChange(page: Page): void {
    this.#beforeWrite(page);
  }

  #beforeWrite(page: Page): void {
    if (page.saved) return;
    page.saved = true;
    if (!this.#checkpoints.active) return;
    const state = page.shadow ?? page.state(this.arena);
    page.shadow = undefined;
    this.#checkpoints.save(page, state);
  }

  #dropCode(page: Page, becomes?: PageState): void {
    if (!page.code) return;
    if (becomes?.bytes !== undefined && becomes.permissions === page.permissions && becomes.poison === page.poison && becomes.absent === page.absent
      && equalBytes(becomes.bytes, this.arena.u8, page.frame)) return;
    page.code = false;
    this.onCodeChanged(page.number);
  }

  #granules(address: bigint, size: number): readonly [bigint, bigint] {
    const end = address + BigInt(size);
    if (this.granule === 'byte') return [address, end];
    const line = BigInt(LINE_SIZE);
    return [address / line * line, (end + line - 1n) / line * line];
  }

  #eachRange(from: bigint, to: bigint, change: (page: Page, from: number, to: number) => void): void {
    this.#eachMapped(from, Number(to - from), (page) => {
      const start = BigInt(page.number) * 4096n;
      const a = from > start ? Number(from - start) : 0;
      const b = to < start + 4096n ? Number(to - start) : PAGE_SIZE;
      this.#beforeChange(page);
      change(page, a, b);
      this.#dropCode(page);
    });
    this.closeWindows();
  }

  #eachMapped(address: bigint, size: number, act: (page: Page) => void): void {
    if (size <= 0) return;
    const [first, count] = pagesOf(address, size);
    for (let i = 0; i < count; i++) {
      const page = this.#pages.get(first + i);
      if (page?.permissions !== undefined) act(page);
    }
  }

  #copy(address: bigint, size: number, act: (page: Page, offset: number, length: number, at: number) => void): number {
    let done = 0;
    while (done < size) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const page = this.pageAt(at);
      if (page?.permissions === undefined) break;
      const offset = Number(at & PAGE_MASK);
      const length = Math.min(size - done, PAGE_SIZE - offset);
      act(page, offset, length, done);
      done += length;
    }
    return done;
  }
}

function closeAll(arena: Arena, table: number): void {
  arena.u8.copyWithin(table, CLOSED_WINDOWS, CLOSED_WINDOWS + WINDOWS.ENTRY * WINDOWS.COUNT);
}

/** A closed entry's tag is half the table away from every address that selects it. */
const CLOSED = Array.from({ length: WINDOWS.COUNT }, (_, i) => BigInt(i ^ 128) << 12n);

function closeEntry(arena: Arena, table: number, index: number): void {
  arena.i64[(table + index * WINDOWS.ENTRY) >> 3] = CLOSED[index]!;
}

/** Pages in 64 bits of address. */
const PAGE_COUNT = 2 ** 52;

function pageNumber(address: bigint): number {
  return Number(BigInt.asUintN(64, address) >> 12n);
}

function pagesOf(address: bigint, size: number): readonly [first: number, count: number] {
  if (!Number.isInteger(size) || size < 0 || size > MAP_LIMIT) throw new RangeError(`${String(size)} bytes of guest memory: sizes are 0 to ${String(MAP_LIMIT)}`);
  if (size === 0) return [0, 0];
  const start = BigInt.asUintN(64, address);
  const end = start + BigInt(size);
  if (end > 1n << 64n) throw new RangeError(`0x${start.toString(16)} + ${String(size)} bytes reaches beyond the address space`);
  const first = Number(start >> 12n);
  return [first, Number((end + PAGE_MASK) >> 12n) - first];
}

export function isCanonical(address: bigint, bits: number): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(bits, address)) === BigInt.asUintN(64, address);
}

/** #PF error code of an access that the page's permissions forbid (SDM 3A 4.6, 4.7). */
function whyNot(permissions: PagePermissions | undefined, kind: number, mode: AccessMode): number | undefined {
  const code = ((kind & ACCESS.WRITE) !== 0 ? 2 : 0) | (mode.user ? 4 : 0);
  if (permissions?.read !== true) return code;
  if (mode.user && !permissions.user) return code | 1;
  if (!mode.user && permissions.user && mode.smap) return code | 1;
  if ((kind & ACCESS.WRITE) !== 0 && !permissions.write && (mode.user || mode.writeProtect)) return code | 1;
  return undefined;
}

/** #PF error code of an instruction fetch, or undefined if it is allowed. */
export function whyNotFetch(permissions: PagePermissions | undefined, mode: AccessMode): number | undefined {
  const code = (mode.user ? 4 : 0) | 16;
  if (permissions?.read !== true) return code;
  if (mode.user !== permissions.user && (mode.user || mode.smep)) return code | 1;
  return permissions.execute ? undefined : code | 1;
}

function equalBytes(bytes: Uint8Array, memory: Uint8Array, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== memory[at + i]) return false;
  return true;
}
