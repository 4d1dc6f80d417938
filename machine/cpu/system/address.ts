/** The linear address of an instruction's explicit memory operand, computed in TypeScript. */
import { Register, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import type { State } from '../state.ts';

export function effectiveAddress(state: State, instruction: Instruction): bigint {
  const { memoryBase, memoryIndex, memorySegment } = instruction;
  let address = instruction.memoryDisplacement;
  let narrow = memoryBase === Register.EIP || (instruction.memoryDisplSize === 4 && memoryBase === Register.None && memoryIndex === Register.None);
  if (memoryBase !== Register.None && memoryBase !== Register.RIP && memoryBase !== Register.EIP) {
    narrow = RegisterExt.size(memoryBase) === 4;
    address += state.getGeneral(RegisterExt.number(memoryBase));
  }
  if (memoryIndex !== Register.None && RegisterExt.isGPR(memoryIndex)) {
    narrow = RegisterExt.size(memoryIndex) === 4;
    address += state.getGeneral(RegisterExt.number(memoryIndex)) * BigInt(instruction.memoryIndexScale);
  }
  if (narrow) address = BigInt.asUintN(32, address);
  if (memorySegment === Register.FS) address += state.getSegmentBase(4);
  else if (memorySegment === Register.GS) address += state.getSegmentBase(5);
  return BigInt.asUintN(64, address);
}
