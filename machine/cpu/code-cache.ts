/**
 * Decoded code: micro-ops in the arena, found by guest address. A page is decoded along the straight lines that are run; when its bytes
 * change, its micro-ops turn into questions ("where is this address now?"), so links to them stay valid.
 */
import type { Arena } from '../memory/arena.ts';
import { isCanonical, whyNotFetch } from '../memory/access.ts';
import type { AccessMode, MemoryFault } from '../memory/access.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { JUMP_CACHE, LOOKUP_OP, OP_FIELD, OP_SIZE, OPS } from '../memory/layout.ts';
import { PAGE_SIZE } from '../memory/memory.ts';
import { firstIn } from '../memory/poison.ts';
import type { CpuProfile } from './cpu.ts';
import { MAX_INSTRUCTION_BYTES, PageDecoder } from './decode.ts';
import type { Decoded } from './decode.ts';
import { handlers, SPECIAL } from './interpreter/module.ts';
import type { Shape } from './lift/shape.ts';

/** Instructions decoded at a time. */
const RUN_LIMIT = 32;
/** Bytes in which the beginning of a loop is looked for. */
const LEADER_DISTANCE = 512;
const PAGE_MASK = BigInt(PAGE_SIZE - 1);
/** What bytes that are no instruction raise. */
const raising = (mnemonic: 'ud2' | 'gp'): Shape => ({ mnemonic, operands: [], size: 8, repeat: 'none', addressSize: 8, variant: '' });
const FAILURE = { short: raising('ud2'), invalid: raising('ud2'), long: raising('gp') } as const;

interface CodePage {
  /** Micro-op by offset of the instruction's first byte; 0: none. */
  readonly ops: Int32Array;
  /** Micro-ops of instructions that begin in the page before. */
  readonly straddling: number[];
}

export interface FetchFault {
  readonly fault: MemoryFault;
}

export class CodeCache {
  readonly #arena: Arena;
  readonly #memory: GuestMemory;
  readonly #profile: CpuProfile;
  readonly #units: () => number;
  readonly #pages = new Map<number, CodePage>();
  /** Jumps to addresses that are not decoded yet, and the placeholder they link to. */
  readonly #waiting = new Map<bigint, { readonly placeholder: number; readonly jumps: number[] }>();
  /** Targets of direct jumps and calls that were decoded. */
  readonly #targets = new Set<bigint>();
  #breakpoints: ReadonlySet<bigint> = new Set();
  /** Handlers that breakpoints replaced, by micro-op. */
  readonly #replaced = new Map<number, number>();
  #next: number = OPS.BASE;

  /** Called after the micro-ops of a page, or all of them, were given up. */
  onDrop: (page: number) => void = () => undefined;
  onFlush: () => void = () => undefined;

