/**
 * Operands that AT&T may write though the instruction's bytes do not hold them: `monitor %rax,%ecx,%edx`.
 */
import { Register } from 'iced-x86';
import type { Argument } from './arguments.ts';
import { registerClass } from './registers.ts';

const AL = Register.AL, RAX = Register.RAX, EAX = Register.EAX, AX = Register.AX, RCX = Register.RCX, ECX = Register.ECX, EDX = Register.EDX, RDX = Register.RDX, EBX = Register.EBX, RBX = Register.RBX, XMM0 = Register.XMM0;

interface ImplicitOperands {
  /** One list of acceptable registers for each operand, AT&T order. */
  readonly operands: readonly (readonly Register[])[];
  /** True if the first operand's size is the address size. */
  readonly address?: boolean;
  /** The first operand may stand without the others. */
  readonly firstAlone?: true;
  /** Number of real operands that follow; default 0. */
  readonly real?: number;
  /** The real operands come first. */
  readonly realFirst?: true;
  /** The first operand must be a register of the same size as the one behind the real operands. */
  readonly sameSize?: true;
}

const A = [RAX, EAX];
const C = [ECX, RCX];
const D = [EDX, RDX];

/** What is divided may be named behind the divisor: `div %ecx, %eax`. */
const DIVIDED: Readonly<Record<string, ImplicitOperands>> = {
  '': { operands: [[AL, AX, EAX, RAX]], real: 1, realFirst: true, sameSize: true },
  b: { operands: [[AL]], real: 1, realFirst: true }, w: { operands: [[AX]], real: 1, realFirst: true },
  l: { operands: [[EAX]], real: 1, realFirst: true }, q: { operands: [[RAX]], real: 1, realFirst: true },
};

const TABLE: Readonly<Record<string, ImplicitOperands>> = {
  ...Object.fromEntries(['div', 'idiv'].flatMap((name) => Object.entries(DIVIDED).map(([suffix, row]) => [name + suffix, row] as const))),
  monitor: { operands: [[RAX, EAX, AX], C, D], address: true },
  monitorx: { operands: [[RAX, EAX, AX], C, D], address: true },
  mwait: { operands: [A, C] },
  mwaitx: { operands: [A, C, [EBX, RBX]] },
  clzero: { operands: [[RAX, EAX, AX]], address: true },
  vmrun: { operands: [[RAX, EAX, AX]], address: true },
  vmload: { operands: [[RAX, EAX, AX]], address: true },
  vmsave: { operands: [[RAX, EAX, AX]], address: true },
  invlpga: { operands: [[RAX, EAX, AX], [ECX]], address: true },
  skinit: { operands: [[EAX]] },
  blendvpd: { operands: [[XMM0]], real: 2 },
  blendvps: { operands: [[XMM0]], real: 2 },
  pblendvb: { operands: [[XMM0]], real: 2 },
  sha256rnds2: { operands: [[XMM0]], real: 2 },
  tpause: { operands: [[EDX], [EAX]], real: 1, realFirst: true },
  umwait: { operands: [[EDX], [EAX]], real: 1, realFirst: true },
  rmpquery: { operands: [[RAX], C, D] },
  rmpadjust: { operands: [[RAX], C, D], firstAlone: true },
  rmpupdate: { operands: [[RAX], C], firstAlone: true },
  pvalidate: { operands: [A, C, D], address: true, firstAlone: true },
  psmash: { operands: [[RAX]] },
  invlpgb: { operands: [A, C, D], address: true },
};

/** `operands` (AT&T order) without those the bytes do not hold, and the address size in bits they ask for, or 0. */
export function implicitOperands(
  mnemonic: string, operands: readonly Argument[], bits: 16 | 32 | 64,
): { readonly operands: readonly Argument[]; readonly addressSize: number } {
  const row = Object.hasOwn(TABLE, mnemonic) ? TABLE[mnemonic] : undefined;
  if (row === undefined) return { operands, addressSize: 0 };
  const count = row.firstAlone === true && operands.length === 1 ? 1 : row.operands.length;
  const skip = row.realFirst === true ? row.real ?? 0 : 0;
  const fits = row.operands.slice(0, count).every((accepted, index) => {
    const operand = operands[skip + index];
    return operand?.kind === 'register' && accepted.includes(operand.register);
  });
  if (!fits || operands.length !== count + (row.real ?? 0) || (row.sameSize === true && !sameSize(operands[0], operands[skip]))) return { operands, addressSize: 0 };
  const first = operands[0];
  const kind = row.address === true && first?.kind === 'register' ? registerClass(first.register) : undefined;
  const addressSize = kind === undefined ? 0 : kind === 'r64' ? 64 : kind === 'r32' ? 32 : 16;
  return { operands: skip > 0 ? operands.slice(0, skip) : operands.slice(count), addressSize: addressSize === 64 && bits !== 64 ? -1 : addressSize };
}

function sameSize(one: Argument | undefined, other: Argument | undefined): boolean {
  return one?.kind === 'register' && other?.kind === 'register' && registerClass(one.register) === registerClass(other.register);
}
