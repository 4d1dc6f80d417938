/**
 * Registers in words: what each is, and what the C calling convention does with it (System V ABI for x86-64, 3.2).
 */
import { registerClass, registerNames } from '../../assembly/assembler/encoding/registers.ts';
import type { RegisterClass } from '../../assembly/assembler/encoding/registers.ts';
import { fullRegister } from '../registers.ts';

const ROLES: Readonly<Record<string, string>> = {
  rax: 'return value; changed by calls', rbx: 'kept by calls', rcx: 'fourth argument; changed by calls; count of shifts and `rep`', rdx: 'third argument, second half of the return value; changed by calls',
  rsp: 'stack pointer', rbp: 'frame pointer; kept by calls', rsi: 'second argument; changed by calls; source of string instructions', rdi: 'first argument; changed by calls; destination of string instructions',
  r8: 'fifth argument; changed by calls', r9: 'sixth argument; changed by calls', r10: 'changed by calls', r11: 'changed by calls', r12: 'kept by calls', r13: 'kept by calls', r14: 'kept by calls', r15: 'kept by calls',
};
const CLASSES: Partial<Record<RegisterClass, string>> = {
  ip: 'instruction pointer, as the base of an address', seg: 'segment register', xmm: '128-bit vector register', ymm: '256-bit vector register', zmm: '512-bit vector register', k: 'mask register of AVX-512',
  bnd: 'bounds register of MPX', cr: 'control register', dr: 'debug register', st: 'x87 stack register', mm: 'MMX register', tr: 'test register', tmm: 'tile register of AMX',
};

/** One line about the register `name` (without `%`); undefined if there is none of that name. */
export function registerText(name: string): string | undefined {
  const general = fullRegister(name);
  if (general !== undefined) {
    const part = general.bits === 64 ? '' : `lower ${String(general.bits)} bits of %${general.full}${general.bits === 32 ? ', writing it clears the upper half' : ''}; `;
    const high = /^[abcd]h$/.test(name) ? `bits 8 to 15 of %${general.full}; ` : part;
    return `${high}${ROLES[general.full] ?? ''}`;
  }
  return ALL.get(name);
}

const ALL = new Map(registerNames().map(([name, register]) => [name, CLASSES[registerClass(register)] ?? '']));

/** Every register's name without `%`, with its class. */
export const REGISTERS: readonly (readonly [string, RegisterClass])[] = registerNames().map(([name, register]) => [name, registerClass(register)]);
