/**
 * What is known at a landing pad: what was known in front of the instruction that faulted, and what the handler type did.
 */
import { EX_TYPE, handlerType } from '../../../fault-model/handler-types.ts';
import type { Instruction } from '../../../assembly/x86/instruction.ts';
import type { Entry } from './code.ts';
import type { State } from './state.ts';
import { constant, OPAQUE, symbol } from './value.ts';
import type { Value } from './value.ts';

const NUMBERED = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const PUTS_VECTOR: readonly number[] = [EX_TYPE.FAULT, EX_TYPE.COPY, EX_TYPE.FAULT_MCE_SAFE];
const CLEARS_AX = 1, CLEARS_DX = 2;

/** The value that stands for the vector a handler put into ax. */
export const VECTOR_NAME = 'trapnr';

/** The state at the landing pad of `entry`. */
export function landingState(before: State, instruction: Instruction, entry: Entry, place: string): State {
  const registers = new Map(before.registers);
  if (instruction.repeat !== 'none') for (const register of ['rcx', 'rsi', 'rdi']) if (instruction.registersWritten.includes(register)) registers.set(register, symbol(`${register}@fault ${place}`));
  for (const [register, value] of handlerWrites(entry)) registers.set(register, value);
  // Delivery of an exception and the return from it order everything.
  return { ...before, pending: 'clear', registers };
}

function handlerWrites(entry: Entry): ReadonlyMap<string, Value> {
  const written = new Map<string, Value>();
  const own = NUMBERED[entry.register]!;
  for (const name of handlerType(entry.type)?.writes ?? []) {
    const register = name === 'reg' ? own : NUMBERED.find((full) => full === name || full.slice(1) === name);
    if (register !== undefined) written.set(register, OPAQUE);
  }
  if (PUTS_VECTOR.includes(entry.type)) written.set('rax', symbol(VECTOR_NAME));
  if (entry.type === EX_TYPE.IMM_REG) written.set(own, constant(BigInt(entry.immediate)));
  if ((entry.flags & CLEARS_AX) !== 0) written.set('rax', constant(0n));
  if ((entry.flags & CLEARS_DX) !== 0) written.set('rdx', constant(0n));
  return written;
}
