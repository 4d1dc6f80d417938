/**
 * Operands as the encoder sees them: registers resolved, expressions reduced to constants or marked as symbolic.
 */
import { Register } from 'iced-x86';
import type { Expression, InstructionStatement, MemoryOperand, Operand, OperandDecoration } from '../../gas/statement.ts';
import { EncodeError } from './encode-error.ts';
import { registerClass, registerNamed } from './registers.ts';
import type { RegisterClass } from './registers.ts';

/** What an expression is worth before layout: a number, or something only the linker or the layout knows. */
export type Resolve = (expression: Expression) => bigint | undefined;

/** A value of an operand: `constant` is undefined where it is symbolic. */
export interface Value {
  readonly constant: bigint | undefined;
  readonly expression: Expression;
}

export interface RegisterArgument {
  readonly kind: 'register';
  readonly register: Register;
  readonly class: RegisterClass;
  readonly indirect: boolean;
}

export interface ImmediateArgument {
  readonly kind: 'immediate';
  readonly value: Value;
}

export interface MemoryArgument {
  readonly kind: 'memory';
  readonly segment: Register;
  readonly base: Register;
  readonly index: Register;
  readonly scale: number;
  /** The index is `%riz` or `%eiz`: none, but with a SIB byte that says so. */
  readonly emptyIndex: boolean;
  readonly displacement: Value | undefined;
  /** Neither parentheses nor `*`: a branch target or an absolute address. */
  readonly bare: boolean;
  readonly indirect: boolean;
}

export type Argument = RegisterArgument | ImmediateArgument | MemoryArgument;

/** All operands of one instruction, in AT&T order, and what AVX-512 said about them. */
export interface Arguments {
  readonly list: readonly Argument[];
  readonly mask: Register;
  readonly zeroing: boolean;
  /** The n of `{1to n}`, 0 where it is not written. */
  readonly broadcast: number;
  /** Bytes of one element where only that is said (`dword bcst`), else 0. */
  readonly broadcastElement: number;
  readonly rounding: 'rn-sae' | 'rd-sae' | 'ru-sae' | 'rz-sae' | 'sae' | undefined;
}

/**
 * Reads the operands of `statement`, whose addresses are `addressBits` wide unless its registers say otherwise.
 * Throws {@link EncodeError} for an unknown register, a bad scale or a bad base.
 */
export function readArguments(statement: InstructionStatement, resolve: Resolve, addressBits: 16 | 32 | 64): Arguments {
  const { bits } = statement;
  const context = { resolve, bits, addressBits };
  const list: Argument[] = [];
  let rounding: Arguments['rounding'];
  const decorations = { mask: Register.None, zeroing: false, broadcast: 0, broadcastElement: 0 };
  for (const operand of statement.operands) {
    if (operand.kind === 'rounding') {
      const inside = CONVERTS_GENERAL.test(statement.mnemonic);
      if (inside ? !isGeneral(list) : list.length > 1 || list.some((argument) => argument.kind !== 'immediate')) {
        throw new EncodeError('operand-mismatch', `{${operand.mode}} comes ${inside ? 'behind the general register' : 'before the registers'}`);
      }
      rounding = operand.mode;
      continue;
    }
    list.push(readArgument(operand, context, false));
    const inner = operand.kind === 'indirect' ? operand.target : operand;
    if ((inner.kind === 'register' || inner.kind === 'memory') && inner.decoration !== undefined) {
      checkDecoration(inner, inner.decoration, operand === statement.operands.at(-1));
      decorate(decorations, inner.decoration);
    }
  }
  if (rounding !== undefined && list.some((argument) => argument.kind === 'memory')) throw new EncodeError('operand-mismatch', 'a rounding mode goes with registers only');
  if (decorations.zeroing && decorations.mask === Register.None) throw new EncodeError('operand-mismatch', '{z} needs an opmask register in front of it');
  return { list, rounding, ...decorations };
}

/** Conversions from a general register have the rounding behind it: `vcvtsi2ss %eax, {rn-sae}, %xmm1, %xmm0`. */
const CONVERTS_GENERAL = /^vcvtu?si2s[sdh][lq]?$/;

function isGeneral(list: readonly Argument[]): boolean {
  const [first] = list;
  return list.length === 1 && first?.kind === 'register' && (first.class === 'r32' || first.class === 'r64');
}

interface Context {
  readonly resolve: Resolve;
  readonly bits: 16 | 32 | 64;
  /** Narrower than `bits` if an address-size prefix is written. */
  readonly addressBits: 16 | 32 | 64;
}

/** A mask belongs to the destination, which comes last; only registers can have their other elements zeroed. */
function checkDecoration(operand: Operand, { mask, zeroing, broadcast, broadcastElement }: OperandDecoration, last: boolean): void {
  if ((mask !== undefined || zeroing === true) && !last) throw new EncodeError('operand-mismatch', 'a write mask belongs to the destination, the last operand');
  if (zeroing === true && operand.kind === 'memory') throw new EncodeError('operand-mismatch', '{z} does not go with a destination in memory');
  if ((broadcast !== undefined || broadcastElement !== undefined) && operand.kind !== 'memory') throw new EncodeError('operand-mismatch', 'only an operand in memory can be broadcast');
}

