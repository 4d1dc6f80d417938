/**
 * What is known of the machine at one place of a routine, and where paths meet.
 */
import { join as joinValues, symbol } from './value.ts';
import type { Value } from './value.ts';

/** Registers the C calling convention has a function give back as it got them (System V ABI, x86-64, 3.2.1). */
export const CALLEE_SAVED = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'] as const;
export const CALLER_SAVED = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'] as const;
export const REGISTERS = ['rsp', ...CALLEE_SAVED, ...CALLER_SAVED] as const;

/** A flag: as it was at the start, known, or not known. */
export type Flag = 'entry' | 'set' | 'clear' | 'unknown';

export interface State {
  /** Access to user memory is open (EFLAGS.AC under SMAP). */
  readonly ac: Flag;
  /** String operations go downwards. */
  readonly df: Flag;
  /** Non-temporal stores that nothing has ordered yet. */
  readonly pending: Flag;
  readonly registers: ReadonlyMap<string, Value>;
  /** 8-byte slots by their distance from the stack pointer at the start. What is absent is not known. */
  readonly stack: ReadonlyMap<bigint, Value>;
}

export function entryState(): State {
  return {
    ac: 'entry', df: 'entry', pending: 'clear', stack: new Map(),
    registers: new Map(REGISTERS.map((name) => [name, symbol(name)])),
  };
}

export function isCalleeSaved(name: string): boolean {
  return name === 'rsp' || (CALLEE_SAVED as readonly string[]).includes(name);
}

/** What holds on both paths. */
export function join(a: State, b: State): State {
  const flag = (one: Flag, other: Flag): Flag => (one === other ? one : 'unknown');
  const registers = new Map([...a.registers].map(([name, value]) => [name, joinValues(value, b.registers.get(name)!, isCalleeSaved)]));
  const stack = new Map<bigint, Value>();
  for (const [slot, value] of a.stack) {
    const other = b.stack.get(slot);
    if (other !== undefined) stack.set(slot, joinValues(value, other, isCalleeSaved));
  }
  return { ac: flag(a.ac, b.ac), df: flag(a.df, b.df), pending: flag(a.pending, b.pending), registers, stack };
}

/** Equal for states that say the same. */
export function stateKey({ ac, df, pending, registers, stack }: State): string {
  const slots = [...stack].sort(([a], [b]) => Number(a - b)).map(([slot, { key }]) => `${String(slot)}=${key}`).join(';');
  return `${ac} ${df} ${pending} ${REGISTERS.map((name) => registers.get(name)!.key).join(';')} ${slots}`;
}
