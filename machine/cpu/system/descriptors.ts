/**
 * Segment descriptors (SDM 3A 3.4.5): from the table that GDTR points at or, as long as nothing loaded GDTR, from the one Linux sets up.
 */
import { VECTOR } from '../cpu.ts';
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
  readonly base: bigint;
  /** In bytes, granularity applied. */
  readonly limit: number;
}

/** Linux's per-CPU GDT (asm/segment.h) by index; entries it leaves empty are zero. TSS and CPU number are the machine's. */
const LINUX_GDT: readonly bigint[] = [
  0n,
  0x00cf_9b00_0000_ffffn, // 0x08 kernel code, 32 bits
  0x00af_9b00_0000_ffffn, // 0x10 kernel code
  0x00cf_9300_0000_ffffn, // 0x18 kernel data
  0n, // 0x23 user code of 32 bits, which is not modelled
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

function decode(raw: bigint): Descriptor {
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
    base: BigInt(((high & 0xff00_0000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0),
    limit: (high & 0x80_0000) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit,
  };
}

export const isCode = (descriptor: Descriptor): boolean => descriptor.segment && (descriptor.type & 8) !== 0;
export const isConforming = (descriptor: Descriptor): boolean => isCode(descriptor) && (descriptor.type & 4) !== 0;
export const isReadable = (descriptor: Descriptor): boolean => descriptor.segment && ((descriptor.type & 8) === 0 || (descriptor.type & 2) !== 0);
export const isWritable = (descriptor: Descriptor): boolean => descriptor.segment && (descriptor.type & 10) === 2;

/** The descriptor that a selector names; undefined beyond the table's limit. Reads the table with the processor's own rights. */
export function descriptorOf(cpu: SystemContext, selector: number): Descriptor | undefined {
  const { state } = cpu;
  if ((selector & 4) !== 0) return undefined; // There is no LDT.
  const offset = selector & 0xfff8;
  const { base, limit } = state.gdt;
  if (limit === 0) {
    const raw = LINUX_GDT[offset >> 3];
    return raw === undefined ? undefined : decode(raw);
  }
  if (offset + 7 > limit) return undefined;
  const bytes = cpu.memory.read(base + BigInt(offset), 8);
  if (bytes.length < 8) throw new SystemFault(VECTOR.GP, selector & 0xfffc);
  return decode(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

function fail(vector: number, selector: number): never {
  throw new SystemFault(vector, selector & 0xfffc);
}

/** What a load of es, ds, fs or gs checks; the base it gets. */
export function dataSegmentBase(cpu: SystemContext, selector: number): bigint {
  if (isNull(selector)) return 0n;
  const descriptor = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if (!isReadable(descriptor)) fail(VECTOR.GP, selector);
  if (!isConforming(descriptor) && (descriptor.privilege < (selector & 3) || descriptor.privilege < cpu.state.privilege)) fail(VECTOR.GP, selector);
  if (!descriptor.present) fail(VECTOR.NP, selector);
  return descriptor.base;
}

/** What a load of ss checks for a given privilege level. */
export function checkStackSegment(cpu: SystemContext, selector: number, privilege: number): void {
  if (isNull(selector)) {
    if (privilege === 3 || (selector & 3) !== privilege) throw new SystemFault(VECTOR.GP, 0);
    return;
  }
  const descriptor = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if ((selector & 3) !== privilege || !isWritable(descriptor) || descriptor.privilege !== privilege) fail(VECTOR.GP, selector);
  if (!descriptor.present) fail(VECTOR.SS, selector);
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
