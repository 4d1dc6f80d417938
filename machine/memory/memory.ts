/**
 * The guest's memory as the rest of `machine/` sees it: 4 KiB pages with permissions, poison, and cheap going back.
 */

export const PAGE_SIZE = 4096;
/** Bytes of a cache line, the unit in which hardware reports poison (SDM 3B 16.9.3.2, MISC.LSB = 6). */
export const LINE_SIZE = 64;

export interface PagePermissions {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** A user page: ring 3 may touch it; ring 0 only with SMAP off or AC set. */
  readonly user: boolean;
}

/** `line`: a read of any byte of a poisoned line faults (hardware). `byte`: only a read of a poisoned byte itself (test mode). */
export type PoisonGranule = 'line' | 'byte';

export interface PagedMemory {
  /** Maps zeroed pages over [address, address + size), rounded outwards to pages; replaces what was mapped. */
  map(address: bigint, size: number, permissions: PagePermissions): void;
  unmap(address: bigint, size: number): void;
  protect(address: bigint, size: number, permissions: PagePermissions): void;
  /** Permissions of the page that holds `address`, undefined if unmapped. */
  permissions(address: bigint): PagePermissions | undefined;
  /** Deterministic physical address of a mapped byte: what MCi_ADDR reports. */
  physical(address: bigint): bigint | undefined;

  /** Copies without any permission, poison or fault: the debugger's and loader's view. Stops at the first unmapped byte; returns what was there. */
  read(address: bigint, size: number): Uint8Array;
  /** As `read`; returns how many bytes were written. Code that was decoded from these bytes is dropped. */
  write(address: bigint, bytes: Uint8Array): number;

  /** Bytes [address, address + size) become poisoned (by `granule`: the lines that hold them). */
  poison(address: bigint, size: number): void;
  /** Takes poison away; all of it without arguments. */
  unpoison(address?: bigint, size?: number): void;
  readonly poisoned: readonly { readonly address: bigint; readonly size: number }[];
  readonly granule: PoisonGranule;

  /** Bytes [address, address + size) of mapped pages are no longer there: an access to any of them is a page fault, as if pages ended there. Test mode: hardware knows whole pages. */
  remove(address: bigint, size: number): void;

  /** Replaces the areas whose accesses the CPU's runs end behind. */
  watch(areas: readonly WatchArea[]): void;

  /** A checkpoint that `restore` goes back to: page contents, mappings and poison. Cost is per page changed since. */
  checkpoint(): MemoryCheckpoint;
  restore(checkpoint: MemoryCheckpoint): void;
  release(checkpoint: MemoryCheckpoint): void;
  /** Bytes of page contents that are held for checkpoints, at most. */
  readonly checkpointBytes: number;
  /** Half-open ranges written since the checkpoint, page-granular, for diffs and resets. */
  changedSince(checkpoint: MemoryCheckpoint): readonly { readonly address: bigint; readonly size: number }[];
}

/** Memory that is watched: how, is told by `kind`. */
export interface WatchArea {
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly kind: 'read' | 'write' | 'read-write';
}

/** An access that touched a watched area. */
export interface WatchedAccess {
  readonly address: bigint;
  readonly size: number;
  readonly kind: WatchArea['kind'];
}

/** Opaque. */
export interface MemoryCheckpoint {
  readonly id: number;
}
