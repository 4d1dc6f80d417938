/**
 * The gathers of AVX2: elements from addresses of their own, where a mask says so (SDM 2C, VPGATHERDD and its kin). Elements that were read, or
 * passed over, leave the mask; so after a fault the instruction goes on where it was (what else is kept was measured on a family 1Ah processor).
 */
import { Register, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { VECTOR } from '../cpu.ts';
import { SystemFault } from './context.ts';
import type { SystemContext, SystemInstruction } from './context.ts';
import { readRegister, vectorSize, writeVector } from './vector-operands.ts';

/** The address of the element whose index is given. */
function elementAddress({ state }: SystemContext, instruction: Instruction, index: bigint): bigint {
  const { memoryBase, memorySegment } = instruction;
  let address = instruction.memoryDisplacement + index * BigInt(instruction.memoryIndexScale);
  if (memoryBase !== Register.None) address += state.getGeneral(RegisterExt.number(memoryBase));
  if (memoryBase !== Register.None && RegisterExt.size(memoryBase) === 4) address = BigInt.asUintN(32, address);
  if (memorySegment === Register.FS) address += state.getSegmentBase(4);
  else if (memorySegment === Register.GS) address += state.getSegmentBase(5);
  return BigInt.asUintN(64, address);
}

/** `element`: bytes of what is gathered; `indexed`: bytes of an index. */
function gather(element: 4 | 8, indexed: 4 | 8): SystemInstruction {
  return (cpu, instruction) => {
    const [target, index, mask] = [instruction.op0Register, instruction.memoryIndex, instruction.op2Register];
    const numbers = [target, index, mask].map((register) => RegisterExt.number(register));
    if (new Set(numbers).size < 3) throw new SystemFault(VECTOR.UD);
    const size = vectorSize(target);
    const count = Math.min(size / element, vectorSize(index) / indexed);
    const indices = readRegister(cpu, index, vectorSize(index));
    const view = new DataView(indices.buffer, indices.byteOffset, indices.length);
    const values = readRegister(cpu, target, size);
    const left = readRegister(cpu, mask, size);
    for (let i = 0; i < count; i++) {
      const at = i * element;
      if (left[at + element - 1]! >= 0x80) {
        try {
          values.set(cpu.load(elementAddress(cpu, instruction, indexed === 4 ? BigInt(view.getInt32(4 * i, true)) : view.getBigInt64(8 * i, true)), element, true), at);
        } catch (error) {
          // What is above, and the rest of the mask, are still as they were.
          cpu.state.setVector(numbers[0]!, values);
          cpu.state.setVector(numbers[2]!, left);
          throw error;
        }
      }
      left.fill(0, at, at + element);
    }
    values.fill(0, count * element);
    writeVector(cpu, instruction, target, values);
    writeVector(cpu, instruction, mask, new Uint8Array(size));
    return undefined;
  };
}

export const gathers: Record<string, SystemInstruction> = {
  vpgatherdd: gather(4, 4), vgatherdps: gather(4, 4), vpgatherdq: gather(8, 4), vgatherdpd: gather(8, 4),
  vpgatherqd: gather(4, 8), vgatherqps: gather(4, 8), vpgatherqq: gather(8, 8), vgatherqpd: gather(8, 8),
};
