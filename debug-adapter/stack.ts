/**
 * The call stack. Routines in assembly carry no unwind tables, so callers are found by what calls leave on the stack.
 */
import { decodeInstruction } from '../assembly/x86/decode.ts';
import type { Machine } from '../machine/machine.ts';
import { ADDRESS_MAP } from '../machine/scenario/resolve.ts';

export interface CodeFrame {
  /** Where execution stands, or (in a caller) goes on. */
  readonly ip: bigint;
  /** An address inside the instruction the frame is at: for a caller, in the call. */
  readonly at: bigint;
  /** For a caller: the stack slot that holds its `ip`. */
  readonly slot?: bigint;
}

const RSP = 4;
const FRAME_LIMIT = 200;
/** Lengths of call instructions: `call rel32`, and indirect ones with their prefixes and displacements. */
const CALL_LENGTHS = [5, 2, 3, 6, 7, 4, 8];

/** The frames, innermost first. A caller is taken for one if a quadword on the stack names the instruction behind a call. */
export function codeFrames(machine: Machine): readonly CodeFrame[] {
  const { rip } = machine.registers;
  const frames: CodeFrame[] = [{ ip: rip, at: rip }];
  const rsp = machine.registers.get(RSP);
  // Up to the end of the stack it is on: the routine's, or the one machine checks are handled on.
  const bytes = machine.memory.read(rsp, ADDRESS_MAP.stackSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 8 <= bytes.length && frames.length < FRAME_LIMIT; offset += 8) {
    const value = view.getBigUint64(offset, true);
    if (value === ADDRESS_MAP.returnSentinel || value === ADDRESS_MAP.handlerReturn) break;
    if (followsCall(machine, value)) frames.push({ ip: value, at: value - 1n, slot: rsp + BigInt(offset) });
  }
  return frames;
}

function followsCall(machine: Machine, address: bigint): boolean {
  if (machine.memory.permissions(address)?.execute !== true) return false;
  return CALL_LENGTHS.some((length) => {
    const start = address - BigInt(length);
    const bytes = machine.memory.read(start, length);
    if (bytes.length < length) return false;
    const instruction = decodeInstruction(bytes, start);
    return instruction.length === length && (instruction.flow === 'call' || instruction.flow === 'indirect-call');
  });
}
