/** fxsave, xsave and their kin: x87, SSE and AVX state in the standard layout (SDM 1, 10.5 and 13.4), and MXCSR alone. */
import { Mnemonic } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { VECTOR } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import type { State } from '../state.ts';
import { supervisor } from './checks.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { loadInteger, storeInteger } from './operands.ts';

/** Bits of MXCSR that exist: all exception bits, DAZ, and AMD's misaligned mode. */
const MXCSR_MASK: Readonly<Record<'intel' | 'amd', number>> = { intel: 0xffff, amd: 0x2_ffff };
const LOW32 = 0xffff_ffffn;
const OSXSAVE = 1n << 18n;
const X87 = 1n, SSE = 2n, AVX = 4n;
const LEGACY_SIZE = 512, HEADER_SIZE = 64, YMM_OFFSET = 576, YMM_SIZE = 256;
/** Offsets in the legacy area. */
const AREA = { FCW: 0, FSW: 2, FTW: 4, FOP: 6, FIP: 8, FDP: 16, MXCSR: 24, MXCSR_MASK: 28, ST: 32, XMM: 160, RESERVED: 416 } as const;

function aligned(address: bigint, alignment: bigint): bigint {
  if (address % alignment !== 0n) throw new SystemFault(VECTOR.GP, 0);
  return address;
}

/** The register that is st(i): the status word has TOP in bits 11 to 13. */
export function fromTop(status: number, i: number): number {
  return (i + (status >> 11)) & 7;
}

/** Whether pointers have 64 bits, not 32 and a selector. */
const hasWidePointers = (instruction: Instruction): boolean => Mnemonic[instruction.mnemonic]!.endsWith('64');

/** What is saved of the last x87 instruction where there is nothing to tell about it. */
const NO_INSTRUCTION = { opcode: 0, instruction: 0n, data: 0n, codeSelector: 0, dataSelector: 0 } as const;
/** Status word: an exception that is not masked waits. */
const ERROR_SUMMARY = 0x80;

/** The x87 part: bytes 0-23 and 32-159. */
function writeX87({ state, profile }: SystemContext, area: Uint8Array, wide: boolean): void {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  // AMD's processors save pointers of an exception that waits, and zeros else (APM 2 11.4.4; measured on family 19h).
  const x87 = profile.vendor === 'amd' && (state.x87.status & ERROR_SUMMARY) === 0 ? { ...state.x87, ...NO_INSTRUCTION } : state.x87;
  view.setUint16(AREA.FCW, x87.control, true);
  view.setUint16(AREA.FSW, x87.status, true);
  area[AREA.FTW] = x87.tag;
  area[AREA.FTW + 1] = 0;
  view.setUint16(AREA.FOP, x87.opcode, true);
  if (wide) {
    view.setBigUint64(AREA.FIP, x87.instruction, true);
    view.setBigUint64(AREA.FDP, x87.data, true);
  } else {
    view.setUint32(AREA.FIP, Number(x87.instruction & LOW32), true);
    view.setUint32(AREA.FIP + 4, x87.codeSelector, true);
    view.setUint32(AREA.FDP, Number(x87.data & LOW32), true);
    view.setUint32(AREA.FDP + 4, x87.dataSelector, true);
  }
  for (let i = 0; i < 8; i++) {
    area.set(state.getX87(fromTop(x87.status, i)), AREA.ST + 16 * i);
    area.fill(0, AREA.ST + 16 * i + 10, AREA.ST + 16 * i + 16);
  }
}

/** The status word with its summary bits ES and B as they follow from the exceptions that are not masked. */
export function summarised(status: number, control: number): number {
  return (status & ~0x8080) | ((status & ~control & 0x3f) === 0 ? 0 : 0x8080);
}

function readX87({ state, profile }: SystemContext, area: Uint8Array, wide: boolean): void {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const pointer = (at: number): bigint => {
    if (!wide) return BigInt(view.getUint32(at, true));
    // AMD's processors keep 48 bits (measured on family 19h).
    return BigInt.asUintN(profile.vendor === 'amd' ? 48 : 64, view.getBigUint64(at, true));
  };
  state.x87 = {
    control: view.getUint16(AREA.FCW, true), status: summarised(view.getUint16(AREA.FSW, true), view.getUint16(AREA.FCW, true)), tag: area[AREA.FTW]!, opcode: view.getUint16(AREA.FOP, true) & 0x7ff,
    instruction: pointer(AREA.FIP), codeSelector: wide ? 0 : view.getUint16(AREA.FIP + 4, true),
    data: pointer(AREA.FDP), dataSelector: wide ? 0 : view.getUint16(AREA.FDP + 4, true),
  };
  for (let i = 0; i < 8; i++) state.setX87(fromTop(state.x87.status, i), area.subarray(AREA.ST + 16 * i, AREA.ST + 16 * i + 10));
}

