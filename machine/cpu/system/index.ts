/**
 * Instructions that are executed in TypeScript: privileged or with much state, and not worth generated code.
 *
 * ## How to add one
 * Find its group's file here or add one, export a `Record<mnemonic, SystemInstruction>` (iced-x86 mnemonics in lower case), name it in
 * `GROUPS`. The function gets the processor and iced's decoded instruction (valid during the call only). `rip` already points behind the
 * instruction. To fault, throw {@link SystemFault} before anything is changed; `cpu.load` and `cpu.store` throw their faults by themselves.
 */
import { EncodingKind, Mnemonic, OpKind, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import type { SystemInstruction } from './context.ts';
import { controlInstructions, moveControl, moveDebug } from './control-registers.ts';
import { cryptoInstructions } from './crypto.ts';
import { gathers } from './gathers.ts';
import { identityInstructions } from './identity.ts';
import { maskedMoves } from './masked-moves.ts';
import { memoryInstructions } from './memory-instructions.ts';
import { msrInstructions } from './msr.ts';
import { moveSegment, namesSegmentRegister, segmentInstructions, segmentStack } from './segments.ts';
import { stateSaveInstructions } from './state-save.ts';
import { stringCompares } from './string-compare.ts';
import { farBranch, transferInstructions } from './transfers.ts';
import { x87ControlInstructions } from './x87-control.ts';

export { NotModelled, SystemFault } from './context.ts';
export type { SystemContext, SystemInstruction } from './context.ts';

const GROUPS: readonly Record<string, SystemInstruction>[] = [
  msrInstructions, identityInstructions, controlInstructions, segmentInstructions, transferInstructions, stateSaveInstructions, x87ControlInstructions, memoryInstructions,
  maskedMoves, gathers, cryptoInstructions, stringCompares,
];

const instructions = new Map<string, SystemInstruction>();
for (const group of GROUPS) {
  for (const [mnemonic, run] of Object.entries(group)) {
    if (instructions.has(mnemonic)) throw new Error(`${mnemonic} is defined twice`);
    instructions.set(mnemonic, run);
  }
}

const farJump = farBranch(false), farCall = farBranch(true);

/** Forms with special registers or far pointers, of mnemonics whose other forms are lifts. */
function specialForm(instruction: Instruction): SystemInstruction | undefined {
  switch (instruction.mnemonic) {
    case Mnemonic.Mov: {
      if (instruction.op0Kind !== OpKind.Register && instruction.op1Kind !== OpKind.Register) return undefined;
      for (const register of [instruction.op0Register, instruction.op1Register]) {
        if (RegisterExt.isSegmentRegister(register)) return moveSegment;
        if (RegisterExt.isCR(register)) return moveControl;
        if (RegisterExt.isDR(register)) return moveDebug;
      }
      return undefined;
    }
    case Mnemonic.Push: return namesSegmentRegister(instruction) ? segmentStack.push : undefined;
    case Mnemonic.Pop: return namesSegmentRegister(instruction) ? segmentStack.pop : undefined;
    case Mnemonic.Jmp: return isFar(instruction) ? farJump : undefined;
    case Mnemonic.Call: return isFar(instruction) ? farCall : undefined;
    default: return undefined;
  }
}

function isFar(instruction: Instruction): boolean {
  return instruction.isJmpFarIndirect || instruction.isCallFarIndirect;
}

/** What runs the instruction, if it is one that runs in TypeScript. */
export function systemInstruction(instruction: Instruction): SystemInstruction | undefined {
  // Nothing here knows masks.
  if (instruction.encoding !== EncodingKind.Legacy && instruction.encoding !== EncodingKind.VEX) return undefined;
  return specialForm(instruction) ?? instructions.get(Mnemonic[instruction.mnemonic].toLowerCase());
}
