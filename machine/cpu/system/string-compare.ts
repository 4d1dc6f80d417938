/** pcmpestri, pcmpestrm, pcmpistri, pcmpistrm: SDM 2B, "Using the PCMPxSTRx instructions" (4.1). */
import { Code, Register } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { FLAG } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { LANE, readRegister, readVector, writeVector } from './vector-operands.ts';

/** Characters of a string and how many of them count. */
interface Characters {
  readonly values: readonly number[];
  readonly length: number;
}

function characters(bytes: Uint8Array, format: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, LANE);
  const words = (format & 1) !== 0, signed = (format & 2) !== 0;
  return Array.from({ length: words ? 8 : 16 }, (_, i) => (words ? (signed ? view.getInt16(2 * i, true) : view.getUint16(2 * i, true)) : signed ? view.getInt8(i) : view.getUint8(i)));
}

/** Up to the first zero. */
function implicit(values: readonly number[]): Characters {
  const zero = values.indexOf(0);
  return { values, length: zero < 0 ? values.length : zero };
}

/** A register's absolute value, at most all. */
function explicit(values: readonly number[], length: bigint, bits: 32 | 64): Characters {
  const signed = BigInt.asIntN(bits, length);
  const absolute = signed < 0n ? -signed : signed;
  return { values, length: absolute > BigInt(values.length) ? values.length : Number(absolute) };
}

/** Bit j says what the aggregation finds at character j of the second string. */
function aggregate(set: Characters, text: Characters, how: number): number {
  const count = text.values.length;
  const inSet = (i: number): boolean => i < set.length;
  const inText = (j: number): boolean => j < text.length;
  const at = (j: number): boolean => {
    switch (how) {
      case 0: // equal any
        return inText(j) && set.values.some((value, i) => inSet(i) && value === text.values[j]);
      case 1: // ranges
        return inText(j) && set.values.some((low, i) => i % 2 === 0 && inSet(i + 1) && low <= text.values[j]! && text.values[j]! <= set.values[i + 1]!);
      case 2: // equal each
        return inSet(j) && inText(j) ? set.values[j] === text.values[j] : inSet(j) === inText(j);
      default: // equal ordered
        for (let i = 0; i + j < count; i++) if (inSet(i) && !(inText(i + j) && set.values[i] === text.values[i + j])) return false;
        return true;
    }
  };
  let bits = 0;
  for (let j = 0; j < count; j++) if (at(j)) bits |= 1 << j;
  return bits;
}

function compare(set: Characters, text: Characters, control: number): number {
  const all = (1 << text.values.length) - 1;
  const bits = aggregate(set, text, (control >> 2) & 3);
  switch ((control >> 4) & 3) {
    case 1: return bits ^ all;
    case 3: return bits ^ ((1 << text.length) - 1);
    default: return bits;
  }
}

function strings(cpu: SystemContext, instruction: Instruction, isExplicit: boolean, control: number): readonly [Characters, Characters] {
  const format = control & 3;
  const values = [readRegister(cpu, instruction.op0Register, LANE), readVector(cpu, instruction, 1, LANE, false)].map((bytes) => characters(bytes, format));
  if (!isExplicit) return values.map(implicit) as [Characters, Characters];
  const bits = /64/.test(Code[instruction.code]!) ? 64 : 32;
  return values.map((one, i) => explicit(one, cpu.state.getGeneral(i === 0 ? REG.RAX : REG.RDX), bits)) as [Characters, Characters];
}

function stringCompare(isExplicit: boolean, index: boolean): SystemInstruction {
  return (cpu, instruction) => {
    const control = Number(instruction.immediate(2)) & 0xff;
    const [set, text] = strings(cpu, instruction, isExplicit, control);
    const bits = compare(set, text, control);
    const count = text.values.length;
    const wide = (control & 0x40) !== 0;
    if (index) cpu.state.setGeneral(REG.RCX, BigInt(bits === 0 ? count : wide ? 31 - Math.clz32(bits) : 31 - Math.clz32(bits & -bits)));
    else {
      const mask = new Uint8Array(LANE);
      if (wide) for (let at = 0; at < LANE; at++) mask[at] = (bits >> Math.floor(at / (LANE / count))) & 1 ? 0xff : 0;
      else mask.set([bits & 0xff, bits >> 8]);
      writeVector(cpu, instruction, Register.XMM0, mask);
    }
    cpu.state.setArithmeticFlags((bits === 0 ? 0 : FLAG.CF) | (text.length < count ? FLAG.ZF : 0) | (set.length < count ? FLAG.SF : 0) | ((bits & 1) === 0 ? 0 : FLAG.OF));
    return undefined;
  };
}

const legacy: Record<string, SystemInstruction> = {
  pcmpestri: stringCompare(true, true), pcmpestri64: stringCompare(true, true), pcmpestrm: stringCompare(true, false), pcmpestrm64: stringCompare(true, false),
  pcmpistri: stringCompare(false, true), pcmpistrm: stringCompare(false, false),
};

export const stringCompares: Record<string, SystemInstruction> = {
  ...legacy, ...Object.fromEntries(Object.entries(legacy).map(([mnemonic, run]) => [`v${mnemonic}`, run])),
};
