/**
 * What goes to and from the virtual machine's runner (runner.c): the structures there, little-endian.
 */
import { DEFAULT_EFER } from './case.ts';
import type { RingCase, RingEnding, RingOutcome } from './case.ts';
import type { Patch } from '../case.ts';
import { FRAME_STACK, FRAME_TOP, GDT, HANDLERS, PAGE, RING_PAGES, ringContents, SELECTOR } from './layout.ts';

const MAGIC = 0x314d_564b;
const SEGMENTS_SIZE = 8 * 16;
const CASE_SIZE = 18 * 8 + SEGMENTS_SIZE + 4 * 8 + 12 * 8 + 4 * 8 + 8;
const RESULT_SIZE = 8 + 18 * 8 + SEGMENTS_SIZE + 4 * 8 + 13 * 8 + 8;
const EFER = 0xc000_0080;
const FLAG = { PRESENT: 1, WRITABLE: 2, EXECUTABLE: 4, USER: 8 } as const;

/** `linux/kvm.h` */
const EXIT = { TIMEOUT: 0, IO: 2, HLT: 5, SHUTDOWN: 8, INTERNAL_ERROR: 17, RDMSR: 29, WRMSR: 30 } as const;

class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get done(): Uint8Array { return this.#bytes.subarray(0, this.at); }
  u64(value: bigint): void { this.#view.setBigUint64(this.at, BigInt.asUintN(64, value), true); this.at += 8; }
  u32(value: number): void { this.#view.setUint32(this.at, value, true); this.at += 4; }
  u16(value: number): void { this.#view.setUint16(this.at, value, true); this.at += 2; }
  bytes(value: Uint8Array, size: number): void { this.#bytes.set(value, this.at); this.at += size; }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number { return this.#bytes.length - this.at; }
  u64(): bigint { this.at += 8; return this.#view.getBigUint64(this.at - 8, true); }
  u32(): number { this.at += 4; return this.#view.getUint32(this.at - 4, true); }
  u16(): number { this.at += 2; return this.#view.getUint16(this.at - 2, true); }
  bytes(size: number): Uint8Array { this.at += size; return this.#bytes.slice(this.at - size, this.at); }
  list(count: number): bigint[] { return Array.from({ length: count }, () => this.u64()); }
}

/** A segment register with what the processor keeps beside the selector, as the global table has it. `base`: of fs and gs, which have their own. */
function segment(to: Writer, selector: number, base?: bigint): void {
  const index = selector >> 3;
  const low = (selector & 0xfffc) === 0 ? 0n : GDT[index]!;
  const system = low !== 0n && (low >> 44n & 1n) === 0n;
  const own = (low >> 16n & 0xff_ffffn) | (low >> 56n) << 24n | (system ? (GDT[index + 1]! & 0xffff_ffffn) << 32n : 0n);
  const limit = Number(low & 0xffffn | (low >> 48n & 15n) << 16n);
  to.u64(base ?? (system ? own : 0n));
  to.u32((low >> 55n & 1n) !== 0n ? ((limit << 12) | 0xfff) >>> 0 : limit);
  to.u16(selector);
  to.u16(Number(low >> 40n & 0xffffn & ~0xf00n) & 0xf0ff);
}

export function encodeRingBatch(cases: readonly RingCase[]): Uint8Array {
  let size = 16 + RING_PAGES.length * (16 + PAGE);
  for (const one of cases) size += CASE_SIZE + 16 * one.msrs.length + 16 + 16 + one.patches.reduce((sum, patch) => sum + 16 + ((patch.bytes.length + 7) & ~7), 0);
  const to = new Writer(size);
  for (const value of [MAGIC, RING_PAGES.length, cases.length, 0]) to.u32(value);
  for (const page of RING_PAGES) {
    to.u64(page.address);
    to.u64(BigInt(FLAG.PRESENT | (page.write ? FLAG.WRITABLE : 0) | (page.execute ? FLAG.EXECUTABLE : 0) | (page.user ? FLAG.USER : 0)));
    to.bytes(ringContents(page), PAGE);
  }
  for (const one of cases) {
    // An instruction may run into a page that is not there.
    const patches: readonly Patch[] = [{ address: one.rip, bytes: one.code }, ...one.patches].flatMap(byPage).filter(({ address }) => RING_PAGES.some((page) => page.address === address - (address & BigInt(PAGE - 1))));
    for (const value of [...one.gpr, one.rip, one.rflags]) to.u64(value);
    one.segments.forEach((selector, i) => { segment(to, selector, i === 4 ? one.fsBase : i === 5 ? one.gsBase : undefined); });
    segment(to, one.ldtr);
    segment(to, SELECTOR.TSS);
    for (const value of [one.gdt.base, BigInt(one.gdt.limit), one.idt.base, BigInt(one.idt.limit)]) to.u64(value);
    for (const value of [one.cr0, one.cr2, one.cr4, one.cr8, one.msrs.find(([index]) => index === EFER)?.[1] ?? DEFAULT_EFER, one.xcr0, ...one.dr]) to.u64(value);
    const { check } = one;
    for (const value of check === undefined ? [0n, 0n, 0n, 0n] : [check.status, check.address, check.misc, check.mcgStatus]) to.u64(value);
    to.u32(one.msrs.length);
    to.u32(patches.length);
    for (const [index, value] of one.msrs) {
      to.u64(BigInt(index));
      to.u64(value);
    }
    for (const patch of patches) {
      to.u64(patch.address);
      to.u64(BigInt(patch.bytes.length));
      to.bytes(patch.bytes, (patch.bytes.length + 7) & ~7);
    }
  }
  return to.done;
}

/** The parts of a patch that lie in one page each. */
export function byPage({ address, bytes }: Patch): Patch[] {
  const room = PAGE - Number(address & BigInt(PAGE - 1));
  if (bytes.length <= room) return [{ address, bytes }];
  return [{ address, bytes: bytes.subarray(0, room) }, ...byPage({ address: address + BigInt(room), bytes: bytes.subarray(room) })];
}

/** Bytes of what an exception pushes at most, in front of {@link FRAME_TOP}. */
const FRAME_SIZE = 48;
const RF = 0x1_0000n;

/** As many outcomes as came back whole. */
export function decodeRingAnswers(bytes: Uint8Array, cases: readonly RingCase[]): RingOutcome[] {
  const from = new Reader(bytes);
  const outcomes: RingOutcome[] = [];
  while (from.left >= RESULT_SIZE && outcomes.length < cases.length) {
    const reason = from.u32(), detail = from.u32();
    const gpr = from.list(16);
    const [rip, rflags] = from.list(2) as [bigint, bigint];
    const hidden = Array.from({ length: 8 }, () => ({ base: from.u64(), limit: from.u32(), selector: from.u16(), attributes: from.u16() }));
    const [gdtBase, gdtLimit, idtBase, idtLimit, cr0, cr2, , cr4, cr8, , xcr0] = from.list(11) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    const dr = from.list(6);
    const msrCount = from.u32(), ranges = from.u32();
    if (from.left < 8 * msrCount) break;
    const one = cases[outcomes.length]!;
    const msrs = from.list(msrCount).map((value, i): [number, bigint] => [one.msrs[i]![0], value]);
    const changes: Patch[] = [];
    for (let i = 0; i < ranges; i++) {
      const address = from.u64();
      changes.push({ address, bytes: from.bytes(Number(from.u64())) });
    }
    const state = {
      gpr, segments: hidden.slice(0, 6).map(({ selector }) => selector), fsBase: hidden[4]!.base, gsBase: hidden[5]!.base, ldtr: hidden[6]!.selector, tr: hidden[7]!.selector,
      gdt: { base: gdtBase, limit: Number(gdtLimit) }, idt: { base: idtBase, limit: Number(idtLimit) }, cr0, cr2, cr4, cr8, xcr0, dr, msrs,
    };
    const delivered = reason === EXIT.HLT ? exception(rip, state.gpr[4]!, changes) : undefined;
    if (delivered === undefined) outcomes.push({ ...state, ending: ending(reason, detail), rip, rflags, changes });
    else {
      const { frame, vector, error, rest } = delivered;
      const at = (i: number): bigint => frame.getBigUint64(8 * i, true);
      const segments = state.segments.map((selector, i) => (i === 1 ? Number(at(1)) : i === 2 ? Number(at(4)) : selector));
      outcomes.push({
        ...state, segments, gpr: state.gpr.map((value, i) => (i === 4 ? at(3) : value)), rip: at(0), rflags: at(2) & ~RF, changes: rest,
        ending: { kind: 'exception', vector, error, resume: (at(2) & RF) !== 0n },
      });
    }
  }
  return outcomes;
}

function ending(reason: number, detail: number): RingEnding {
  switch (reason) {
    case EXIT.HLT: return { kind: 'halt' };
    case EXIT.TIMEOUT: return { kind: 'timeout' };
    case EXIT.SHUTDOWN: return { kind: 'shutdown' };
    case EXIT.IO: case EXIT.RDMSR: case EXIT.WRMSR: return { kind: 'device' };
    default: return { kind: 'unsupported', text: `KVM exit ${reason}, ${detail}` };
  }
}

/** What was pushed, if the guest halted in a handler; `rest`: the changes without it. */
function exception(rip: bigint, top: bigint, changes: readonly Patch[]): { frame: DataView; vector: number; error: number | undefined; rest: Patch[] } | undefined {
  const vector = Number(rip - 1n - HANDLERS.address);
  const pushed = Number(FRAME_TOP - top);
  if (vector < 0 || vector > 255 || (pushed !== 40 && pushed !== 48)) return undefined;
  const stack = ringContents(FRAME_STACK);
  const rest: Patch[] = [];
  for (const change of changes) {
    const offset = Number(change.address - FRAME_STACK.address);
    if (offset < 0 || offset >= PAGE) rest.push(change);
    else stack.set(change.bytes, offset);
  }
  const frame = new DataView(stack.buffer, PAGE - 40, 40);
  return { frame, vector, error: pushed === FRAME_SIZE ? Number(new DataView(stack.buffer).getBigUint64(PAGE - FRAME_SIZE, true)) : undefined, rest };
}