export function initX87(state: State): void {
  state.x87 = { control: 0x37f, status: 0, tag: 0, ...NO_INSTRUCTION };
  for (let i = 0; i < 8; i++) state.setX87(i, new Uint8Array(10));
}

function writeMxcsr(cpu: SystemContext, area: Uint8Array): void {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  view.setUint32(AREA.MXCSR, cpu.state.mxcsr, true);
  view.setUint32(AREA.MXCSR_MASK, MXCSR_MASK[cpu.profile.vendor], true);
}

function writeXmm(state: State, area: Uint8Array): void {
  for (let i = 0; i < 16; i++) area.set(state.getVector(i, 16), AREA.XMM + 16 * i);
}

function readXmm(state: State, area: Uint8Array): void {
  for (let i = 0; i < 16; i++) state.setVector(i, area.subarray(AREA.XMM + 16 * i, AREA.XMM + 16 * i + 16));
}

function checkedMxcsr(cpu: SystemContext, value: number): number {
  if ((value & ~MXCSR_MASK[cpu.profile.vendor]) !== 0) throw new SystemFault(VECTOR.GP, 0);
  return value;
}

function areaMxcsr(area: Uint8Array): number {
  return new DataView(area.buffer, area.byteOffset, area.byteLength).getUint32(AREA.MXCSR, true);
}

/** The area of fxsave and fxrstor. Alignment checks, where they are on, come first and look at 4 bytes (measured on a family 1Ah processor; SDM 2A leaves it open). */
function legacyArea(cpu: SystemContext, address: bigint): bigint {
  if (cpu.state.accessMode.aligned === true && address % 4n !== 0n) throw new SystemFault(VECTOR.AC, 0);
  return aligned(address, 16n);
}

const fxsave: SystemInstruction = (cpu, instruction) => {
  const address = legacyArea(cpu, cpu.address(instruction));
  cpu.checkStore(address, LEGACY_SIZE);
  const area = new Uint8Array(AREA.RESERVED);
  writeX87(cpu, area, hasWidePointers(instruction));
  writeMxcsr(cpu, area);
  writeXmm(cpu.state, area);
  cpu.store(address, area);
  return undefined;
};

const fxrstor: SystemInstruction = (cpu, instruction) => {
  const area = cpu.load(legacyArea(cpu, cpu.address(instruction)), LEGACY_SIZE);
  const mxcsr = checkedMxcsr(cpu, areaMxcsr(area));
  readX87(cpu, area, hasWidePointers(instruction));
  readXmm(cpu.state, area);
  cpu.state.mxcsr = mxcsr;
  return undefined;
};

