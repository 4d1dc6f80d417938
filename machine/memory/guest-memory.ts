/**
 * The guest's memory: pages in the arena, permissions, poison, checkpoints, and the translation windows that generated code goes through.
 */
import { isCanonical, PAGE_COUNT, pageNumber, pageOffset, whyNot } from './access.ts';
import type { AccessMode, MemoryFault } from './access.ts';
import type { Arena } from './arena.ts';
import { Checkpoints } from './checkpoints.ts';
import { ACCESS, FRAMES_BASE } from './layout.ts';
import { LINE_SIZE, PAGE_SIZE } from './memory.ts';
import type { MemoryCheckpoint, PagedMemory, PagePermissions, PoisonGranule, WatchArea } from './memory.ts';
import { Page, UNMAPPED } from './page.ts';
import type { PageState } from './page.ts';
import { addRange, firstIn, NO_RANGES, removeRange } from './poison.ts';
import { Watches } from './watches.ts';
import { Windows } from './windows.ts';

/** Pages one call may map: 256 MiB of buffer with room to spare. */
const MAP_LIMIT = 0x4000_0000;
const PHYSICAL_BASE = 0x1_0000_0000n;
/** The largest alignment that alignment checks ask for (measured on a family 1Ah processor). */
const ALIGNMENT = 16;

const MASK64 = (1n << 64n) - 1n;
const PAGE_MASK = BigInt(PAGE_SIZE - 1);

export class GuestMemory implements PagedMemory {
  readonly granule: PoisonGranule;
  readonly arena: Arena;
  /** Called when bytes that instructions were decoded from change, with the page's number. */
  onCodeChanged: (page: number) => void = () => undefined;
  readonly #pages = new Map<number, Page>();
  readonly #checkpoints: Checkpoints;
  readonly #windows: Windows;
  readonly watches = new Watches();

  constructor(arena: Arena, granule: PoisonGranule) {
    this.arena = arena;
    this.granule = granule;
    this.#windows = new Windows(arena);
    this.#checkpoints = new Checkpoints({
      capture: (page) => page.state(this.arena),
      apply: (page, state) => { this.#apply(page, state); },
    });
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

  watch(areas: readonly WatchArea[]): void {
    this.watches.set(areas);
    this.closeWindows();
  }

  checkpoint(): MemoryCheckpoint {
    for (const page of this.#checkpoints.active ? this.#checkpoints.changed.keys() : this.#pages.values()) {
      page.saved = false;
      page.shadow = undefined;
    }
    this.#windows.closeForWriting();
    return { id: this.#checkpoints.create() };
  }

  restore(checkpoint: MemoryCheckpoint): void {
    const touched = this.#checkpoints.restore(checkpoint.id);
    for (const page of touched) this.#windows.close(page, true);
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
    const offset = pageOffset(address);
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
    const following = this.#pages.get((page.number + 1) % PAGE_COUNT);
    const crossing = pageOffset(address) + size > PAGE_SIZE;
    const next = crossing ? following! : page;
    const writes = (kind & ACCESS.WRITE) !== 0;
    if (writes) {
      this.#beforeWrite(page);
      if (crossing) this.#beforeWrite(next);
    }
    const watched = this.watches.has(page.number) || (crossing && this.watches.has(next.number));
    if (watched) this.watches.note(address, size, kind);
    const access = { address, size, kind, page, next };
    const bytes = (): Uint8Array => this.read(address, size);
    // Windows do not look at alignment.
    if (exact || watched || crossing || mode.aligned === true || (writes && page.code) || page.absent.length > 0) {
      this.#windows.openExact(access, writes && (page.code || next.code), bytes);
      return true;
    }
    const openForUser = !mode.user && mode.smap === false && page.permissions!.user;
    const behind = following !== undefined && this.watches.has(following.number) ? undefined : following;
    if (this.#windows.open(access, openForUser, behind)) return false;
    this.#windows.openExact(access, false, bytes);
    return true;
  }

  /** After the instruction that exact windows were opened for: brings bytes that were moved to their pages and closes the windows. */
  endExact(commit: boolean): void {
    const apart = this.#windows.endExact();
    if (!commit) return;
    for (const { address, bytes } of apart) {
      const old = this.read(address, bytes.length);
      if (bytes.some((byte, i) => byte !== old[i])) this.write(address, bytes);
    }
  }

  closeWindows(): void {
    this.#windows.closeAll();
  }

  /** Marks a page as one whose bytes were decoded: writes to it are then noticed. */
  markCode(page: Page): void {
    if (page.code) return;
    page.code = true;
    this.#windows.close(page, false);
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
      const offset = pageOffset(at);
      const length = Math.min(size - done, PAGE_SIZE - offset);
      act(page, offset, length, done);
      done += length;
    }
    return done;
  }
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

function equalBytes(bytes: Uint8Array, memory: Uint8Array, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== memory[at + i]) return false;
  return true;
}
