/**
 * AT&T register names and what the encoder needs to know of each register.
 */
import { Register } from 'iced-x86';

/** The sets that an operand kind chooses from. `ip` is rip and eip, which exist as a base only. */
export type RegisterClass =
  | 'r8' | 'r16' | 'r32' | 'r64' | 'ip' | 'seg' | 'xmm' | 'ymm' | 'zmm' | 'k' | 'bnd' | 'cr' | 'dr' | 'st' | 'mm' | 'tr' | 'tmm';

/** First and last member of each class in iced's numbering. */
const CLASS_RANGES: readonly (readonly [RegisterClass, number, number])[] = [
  ['r8', Register.AL, Register.R15L],
  ['r16', Register.AX, Register.R15W],
  ['r32', Register.EAX, Register.R15D],
  ['r64', Register.RAX, Register.R15],
  ['ip', Register.EIP, Register.RIP],
  ['seg', Register.ES, Register.GS],
  ['xmm', Register.XMM0, Register.XMM31],
  ['ymm', Register.YMM0, Register.YMM31],
  ['zmm', Register.ZMM0, Register.ZMM31],
  ['k', Register.K0, Register.K7],
  ['bnd', Register.BND0, Register.BND3],
  ['cr', Register.CR0, Register.CR15],
  ['dr', Register.DR0, Register.DR15],
  ['st', Register.ST0, Register.ST7],
  ['mm', Register.MM0, Register.MM7],
  ['tr', Register.TR0, Register.TR7],
  ['tmm', Register.TMM0, Register.TMM7],
];

/** Names that gas knows beside iced's own. */
const EXTRA_NAMES: Readonly<Record<string, Register>> = {
  st: Register.ST0,
  db0: Register.DR0, db1: Register.DR1, db2: Register.DR2, db3: Register.DR3,
  db4: Register.DR4, db5: Register.DR5, db6: Register.DR6, db7: Register.DR7,
};

let byName: Map<string, Register> | undefined;
const classOf: RegisterClass[] = [];

function table(): Map<string, Register> {
  if (byName !== undefined) return byName;
  byName = new Map();
  for (const [kind, first, last] of CLASS_RANGES) {
    for (let register = first; register <= last; register++) {
      let name = (Register[register] ?? '').toLowerCase();
      if (kind === 'r8') name = name.replace(/^(r\d+)l$/, '$1b');
      if (kind === 'st') name = `st(${name.slice(2)})`;
      byName.set(name, register);
      classOf[register] = kind;
    }
  }
  for (const [name, register] of Object.entries(EXTRA_NAMES)) byName.set(name, register);
  return byName;
}

/** The register of that AT&T name (lower case, no `%`), or undefined. `eiz` and `riz` are not here: gas takes them with -mindex-reg only. */
export function registerNamed(name: string): Register | undefined {
  return table().get(name);
}

/** Every AT&T name (without `%`) with its register, in the order of the classes. */
export function registerNames(): readonly (readonly [string, Register])[] {
  return [...table()];
}

/** The class `register` belongs to. */
export function registerClass(register: Register): RegisterClass {
  table();
  const found = classOf[register];
  if (found === undefined) throw new RangeError(`no register ${String(register)}`);
  return found;
}

/** Position within the class: 0 for `%al`, `%rax`, `%xmm0`. */
export function registerNumber(register: Register): number {
  const range = CLASS_RANGES.find(([, first, last]) => register >= first && register <= last);
  return register - (range?.[1] ?? 0);
}

/** True for a register that only long mode has (r8 and up, spl .. dil, 64-bit and vector registers from 8 on). */
export function needsLongMode(register: Register): boolean {
  const kind = registerClass(register);
  const number = registerNumber(register);
  if (kind === 'r64') return true;
  if (kind === 'r8') return number >= 8;
  return number >= 8 && kind !== 'dr';
}