function decorate(into: { mask: Register; zeroing: boolean; broadcast: number; broadcastElement: number }, decoration: OperandDecoration): void {
  if (decoration.mask !== undefined) {
    const mask = registerNamed(decoration.mask);
    if (mask === undefined || registerClass(mask) !== 'k' || mask === Register.K0) {
      throw new EncodeError('operand-mismatch', `%${decoration.mask} cannot be a write mask; use %k1 to %k7`);
    }
    into.mask = mask;
  }
  if (decoration.zeroing === true) into.zeroing = true;
  if (decoration.broadcast !== undefined) into.broadcast = decoration.broadcast;
  if (decoration.broadcastElement !== undefined) into.broadcastElement = decoration.broadcastElement;
}

function readArgument(operand: Operand, context: Context, indirect: boolean): Argument {
  switch (operand.kind) {
    case 'register': {
      const register = registerNamed(operand.name);
      if (register === undefined) throw new EncodeError('unknown-register', `there is no register %${operand.name} here`);
      return { kind: 'register', register, class: registerClass(register), indirect };
    }
    case 'immediate':
      refuseTooLarge(operand.value, 'immediate');
      return { kind: 'immediate', value: { constant: context.resolve(operand.value), expression: operand.value } };
    case 'indirect':
      return readArgument(operand.target, context, true);
    case 'memory':
      return readMemory(operand, context, indirect);
    case 'rounding':
      throw new EncodeError('operand-mismatch', `{${operand.mode}} cannot stand here`);
  }
}

function readMemory(operand: MemoryOperand, { resolve, bits, addressBits }: Context, indirect: boolean): MemoryArgument {
  const named = (name: string | undefined): Register => {
    if (name === undefined) return Register.None;
    const register = registerNamed(name);
    if (register === undefined) throw new EncodeError('unknown-register', `there is no register %${name}`);
    return register;
  };
  const base = named(operand.base);
  const emptyIndex = operand.index === 'riz' || operand.index === 'eiz';
  // Where it is a register's width that decides, the empty index has the width of its name.
  const index = emptyIndex ? (operand.index === 'riz' ? Register.RAX : Register.EAX) : named(operand.index);
  const segment = named(operand.segment);
  const scale = operand.scale ?? 1;
  if (scale !== 1 && scale !== 2 && scale !== 4 && scale !== 8) {
    throw new EncodeError('bad-scale', `the scale of an index is 1, 2, 4 or 8, not ${String(scale)}`);
  }
  if (segment !== Register.None && registerClass(segment) !== 'seg') throw new EncodeError('operand-mismatch', `%${operand.segment ?? ''} is not a segment register`);
  checkAddress(base, index, bits, addressBits);
  if (operand.displacement !== undefined) refuseTooLarge(operand.displacement, 'displacement');
  const displacement = operand.displacement === undefined
    ? undefined
    : { constant: resolve(operand.displacement), expression: operand.displacement };
  return { kind: 'memory', segment, base, index, scale, emptyIndex, displacement, bare: !operand.parenthesised && !indirect, indirect };
}

/** SDM 2A 2.1.5: which registers can form an address. */
function checkAddress(base: Register, index: Register, bits: 16 | 32 | 64, addressBits: 16 | 32 | 64): void {
  const baseClass = base === Register.None ? undefined : registerClass(base);
  const indexClass = index === Register.None ? undefined : registerClass(index);
  const refuse = (why: string): never => { throw new EncodeError('bad-address', why); };
  if (baseClass === 'ip') {
    if (indexClass !== undefined) refuse('an address relative to %rip has no index');
    if (bits !== 64) refuse('%rip exists as a base in 64-bit code only');
    if (addressBits !== bits && base === Register.RIP) refuse('an address-size prefix needs %eip as a base, not %rip');
    return;
  }
  // %dx stands in for the port of in and out.
  if (base === Register.DX && indexClass === undefined) return;
  const general = (kind: RegisterClass | undefined): boolean => kind === 'r16' || kind === 'r32' || kind === 'r64';
  const vector = indexClass === 'xmm' || indexClass === 'ymm' || indexClass === 'zmm';
  if (baseClass !== undefined && !general(baseClass)) refuse('the base of an address is a 16, 32 or 64-bit general register');
  if (indexClass !== undefined && !general(indexClass) && !vector) refuse('the index of an address is a general or vector register');
  if (baseClass !== undefined && indexClass !== undefined && !vector && baseClass !== indexClass) refuse('base and index of an address have the same size');
  if (index === Register.RSP || index === Register.ESP) refuse('the stack pointer cannot be an index');
  const width = (vector ? baseClass : baseClass ?? indexClass)?.slice(1);
  if (addressBits !== bits && width !== undefined && width !== String(addressBits)) refuse(`the address-size prefix needs ${String(addressBits)}-bit registers`);
  if ((baseClass === 'r16' || indexClass === 'r16') && bits === 64) refuse('64-bit code has no 16-bit addresses');
  if ((baseClass === 'r64' || indexClass === 'r64') && bits !== 64) refuse('64-bit addresses exist in 64-bit code only');
}

/** GNU as keeps numbers of more than 64 bits for data alone. */
function refuseTooLarge(expression: Expression, what: string): void {
  if (expression.kind === 'number' && expression.value >= 1n << 64n) throw new EncodeError('value-out-of-range', `the ${what} 0x${expression.value.toString(16)} has more than 64 bits`);
}