  /** `units`: which units' instructions may run now; whoever changes it flushes. */
  constructor(arena: Arena, memory: GuestMemory, profile: CpuProfile, units: () => number) {
    this.#arena = arena;
    this.#memory = memory;
    this.#profile = profile;
    this.#units = units;
    memory.onCodeChanged = (page) => { this.#dropPage(page); };
    this.#setOp(LOOKUP_OP, SPECIAL.LOOKUP);
  }

  /** The micro-op at `ip`, decoded if need be; a fault if it cannot be fetched. Indirect jumps find it from now on. */
  resolve(ip: bigint, mode: AccessMode): number | FetchFault {
    if (!isCanonical(ip, mode.addressBits)) return { fault: { kind: 'non-canonical' } };
    const known = this.#find(ip);
    const op = known === 0 ? this.#decode(ip, mode) : known;
    if (typeof op !== 'number') return op;
    const entry = JUMP_CACHE.BASE + (Number(BigInt.asUintN(12, ip ^ (ip >> 12n))) << 4);
    this.#arena.i64[entry >> 3] = BigInt.asIntN(64, ip);
    this.#arena.i32[(entry + 8) >> 2] = op;
    return op;
  }

  /** Makes a micro-op that asked for its address go on at `target` from now on. */
  redirect(op: number, target: number): void {
    if (op === LOOKUP_OP || op === target || this.#arena.u16[(op + OP_FIELD.HANDLER) >> 1] !== SPECIAL.LOOKUP) return;
    this.#setOp(op, SPECIAL.REDIRECT);
    this.#arena.i32[(op + OP_FIELD.LINK) >> 2] = target;
  }

  /** The micro-op at `ip`, or one that finds out when it is reached. */
  opFor(ip: bigint): number {
    const known = this.#find(ip);
    if (known !== 0) return known;
    return this.#waitFor(ip).placeholder;
  }

  /** The nearest jump target at or before `ip`, in its page and not far away: most likely where its loop or function begins. Else `ip`. */
  leaderBefore(ip: bigint): bigint {
    const page = this.#pages.get(pageNumber(ip));
    if (page === undefined) return ip;
    const offset = Number(ip & PAGE_MASK);
    for (let at = offset; at >= 0 && at > offset - LEADER_DISTANCE; at--) {
      if (page.ops[at] === 0) continue;
      const candidate = ip - BigInt(offset - at);
      if (this.#targets.has(candidate)) return candidate;
    }
    return ip;
  }

  /** Makes room for `count` micro-ops, if need be by forgetting all code. */
  reserve(count: number): void {
    if (this.#next + OP_SIZE * count > OPS.END) this.flush();
  }

  /** A copy of a micro-op, with which the same instruction runs whatever becomes of the original. */
  shadow(op: number): number {
    const copy = this.#allocate();
    this.#arena.u8.copyWithin(copy, op, op + OP_SIZE);
    const { i64, u8 } = this.#arena;
    this.#placeholder(i64[(op + OP_FIELD.IP) >> 3]! + BigInt(u8[op + OP_FIELD.LENGTH]!), op + OP_SIZE);
    return copy;
  }

  setBreakpoints(addresses: ReadonlySet<bigint>): void {
    for (const [op, handler] of this.#replaced) this.#setOp(op, handler);
    this.#replaced.clear();
    this.#breakpoints = addresses;
    for (const address of addresses) {
      const op = this.#find(address);
      if (op !== 0) this.#setBreakpoint(op);
    }
  }

  hasBreakpoint(ip: bigint): boolean {
    return this.#breakpoints.size > 0 && this.#breakpoints.has(ip);
  }

  /** Runs `act` with the breakpoint at `op` taken out. */
  without<T>(op: number, act: () => T): T {
    const handler = this.#replaced.get(op);
    if (handler === undefined) return act();
    this.#setOp(op, handler);
    try {
      return act();
    } finally {
      // The code may have been dropped meanwhile, and the micro-op with it.
      if (this.#replaced.has(op)) this.#setOp(op, SPECIAL.BREAKPOINT);
    }
  }

  flush(): void {
    for (const number of this.#pages.keys()) {
      const page = this.#memory.pageAt(BigInt(number) * 4096n);
      if (page !== undefined) page.code = false;
    }
    this.#pages.clear();
    this.#waiting.clear();
    this.#targets.clear();
    this.#replaced.clear();
    this.#next = OPS.BASE;
    this.onFlush();
    this.#arena.u8.fill(0, JUMP_CACHE.BASE, JUMP_CACHE.BASE + JUMP_CACHE.ENTRY * JUMP_CACHE.COUNT);
  }

  #find(ip: bigint): number {
    return this.#pages.get(pageNumber(ip))?.ops[Number(ip & PAGE_MASK)] ?? 0;
  }

  #decode(ip: bigint, mode: AccessMode): number | FetchFault {
    if (this.#next + OP_SIZE * (2 * RUN_LIMIT + 2) > OPS.END) this.flush();
    const page = this.#memory.pageAt(ip);
    const offset = Number(ip & PAGE_MASK);
    const errorCode = whyNotFetch(page?.permissions, mode);
    if (page === undefined || errorCode !== undefined) return { fault: { kind: 'page', address: BigInt.asUintN(64, ip), errorCode: errorCode ?? 16 } };
    const nextIp = (ip - BigInt(offset)) + BigInt(PAGE_SIZE);
    const next = this.#memory.pageAt(nextIp);
    const nextErrorCode = isCanonical(nextIp, mode.addressBits) ? whyNotFetch(next?.permissions, mode) : 16;
    const straddle = next !== undefined && nextErrorCode === undefined ? MAX_INSTRUCTION_BYTES : 0;
    const bytes = this.#memory.read(ip, Math.min(PAGE_SIZE - offset + straddle, RUN_LIMIT * MAX_INSTRUCTION_BYTES));
    const codePage = this.#codePage(page.number);
    this.#memory.markCode(page);
    const decoder = new PageDecoder(bytes, ip, this.#profile, this.#units());
    // Micro-ops of a straight line follow each other, so links, which may need placeholders, wait until the line is finished.
    const jumps: (readonly [op: number, target: bigint])[] = [];
    let at = offset;
    let first = 0;
    try {
      for (let i = 0; i < RUN_LIMIT; i++) {
        const here = ip + BigInt(at - offset);
        const existing = i === 0 || at >= PAGE_SIZE ? 0 : codePage.ops[at]!;
        if (at >= PAGE_SIZE || existing !== 0) {
          this.#placeholder(here, existing);
          return first;
        }
        const decoded = decoder.next();
        const length = 'failure' in decoded ? 1 : decoded.length;
        const poisoned = firstIn(page.poison, at, Math.min(PAGE_SIZE, at + length))
          ?? (at + length > PAGE_SIZE && firstIn(next!.poison, 0, at + length - PAGE_SIZE) !== undefined ? PAGE_SIZE + firstIn(next!.poison, 0, at + length - PAGE_SIZE)! : undefined);
        if (poisoned !== undefined || ('failure' in decoded && decoded.failure === 'short')) {
          if (i > 0) {
            this.#placeholder(here, 0);
            return first;
          }
          if (poisoned !== undefined) return { fault: { kind: 'poison', address: BigInt.asUintN(64, ip + BigInt(poisoned - offset)) } };
          return { fault: { kind: 'page', address: BigInt.asUintN(64, nextIp), errorCode: nextErrorCode ?? 16 } };
        }
        const op = this.#allocate();
        if (i === 0) first = op;
        codePage.ops[at] = op;
        if ('failure' in decoded) {
          this.#write(op, { ip: here, length: 1, meaning: 'lift', shape: FAILURE[decoded.failure], fields: NO_FIELDS, target: undefined, ends: true, traps: false });
          return first;
        }
        this.#write(op, decoded);
        if (decoded.target !== undefined) jumps.push([op, BigInt.asUintN(64, decoded.target)]);
        if (at + length > PAGE_SIZE) {
          this.#codePage(next!.number).straddling.push(op);
          this.#memory.markCode(next!);
        }
        at += length;
        // The micro-op behind a trap is where its rip comes from.
        if (decoded.traps) this.#placeholder(ip + BigInt(at - offset), 0);
        if (decoded.ends) return first;
      }
      this.#placeholder(ip + BigInt(at - offset), 0);
      return first;
    } finally {
      for (const [op, target] of jumps) this.#link(op, target);
      decoder.free();
      handlers().compile();
    }
  }

  #write(op: number, { ip, length, meaning, shape, fields }: Decoded): void {
    const { u8, u16, i64 } = this.#arena;
    const handler = meaning === 'lift' ? handlers().numberOf(shape) : meaning === 'system' ? SPECIAL.SYSTEM : SPECIAL.UNSUPPORTED;
    this.#setOp(op, handler);
    u8[op + OP_FIELD.LENGTH] = length;
    u8[op + OP_FIELD.SCALE] = fields.scale;
    fields.registers.forEach((address, k) => { u16[(op + OP_FIELD.REGISTER[k]!) >> 1] = address; });
    u16[(op + OP_FIELD.ADDRESS_BASE) >> 1] = fields.base;
    u16[(op + OP_FIELD.ADDRESS_INDEX) >> 1] = fields.index;
    u16[(op + OP_FIELD.SEGMENT) >> 1] = fields.segment;
    i64[(op + OP_FIELD.IMMEDIATE) >> 3] = fields.immediate;
    i64[(op + OP_FIELD.DISPLACEMENT) >> 3] = fields.displacement;
    i64[(op + OP_FIELD.IP) >> 3] = BigInt.asIntN(64, ip);
    if (this.hasBreakpoint(ip)) this.#setBreakpoint(op);
    const waiting = this.#waiting.get(ip);
    if (waiting !== undefined) {
      for (const jump of waiting.jumps) this.#arena.i32[(jump + OP_FIELD.LINK) >> 2] = op;
      this.redirect(waiting.placeholder, op);
      this.#waiting.delete(ip);
    }
  }

  /** Lets a direct jump lead to its target: its micro-op, or a placeholder until there is one. */
  #link(op: number, target: bigint): void {
    this.#targets.add(target);
    let to = this.#find(target);
    if (to === 0) {
      const waiting = this.#waitFor(target);
      waiting.jumps.push(op);
      to = waiting.placeholder;
    }
    this.#arena.i32[(op + OP_FIELD.LINK) >> 2] = to;
  }

  #waitFor(ip: bigint): { readonly placeholder: number; readonly jumps: number[] } {
    let waiting = this.#waiting.get(ip);
    if (waiting === undefined) this.#waiting.set(ip, waiting = { placeholder: this.#placeholder(ip, 0), jumps: [] });
    return waiting;
  }

  /** A micro-op that leads to `target`, or asks for it if that is 0. */
  #placeholder(ip: bigint, target: number): number {
    const op = this.#allocate();
    this.#arena.i64[(op + OP_FIELD.IP) >> 3] = BigInt.asIntN(64, ip);
    this.#setOp(op, SPECIAL.LOOKUP);
    if (target !== 0) this.redirect(op, target);
    return op;
  }

  #allocate(): number {
    const op = this.#next;
    this.#next += OP_SIZE;
    return op;
  }

  #setOp(op: number, handler: number): void {
    this.#arena.u16[(op + OP_FIELD.HANDLER) >> 1] = handler;
  }

