/**
 * Segment descriptors (SDM 3A 3.4.5): from the tables that GDTR and LDTR point at or, as long as nothing loaded GDTR, from the one Linux sets up.
 */
import { VECTOR } from '../cpu.ts';
import { ACCESS } from '../../memory/layout.ts';
import type { State } from '../state.ts';
import { SystemFault } from './context.ts';
import type { SystemContext } from './context.ts';

export interface Descriptor {
  /** The eight bytes. */
  readonly raw: bigint;
  /** Code or data segment, as opposed to a system segment or gate. */
  readonly segment: boolean;
  /** The four type bits. */
  readonly type: number;
  readonly privilege: number;
  readonly present: boolean;
  /** 64-bit code. */
  readonly long: boolean;
  /** 32-bit code, or a stack of 32 bits; together with `long` an error. */
  readonly big: boolean;
  readonly base: bigint;
  /** In bytes, granularity applied. */
  readonly limit: number;
  /** Where it was read; undefined for the built-in table. */
  readonly address: bigint | undefined;
}

/** Linux's per-CPU GDT (asm/segment.h) by index; entries it leaves empty are zero. TSS and CPU number are the machine's. */
const LINUX_GDT: readonly bigint[] = [
  0n,
  0x00cf_9b00_0000_ffffn, // 0x08 kernel code, 32 bits
  0x00af_9b00_0000_ffffn, // 0x10 kernel code
  0x00cf_9300_0000_ffffn, // 0x18 kernel data
  0x00cf_fb00_0000_ffffn, // 0x23 user code, 32 bits, which is not modelled
  0x00cf_f300_0000_ffffn, // 0x2b user data
  0x00af_fb00_0000_ffffn, // 0x33 user code
  0n,
  0x0000_8b00_0000_4087n, 0n, // 0x40 TSS
  0n, 0n, 0n, 0n, 0n,
  0x0040_f500_0000_0000n, // 0x7b CPU and node number
];

