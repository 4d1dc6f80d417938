/** Moves of the elements that a mask names: vmaskmov and vpmaskmov, either way. Elements that it does not name are not accessed, and there are no alignment checks. */
import { OpKind } from 'iced-x86';
import type { SystemInstruction } from './context.ts';
import { readRegister, vectorSize, writeVector } from './vector-operands.ts';

function maskedMove(element: 4 | 8): SystemInstruction {
  return (cpu, instruction) => {
    const stores = instruction.op0Kind === OpKind.Memory;
    const size = vectorSize(instruction.op1Register);
    const mask = readRegister(cpu, instruction.op1Register, size);
    const address = cpu.address(instruction);
    const chosen: number[] = [];
    for (let at = 0; at < size; at += element) if (mask[at + element - 1]! >= 0x80) chosen.push(at);
    if (stores) {
      const bytes = readRegister(cpu, instruction.op2Register, size);
      for (const at of chosen) cpu.checkStore(address + BigInt(at), element, true);
      for (const at of chosen) cpu.store(address + BigInt(at), bytes.subarray(at, at + element), true);
    } else {
      const bytes = new Uint8Array(size);
      for (const at of chosen) bytes.set(cpu.load(address + BigInt(at), element, true), at);
      writeVector(cpu, instruction, instruction.op0Register, bytes);
    }
    return undefined;
  };
}

export const maskedMoves: Record<string, SystemInstruction> = {
  vmaskmovps: maskedMove(4), vmaskmovpd: maskedMove(8), vpmaskmovd: maskedMove(4), vpmaskmovq: maskedMove(8),
};