  #setBreakpoint(op: number): void {
    this.#replaced.set(op, this.#arena.u16[(op + OP_FIELD.HANDLER) >> 1]!);
    this.#setOp(op, SPECIAL.BREAKPOINT);
  }

  #codePage(number: number): CodePage {
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, page = { ops: new Int32Array(PAGE_SIZE), straddling: [] });
    return page;
  }

  #dropPage(number: number): void {
    const page = this.#pages.get(number);
    if (page === undefined) return;
    this.#pages.delete(number);
    for (const op of page.ops) if (op !== 0) this.#drop(op);
    this.onDrop(number);
    for (const op of page.straddling) {
      this.#drop(op);
      const ip = BigInt.asUintN(64, this.#arena.i64[(op + OP_FIELD.IP) >> 3]!);
      const before = this.#pages.get(number - 1);
      if (before?.ops[Number(ip & PAGE_MASK)] === op) before.ops[Number(ip & PAGE_MASK)] = 0;
    }
  }

  #drop(op: number): void {
    this.#replaced.delete(op);
    this.#setOp(op, SPECIAL.LOOKUP);
  }
}

const NO_FIELDS: Decoded['fields'] = { registers: [0, 0, 0], base: 0, index: 0, scale: 0, segment: 0, immediate: 0n, displacement: 0n };

function pageNumber(ip: bigint): number {
  return Number(BigInt.asUintN(64, ip) >> 12n);
}