/** The components an xsave or xrstor works on: edx:eax within XCR0. */
function requested(cpu: SystemContext): bigint {
  if ((cpu.state.getControl(4) & OSXSAVE) === 0n) throw new SystemFault(VECTOR.UD);
  const mask = ((cpu.state.getGeneral(REG.RDX) & 0xffff_ffffn) << 32n) | (cpu.state.getGeneral(REG.RAX) & 0xffff_ffffn);
  return mask & cpu.state.xcr0;
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Components that are not in their initial state. */
export function componentsInUse(state: State): bigint {
  const { x87 } = state;
  let components = 0n;
  const registers = Array.from({ length: 8 }, (_, i) => state.getX87(i));
  if (x87.control !== 0x37f || x87.status !== 0 || x87.tag !== 0 || !registers.every(isZero)) components |= X87;
  for (let i = 0; i < 16; i++) {
    const bytes = state.getVector(i, 32);
    if (!isZero(bytes.subarray(0, 16))) components |= SSE;
    if (!isZero(bytes.subarray(16))) components |= AVX;
  }
  if (state.mxcsr !== 0x1f80) components |= SSE;
  return components;
}

/** `optimised`: components in their initial state are not written (xsaveopt, xsavec). `compact`: xsavec and xsaves. */
function xsave(optimised: boolean, compact: boolean, privileged = false): SystemInstruction {
  return (cpu, instruction) => {
    const mask = requested(cpu);
    if (privileged) supervisor(cpu);
    const { state } = cpu;
    const address = aligned(cpu.address(instruction), 64n);
    const size = (mask & AVX) !== 0n ? YMM_OFFSET + YMM_SIZE : LEGACY_SIZE + HEADER_SIZE;
    cpu.checkStore(address, size);
    const used = componentsInUse(state);
    const wide = hasWidePointers(instruction);
    const written = optimised ? mask & used : mask;
    const part = (offset: number, length: number, fill: (area: Uint8Array) => void): void => {
      const area = new Uint8Array(LEGACY_SIZE);
      fill(area);
      cpu.store(address + BigInt(offset), area.subarray(offset, offset + length));
    };
    if ((written & X87) !== 0n) {
      part(0, AREA.MXCSR, (area) => { writeX87(cpu, area, wide); });
      part(AREA.ST, AREA.XMM - AREA.ST, (area) => { writeX87(cpu, area, wide); });
    }
    // MXCSR goes with SSE or AVX, whether they are in their initial state or not.
    if ((mask & (compact ? SSE & used : SSE | AVX)) !== 0n) part(AREA.MXCSR, 8, (area) => { writeMxcsr(cpu, area); });
    if ((written & SSE) !== 0n) part(AREA.XMM, AREA.RESERVED - AREA.XMM, (area) => { writeXmm(state, area); });
    if ((written & AVX) !== 0n) {
      const high = new Uint8Array(YMM_SIZE);
      for (let i = 0; i < 16; i++) high.set(state.getVector(i, 32).subarray(16), 16 * i);
      cpu.store(address + BigInt(YMM_OFFSET), high);
    }
    const header = address + BigInt(LEGACY_SIZE);
    if (compact) {
      storeInteger(cpu, header, 8, mask & used);
      storeInteger(cpu, header + 8n, 8, mask | (1n << 63n));
    } else storeInteger(cpu, header, 8, (loadInteger(cpu, header, 8) & ~mask) | (mask & used));
    return undefined;
  };
}

function xrstor(privileged: boolean): SystemInstruction {
  return (cpu, instruction) => {
    const mask = requested(cpu);
    if (privileged) supervisor(cpu);
    const { state } = cpu;
    const address = aligned(cpu.address(instruction), 64n);
    const head = cpu.load(address, LEGACY_SIZE + HEADER_SIZE);
    const header = new DataView(head.buffer, head.byteOffset + LEGACY_SIZE, HEADER_SIZE);
    const present = header.getBigUint64(0, true);
    const compaction = header.getBigUint64(8, true);
    const compact = compaction >> 63n !== 0n;
    const layout = compact ? compaction & ~(1n << 63n) : state.xcr0;
    const bad = (privileged && !compact) || (present & ~layout) !== 0n || (compact && (layout & ~state.xcr0) !== 0n) || (!compact && compaction !== 0n)
      || !isZero(head.subarray(LEGACY_SIZE + 16, LEGACY_SIZE + (compact ? HEADER_SIZE : 24)));
    if (bad) throw new SystemFault(VECTOR.GP, 0);
    const readsMxcsr = compact ? (mask & present & SSE) !== 0n : (mask & (SSE | AVX)) !== 0n;
    const mxcsr = readsMxcsr ? checkedMxcsr(cpu, areaMxcsr(head)) : undefined;
    const high = (mask & present & AVX) !== 0n ? cpu.load(address + BigInt(YMM_OFFSET), YMM_SIZE) : new Uint8Array(YMM_SIZE);
    if ((mask & X87) !== 0n) {
      if ((present & X87) !== 0n) readX87(cpu, head, hasWidePointers(instruction));
      else initX87(state);
    }
    if ((mask & SSE) !== 0n) readXmm(state, (present & SSE) !== 0n ? head : new Uint8Array(LEGACY_SIZE));
    if (mxcsr !== undefined) state.mxcsr = mxcsr;
    else if (compact && (mask & SSE) !== 0n) state.mxcsr = 0x1f80;
    if ((mask & AVX) !== 0n) {
      for (let i = 0; i < 16; i++) {
        const bytes = state.getVector(i, 32);
        bytes.set(high.subarray(16 * i, 16 * i + 16), 16);
        state.setVector(i, bytes);
      }
    }
    return undefined;
  };
}

const ldmxcsr: SystemInstruction = (cpu, instruction) => {
  cpu.state.mxcsr = checkedMxcsr(cpu, Number(loadInteger(cpu, cpu.address(instruction), 4)));
  return undefined;
};

const stmxcsr: SystemInstruction = (cpu, instruction) => {
  storeInteger(cpu, cpu.address(instruction), 4, BigInt(cpu.state.mxcsr));
  return undefined;
};

const plain = xsave(false, false), optimised = xsave(true, false), compacted = xsave(true, true), supervised = xsave(true, true, true);

export const stateSaveInstructions: Record<string, SystemInstruction> = {
  fxsave, fxsave64: fxsave, fxrstor, fxrstor64: fxrstor,
  xsave: plain, xsave64: plain, xsaveopt: optimised, xsaveopt64: optimised, xsavec: compacted, xsavec64: compacted, xsaves: supervised, xsaves64: supervised,
  xrstor: xrstor(false), xrstor64: xrstor(false), xrstors: xrstor(true), xrstors64: xrstor(true),
  ldmxcsr, vldmxcsr: ldmxcsr, stmxcsr, vstmxcsr: stmxcsr,
};
