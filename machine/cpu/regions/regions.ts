/**
 * Hot code as compiled regions: which addresses are hot (sampled at the ends of slices, which costs the interpreter nothing), which
 * regions exist, and when they have to go.
 */
import type { Arena } from '../../memory/arena.ts';
import { OP_FIELD, OP_SIZE } from '../../memory/layout.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { CodeCache } from '../code-cache.ts';
import type { CpuProfile } from '../cpu.ts';
import { MAX_INSTRUCTION_BYTES, PageDecoder } from '../decode.ts';
import type { Decoded } from '../decode.ts';
import { FIRST_REGION_SLOT, TABLE_SIZE } from '../interpreter/module.ts';
import type { State } from '../state.ts';
import { compileRegion } from './compile.ts';
import { discover } from './discover.ts';

/** Samples in one 64-byte line before it is compiled. */
const HOT = 2;
/** V8 maps memory for each live module; all regions go when there are so many. */
const REGION_LIMIT = 512;
/** The table's last place is the interpreter's loop. */
const SLOT_LIMIT = TABLE_SIZE - 1 - FIRST_REGION_SLOT;
/** Micro-ops that finding and writing a region may need. */
const RESERVE = 8192;
/** Addresses whose heat is remembered. */
const HEAT_LIMIT = 4096;

interface Region {
  readonly ips: ReadonlySet<bigint>;
  readonly pages: ReadonlySet<number>;
  /** The micro-ops it took over. */
  readonly entries: readonly number[];
}

export interface RegionHost {
  readonly arena: Arena;
  readonly memory: GuestMemory;
  readonly state: State;
  readonly code: CodeCache;
  readonly table: WebAssembly.Table;
  readonly profile: CpuProfile;
}

export class Regions {
  readonly #host: RegionHost;
  readonly #regions = new Set<Region>();
  readonly #covered = new Set<bigint>();
  readonly #heat = new Map<bigint, number>();
  /** Micro-ops that regions took over, as they were before. */
  readonly #taken = new Map<number, Uint8Array>();
  #slots = 0;
  /** Off: everything is interpreted. */
  enabled = true;

  constructor(host: RegionHost) {
    this.#host = host;
    host.code.onDrop = (page) => { this.#dropWhere((region) => region.pages.has(page)); };
    host.code.onFlush = () => { this.#forget(); };
  }

  get count(): number {
    return this.#regions.size;
  }

  /** Whether a region holds `ip`. */
  covers(ip: bigint): boolean {
    return this.#covered.has(ip);
  }

  /** Execution was seen at `ip`. Compiles what is there once it is hot. */
  sample(ip: bigint): void {
    if (!this.enabled || this.#covered.has(ip)) return;
    const line = ip >> 6n;
    const heat = (this.#heat.get(line) ?? 0) + 1;
    if (heat < HOT) {
      if (this.#heat.size >= HEAT_LIMIT) this.#heat.clear();
      this.#heat.set(line, heat);
      return;
    }
    this.#heat.delete(line);
    // A region that begins in the middle of a loop would cut the loop in two.
    this.compile(this.#host.code.leaderBefore(ip));
    if (!this.#covered.has(ip)) this.compile(ip);
  }

  /** Compiles the region that is reached from `ip` and `others`, if there is anything to compile. */
  compile(ip: bigint, others: readonly bigint[] = []): boolean {
    if (this.#regions.size >= REGION_LIMIT || this.#slots >= SLOT_LIMIT) this.dropAll();
    const { arena, code, state } = this.#host;
    code.reserve(RESERVE);
    const mode = state.accessMode;
    const discovery = discover([ip, ...others], (at) => {
      if (code.hasBreakpoint(at) || typeof code.resolve(at, mode) !== 'number') return undefined;
      return this.#decode(at);
    });
    if (!discovery.blocks.has(ip)) {
      // The interpreter's own: nothing to gain by looking again.
      this.#covered.add(ip);
      return false;
    }
    const shadows = new Map<bigint, number>();
    const opAt = (at: bigint): number => code.opFor(at);
    const region = compileRegion(discovery, 64 - mode.addressBits, (at, stay) => {
      if (!stay) return opAt(at);
      // Whether it becomes an entry is not decided yet; a shadow does for all.
      if (!discovery.blocks.has(at)) return opAt(at);
      let shadow = shadows.get(at);
      if (shadow === undefined) {
        const op = opAt(at);
        shadows.set(at, shadow = code.shadow(op));
        const original = this.#taken.get(op);
        if (original !== undefined) arena.u8.set(original, shadow);
      }
      return shadow;
    });
    this.#install(region.bytes, region.entries, discovery.blocks);
    return true;
  }

  /** Takes out the regions that hold one of `addresses`. */
  dropCovering(addresses: Iterable<bigint>): void {
    for (const address of addresses) if (this.#covered.has(address)) this.#dropWhere((region) => region.ips.has(address));
  }

  dropAll(): void {
    this.#dropWhere(() => true);
    this.#slots = 0;
  }

  #install(bytes: Uint8Array, entries: readonly bigint[], blocks: ReadonlyMap<bigint, { readonly instructions: readonly Decoded[] }>): void {
    const { arena, table, code } = this.#host;
    const slot = FIRST_REGION_SLOT + this.#slots++;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: arena.memory } });
    table.set(slot, instance.exports['region']);
    const installed: number[] = [];
    entries.forEach((ip, number) => {
      const op = code.opFor(ip);
      // Where another region begins already, that one stays.
      if (this.#taken.has(op)) return;
      this.#taken.set(op, arena.u8.slice(op, op + OP_SIZE));
      installed.push(op);
      arena.u16[(op + OP_FIELD.HANDLER) >> 1] = slot;
      arena.u16[(op + OP_FIELD.REGISTER[0]!) >> 1] = number;
    });
    const ips = new Set<bigint>();
    const pages = new Set<number>();
    for (const { instructions } of blocks.values()) {
      for (const { ip, length } of instructions) {
        ips.add(ip);
        this.#covered.add(ip);
        pages.add(Number(ip >> 12n)).add(Number((ip + BigInt(length - 1)) >> 12n));
      }
    }
    this.#regions.add({ ips, pages, entries: installed });
  }

  #dropWhere(matches: (region: Region) => boolean): void {
    const { arena } = this.#host;
    let dropped = false;
    for (const region of this.#regions) {
      if (!matches(region)) continue;
      this.#regions.delete(region);
      dropped = true;
      for (const op of region.entries) {
        const original = this.#taken.get(op)!;
        this.#taken.delete(op);
        // Dropped micro-ops already ask for their address again, and breakpoints are never inside a region.
        if (arena.u16[(op + OP_FIELD.HANDLER) >> 1]! < FIRST_REGION_SLOT) continue;
        arena.u8.set(original, op);
      }
    }
    if (!dropped) return;
    this.#covered.clear();
    for (const region of this.#regions) for (const ip of region.ips) this.#covered.add(ip);
    if (this.#regions.size === 0) this.#slots = 0;
  }

  #forget(): void {
    this.#regions.clear();
    this.#covered.clear();
    this.#taken.clear();
    this.#slots = 0;
  }

  #decode(ip: bigint): Decoded | undefined {
    const { memory, profile, state } = this.#host;
    const decoder = new PageDecoder(memory.read(ip, MAX_INSTRUCTION_BYTES), ip, profile, state.units);
    try {
      const decoded = decoder.next();
      return 'failure' in decoded ? undefined : decoded;
    } finally {
      decoder.free();
    }
  }
}

