/**
 * Every instruction form the oracle knows of: iced-x86's `Code`s that are valid in 64-bit mode.
 */
import { Code, CodeExt, CpuidFeature, Instruction } from 'iced-x86';
import type { OpCodeInfo , OpCodeOperandKind } from 'iced-x86';

export interface CodeFacts {
  readonly code: Code;
  /** `Add_rm64_r64`. */
  readonly name: string;
  /** `OpCodeOperandKind` of each operand. */
  readonly operands: readonly OpCodeOperandKind[];
  readonly features: readonly string[];
  /** `ADD r/m64, r64`. */
  readonly text: string;
  /** `o64 01 /r`. */
  readonly opcode: string;
  readonly info: OpCodeInfo;
}

function facts(name: string, code: Code): CodeFacts | undefined {
  const info = CodeExt.opCode(code);
  if (!info.isInstruction || !info.mode64) return undefined;
  const operands = Array.from({ length: info.opCount }, (_, i) => info.opKind(i));
  const instruction = new Instruction();
  instruction.code = code;
  const features = Array.from(instruction.cpuidFeatures(), (feature) => CpuidFeature[feature] ?? String(feature));
  instruction.free();
  return { code, name, operands, features, text: info.instructionString, opcode: info.opCodeString, info };
}

/** In iced's order. */
export const CODES: readonly CodeFacts[] = Object.entries(Code)
  .filter((entry): entry is [string, Code] => typeof entry[1] === 'number')
  .flatMap(([name, code]) => facts(name, code) ?? []);

export const codeFacts: ReadonlyMap<Code, CodeFacts> = new Map(CODES.map((one) => [one.code, one]));
