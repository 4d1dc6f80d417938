/**
 * Numbers of registers in call frame information (x86-64 psABI, figure 3.36).
 */

const NUMBERS = new Map<string, number>();

function list(first: number, ...names: readonly string[]): void {
  names.forEach((name, index) => NUMBERS.set(name, first + index));
}

list(0, 'rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip');
for (let index = 0; index < 16; index++) {
  list(17 + index, `xmm${String(index)}`);
  list(67 + index, `xmm${String(index + 16)}`);
}
for (let index = 0; index < 8; index++) {
  list(33 + index, `st(${String(index)})`);
  list(41 + index, `mm${String(index)}`);
  list(118 + index, `k${String(index)}`);
}
list(33, 'st');
list(49, 'rflags', 'es', 'cs', 'ss', 'ds', 'fs', 'gs');
list(58, 'fs.base', 'gs.base');
list(62, 'tr', 'ldtr', 'mxcsr', 'fcw', 'fsw');
list(126, 'bnd0', 'bnd1', 'bnd2', 'bnd3');

/** The DWARF number of a register (lower case, without `%`), or undefined. */
export function dwarfRegister(name: string): number | undefined {
  return NUMBERS.get(name);
}