export function isNull(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

function decode(raw: bigint, address?: bigint): Descriptor {
  const high = Number(raw >> 32n);
  const low = Number(raw & 0xffff_ffffn);
  const limit = (high & 0xf_0000) | (low & 0xffff);
  return {
    raw,
    segment: (high & 0x1000) !== 0,
    type: (high >> 8) & 15,
    privilege: (high >> 13) & 3,
    present: (high & 0x8000) !== 0,
    long: (high & 0x20_0000) !== 0,
    big: (high & 0x40_0000) !== 0,
    base: BigInt(((high & 0xff00_0000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0),
    limit: (high & 0x80_0000) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit,
    address,
  };
}

export const isCode = (descriptor: Descriptor): boolean => descriptor.segment && (descriptor.type & 8) !== 0;
export const isConforming = (descriptor: Descriptor): boolean => isCode(descriptor) && (descriptor.type & 4) !== 0;
export const isReadable = (descriptor: Descriptor): boolean => descriptor.segment && ((descriptor.type & 8) === 0 || (descriptor.type & 2) !== 0);
export const isWritable = (descriptor: Descriptor): boolean => descriptor.segment && (descriptor.type & 10) === 2;

const CR0_WP = 1n << 16n, CR4_SMAP = 1n << 21n;

/** An access of the processor's own to a table: ring 0's rights in every ring, and AC does not lift SMAP (SDM 3A 4.6.1). */
export function checkTable(cpu: SystemContext, address: bigint, size: number, kind: 'read' | 'write'): void {
  const { accessMode } = cpu.state;
  const mode = { user: false, smap: (cpu.state.getControl(4) & CR4_SMAP) !== 0n, smep: false, writeProtect: (cpu.state.getControl(0) & CR0_WP) !== 0n, addressBits: accessMode.addressBits };
  const fault = cpu.memory.check(address, size, kind === 'read' ? ACCESS.READ : ACCESS.READ_WRITE, mode);
  if (fault !== undefined) throw new SystemFault(VECTOR.PF, undefined, { fault, access: { kind, address, size } });
}

/** Eight bytes of a table, read as the processor reads them for itself. */
export function readQuad(cpu: SystemContext, address: bigint): bigint {
  checkTable(cpu, address, 8, 'read');
  const bytes = cpu.memory.read(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

/** The eight bytes that a selector names, `part` 1 those behind them; undefined beyond the table's limit. */
function rawDescriptor(cpu: SystemContext, selector: number, part: 0 | 1): { readonly raw: bigint; readonly address: bigint | undefined } | undefined {
  const { state } = cpu;
  const local = (selector & 4) !== 0;
  const offset = (selector & 0xfff8) + 8 * part;
  const { base, limit } = local ? state.ldt : state.gdt;
  if (limit === 0) {
    const raw = local ? undefined : LINUX_GDT[offset >> 3];
    return raw === undefined ? undefined : { raw, address: undefined };
  }
  if (offset + 7 > limit) return undefined;
  const address = BigInt.asUintN(64, base + BigInt(offset));
  return { raw: readQuad(cpu, address), address };
}

/** The descriptor that a selector names; undefined beyond the table's limit. */
export function descriptorOf(cpu: SystemContext, selector: number): Descriptor | undefined {
  const found = rawDescriptor(cpu, selector, 0);
  return found === undefined ? undefined : decode(found.raw, found.address);
}

/** The second half of a system descriptor, which has 16 bytes; undefined if it is not in the table or has a type. */
export function upperHalf(cpu: SystemContext, selector: number): bigint | undefined {
  const upper = rawDescriptor(cpu, selector, 1)?.raw;
  return upper === undefined || ((upper >> 40n) & 0x1fn) !== 0n ? undefined : upper;
}

/** The base of a system segment; undefined as for {@link upperHalf}. */
export function systemBase(cpu: SystemContext, selector: number, { base }: Descriptor): bigint | undefined {
  const upper = upperHalf(cpu, selector);
  return upper === undefined ? undefined : base | ((upper & 0xffff_ffffn) << 32n);
}

const ACCESSED = 1;

/** Sets type bits of a descriptor in its table: accessed, or busy. To be called after all checks, before anything else is written. */
export function setTypeBits(cpu: SystemContext, { address, type }: Descriptor, bits: number): void {
  if (address === undefined || (type & bits) === bits) return;
  const at = address + 5n;
  checkTable(cpu, at, 1, 'write');
  cpu.memory.write(at, Uint8Array.of(cpu.memory.read(at, 1)[0]! | bits));
}

/** A segment register was, or is about to be, loaded with it. */
export function setAccessed(cpu: SystemContext, descriptor: Descriptor | undefined): void {
  if (descriptor !== undefined) setTypeBits(cpu, descriptor, ACCESSED);
}

function fail(vector: number, selector: number): never {
  throw new SystemFault(vector, selector & 0xfffc);
}

/** What a load of es, ds, fs or gs checks; the base it gets. The descriptor is accessed then. */
export function dataSegmentBase(cpu: SystemContext, selector: number): bigint {
  if (isNull(selector)) return 0n;
  const descriptor = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if (!isReadable(descriptor)) fail(VECTOR.GP, selector);
  if (!isConforming(descriptor) && (descriptor.privilege < (selector & 3) || descriptor.privilege < cpu.state.privilege)) fail(VECTOR.GP, selector);
  if (!descriptor.present) fail(VECTOR.NP, selector);
  setAccessed(cpu, descriptor);
  return descriptor.base;
}

/** What a load of ss checks for a given privilege level; its descriptor, undefined for a null selector. */
export function stackSegment(cpu: SystemContext, selector: number, privilege: number): Descriptor | undefined {
  if (isNull(selector)) {
    if (privilege === 3 || (selector & 3) !== privilege) throw new SystemFault(VECTOR.GP, 0);
    return undefined;
  }
  const descriptor = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if ((selector & 3) !== privilege || !isWritable(descriptor) || descriptor.privilege !== privilege) fail(VECTOR.GP, selector);
  if (!descriptor.present) fail(VECTOR.SS, selector);
  return descriptor;
}

/** The code segment a far transfer goes to. `returning`: retf and iret, which may go outwards. */
export function codeSegment(cpu: SystemContext, selector: number, returning: boolean): Descriptor {
  if (isNull(selector)) throw new SystemFault(VECTOR.GP, 0);
  const level = cpu.state.privilege;
  const requested = selector & 3;
  const descriptor = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if (!isCode(descriptor)) fail(VECTOR.GP, selector);
  if (returning) {
    if (requested < level) fail(VECTOR.GP, selector);
    if (isConforming(descriptor) ? descriptor.privilege > requested : descriptor.privilege !== requested) fail(VECTOR.GP, selector);
  } else if (isConforming(descriptor) ? descriptor.privilege > level : requested > level || descriptor.privilege !== level) fail(VECTOR.GP, selector);
  if (!descriptor.present) fail(VECTOR.NP, selector);
  if (descriptor.long && descriptor.big) fail(VECTOR.GP, selector);
  return descriptor;
}

/** After a change to an outer level: data segments it may not use become null. */
export function dropInnerSegments(cpu: SystemContext): void {
  const { state } = cpu;
  for (const segment of [0, 3, 4, 5]) {
    const selector = state.getSegment(segment);
    if (isNull(selector)) continue;
    const descriptor = descriptorOf(cpu, selector);
    if (descriptor !== undefined && !isConforming(descriptor) && descriptor.privilege < state.privilege) setDataSegment(state, segment, 0, 0n);
  }
}

export function setDataSegment(state: State, segment: number, selector: number, base: bigint): void {
  state.setSegment(segment, selector);
  if (segment >= 4) state.setSegmentBase(segment, base);
}
