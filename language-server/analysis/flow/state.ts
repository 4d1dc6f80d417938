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

/** What holds on both paths; `a` itself if that is all that it says. */
export function join(a: State, b: State): State {
  if (a === b) return a;
  let changed = false;
  const flag = (one: Flag, other: Flag): Flag => {
    if (one === other || one === 'unknown') return one;
    changed = true;
    return 'unknown';
  };
  const value = (one: Value, other: Value): Value => {
    const joined = joinValues(one, other, isCalleeSaved);
    if (joined.key !== one.key) changed = true;
    return joined;
  };
  const [ac, df, pending] = [flag(a.ac, b.ac), flag(a.df, b.df), flag(a.pending, b.pending)];
  const registers = new Map<string, Value>();
  for (const [name, one] of a.registers) registers.set(name, value(one, b.registers.get(name)!));
  const stack = new Map<bigint, Value>();
  for (const [slot, one] of a.stack) {
    const other = b.stack.get(slot);
    if (other === undefined) changed = true;
    else stack.set(slot, value(one, other));
  }
  return changed ? { ac, df, pending, registers, stack } : a;
}
