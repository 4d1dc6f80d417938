/**
 * Fits operands to a form: which operand goes to which position, and what AT&T left unsaid.
 */
import { EncodingKind, Register } from 'iced-x86';
import type { Argument, Arguments, MemoryArgument, Value } from './arguments.ts';
import type { Candidate } from './mnemonics.ts';
import type { Form } from './forms.ts';
import type { ImmediateField, OperandShape } from './operand-kinds.ts';
import { needsLongMode, registerClass, registerNumber } from './registers.ts';

/** What stands at one position of a form, ready to be encoded. */
export type Placed =
  | { readonly kind: 'register'; readonly register: Register }
  | { readonly kind: 'immediate'; readonly field: ImmediateField; readonly value: Value }
  | { readonly kind: 'memory'; readonly memory: MemoryArgument }
  | { readonly kind: 'offset'; readonly memory: MemoryArgument }
  | { readonly kind: 'branch'; readonly target: Value }
  | { readonly kind: 'far'; readonly selector: Value; readonly offset: Value }
  | { readonly kind: 'string'; readonly memory: MemoryArgument | undefined }
  | { readonly kind: 'implied' };

/** A form that takes the operands. */
export interface Match {
  readonly candidate: Candidate;
  /** One for each position of the form, Intel order. */
  readonly placed: readonly Placed[];
}

export interface MatchContext {
  readonly mnemonic: string;
  readonly bits: 16 | 32 | 64;
  readonly arguments: Arguments;
  /** The operands in Intel order. */
  readonly operands: readonly Argument[];
  /** An address-size prefix is written: 32-bit addresses in 64-bit code. */
  readonly shortAddress: boolean;
}

/** The positions of `candidate` filled with the operands, or undefined if they do not fit. */
export function match(candidate: Candidate, context: MatchContext): Match | undefined {
  const { form } = candidate;
  if (!form.modes[context.bits] || !decorationsFit(form, context.arguments) || !countFits(form, context.operands)) return undefined;
  const operands: readonly Argument[] = candidate.immediate === undefined
    ? context.operands
    : [...context.operands, { kind: 'immediate', value: literal(candidate.immediate) }];
  // A jump to a label has no suffix, a call may have one.
  if (candidate.suffix !== '' && form.name.startsWith('Jmp_rel')) return undefined;
  if (form.word && candidate.suffix !== '' && !wordSuffixFits(candidate.suffix, context.operands)) return undefined;
  const placed = place(form, operands, 0, 0, context);
  return placed === undefined ? undefined : { candidate, placed };
}

function wordSuffixFits(suffix: string, operands: readonly Argument[]): boolean {
  return operands.every((operand) => {
    if (operand.kind !== 'register') return suffix === 'w';
    if (operand.class === 'seg') return true;
    return suffix === { r16: 'w', r32: 'l', r64: 'q' }[operand.class as string];
  });
}

function literal(value: bigint): Value {
  return { constant: value, expression: { kind: 'number', value } };
}

function decorationsFit(form: Form, { mask, zeroing, broadcast, broadcastElement, rounding }: Arguments): boolean {
  const masked = mask !== Register.None;
  if (masked && !form.mask) return false;
  if (form.maskRequired && !masked) return false;
  if (zeroing && !form.zeroing) return false;
  if (broadcast !== 0 && form.broadcast !== broadcast) return false;
  if (broadcastElement !== 0 && (form.broadcast === 0 || form.memoryBytes / form.broadcast !== broadcastElement)) return false;
  if (rounding === 'sae') return form.suppress;
  return rounding === undefined || form.rounding;
}

/** Not those of SSE, such as `Cmpsd_xmm_xmmm64_imm8`. */
const STRING_NAMES = /^(Movs|Cmps|Ins|Outs|Lods|Stos|Scas)[bwdq]_(?!xmm)/;
/** x87 comparisons, which never name %st. */
const COMPARES_WITH_ST0 = /^Fu?comp?_st0_sti/;

/** Some instructions may leave out all of their fixed operands, but not some of them. */
function countFits({ name, shapes }: Form, operands: readonly Argument[]): boolean {
  if (COMPARES_WITH_ST0.test(name)) return operands.length < 2;
  if (name.startsWith('Fcmov')) return operands.length === 2;
  if (!STRING_NAMES.test(name) || operands.length === 0 || operands.length === shapes.length) return true;
  return /^(Lods|Stos|Scas)/.test(name) && operands[0]?.kind === 'memory';
}

function place(form: Form, operands: readonly Argument[], position: number, used: number, context: MatchContext): Placed[] | undefined {
  if (position === form.shapes.length) return used === operands.length ? [] : undefined;
  const shape = form.shapes[position] ?? {};
  const missing = form.shapes.length - position - (operands.length - used);
  if (missing > 0 && mayOmit(form, shape, context)) {
    const rest = place(form, operands, position + 1, used, context);
    if (rest !== undefined) return [omitted(shape), ...rest];
  }
  if (shape.far !== undefined) {
    // Written selector first, whatever the syntax.
    const [selector, offset] = [operands[used], operands[used + 1]];
    if (selector?.kind !== 'immediate' || offset?.kind !== 'immediate') return undefined;
    return [{ kind: 'far', selector: selector.value, offset: offset.value }];
  }
  const operand = operands[used];
  const here = operand === undefined ? undefined : fit(form, shape, operand, context);
  if (here === undefined) return undefined;
  const rest = place(form, operands, position + 1, used + 1, context);
  return rest === undefined ? undefined : [here, ...rest];
}

/** x87 instructions that take %st(1) when it is not written. */
const DEFAULT_ST1 = /^f(com|comp|ucom|ucomp|xch|addp|mulp|subp|subrp|divp|divrp|comi|ucomi|comip|ucomip|compi|ucompi)$/;

function mayOmit(form: Form, shape: OperandShape, { mnemonic, operands }: MatchContext): boolean {
  if (shape.optional === true) return true;
  if (shape.fixed !== undefined) {
    if (/^(In|Out)_/.test(form.name)) return shape.fixed !== Register.DX;
    if (/^Fn?stsw_AX$/.test(form.name)) return true;
    if (shape.fixed === Register.CL) return /^sh[lr]d/.test(mnemonic);
    return form.shapes.some((other) => other.string !== undefined);
  }
  if (shape.immediate !== undefined) return /^Aa[md]_imm8$/.test(form.name);
  return shape.register === 'st' && operands.length === 0 && DEFAULT_ST1.test(mnemonic);
}

function omitted(shape: OperandShape): Placed {
  if (shape.fixed !== undefined) return { kind: 'register', register: shape.fixed };
  if (shape.register === 'st') return { kind: 'register', register: Register.ST1 };
  if (shape.string !== undefined) return { kind: 'string', memory: undefined };
  if (shape.one === true) return { kind: 'immediate', field: { bits: 8, extendedTo: 0 }, value: literal(1n) };
  // aam and aad work in decimal unless told otherwise.
  if (shape.immediate !== undefined) return { kind: 'immediate', field: shape.immediate, value: literal(10n) };
  return { kind: 'implied' };
}

function fit(form: Form, shape: OperandShape, operand: Argument, context: MatchContext): Placed | undefined {
  switch (operand.kind) {
    case 'register': return fitRegister(form, shape, operand.register, operand.indirect, context);
    case 'immediate': return fitImmediate(form, shape, operand.value);
    case 'memory': return fitMemory(form, shape, operand, context);
  }
}

function isNearIndirect(form: Form): boolean {
  return /^(Jmp|Call)_rm/.test(form.name);
}

function fitRegister(form: Form, shape: OperandShape, register: Register, indirect: boolean, { bits }: MatchContext): Placed | undefined {
  if (indirect && !isNearIndirect(form)) return undefined;
  if (bits !== 64 && needsLongMode(register)) return undefined;
  if (shape.fixed !== undefined) return shape.fixed === register ? { kind: 'register', register } : undefined;
  if (shape.register === undefined) return undefined;
  const kind = registerClass(register);
  if (kind === shape.register) {
    if (form.encoding !== EncodingKind.EVEX && (kind === 'xmm' || kind === 'ymm') && registerNumber(register) > 15) return undefined;
    return { kind: 'register', register };
  }
  const wide = shape.register === 'r64' || shape.register === 'r32' || shape.register === 'r16';
  if (form.widths.length > 0 && wide && form.widths.includes(widthOf(kind)) && !(form.blindMemoryOnly && shape.memory === undefined)) {
    const first = shape.register === 'r64' ? Register.RAX : shape.register === 'r32' ? Register.EAX : Register.AX;
    return { kind: 'register', register: first + registerNumber(register) };
  }
  return undefined;
}

function widthOf(kind: ReturnType<typeof registerClass>): number {
  return kind === 'r16' ? 16 : kind === 'r32' ? 32 : kind === 'r64' ? 64 : 0;
}

function fitImmediate(form: Form, shape: OperandShape, value: Value): Placed | undefined {
  if (shape.one === true) return value.constant === 1n ? { kind: 'immediate', field: { bits: 8, extendedTo: 0 }, value } : undefined;
  const field = shape.immediate;
  if (field === undefined) return undefined;
  if (value.constant !== undefined && !immediateFits(value.constant, field)) return undefined;
  return { kind: 'immediate', field, value };
}

/** True if `value`, a 64-bit number, can be written into `field` without a change of meaning at the operand's size. */
export function immediateFits(value: bigint, { bits, extendedTo }: ImmediateField): boolean {
  const signed = BigInt.asIntN(64, value);
  if (bits === 64) return true;
  if (bits === 4) return signed >= 0n && signed < 16n;
  const size = extendedTo === 0 ? bits : extendedTo;
  if (size < 64 && (signed < -(1n << BigInt(size - 1)) || signed >= 1n << BigInt(size))) return false;
  if (extendedTo === 0) return true;
  const reduced = BigInt.asIntN(extendedTo, signed);
  return reduced === BigInt.asIntN(bits, reduced);
}

function fitMemory(form: Form, shape: OperandShape, memory: MemoryArgument, context: MatchContext): Placed | undefined {
  if (shape.branch !== undefined) {
    const plain = memory.bare && memory.segment === Register.None && memory.displacement !== undefined;
    return plain ? { kind: 'branch', target: memory.displacement } : undefined;
  }
  if (shape.fixed === Register.DX) {
    const port = memory.base === Register.DX && memory.index === Register.None && memory.displacement === undefined && memory.segment === Register.None;
    return port ? { kind: 'register', register: Register.DX } : undefined;
  }
  if (memory.base === Register.DX) return undefined;
  if (shape.string !== undefined) return fitString(shape.string, memory);
  if (shape.table === true) return isTable(memory) ? { kind: 'string', memory } : undefined;
  if (shape.memory === undefined) return undefined;
  if (isBranch(form) && memory.bare) return undefined;
  if (memory.indirect && !isBranch(form)) return undefined;
  if (shape.memory === 'offset') {
    const absolute = memory.base === Register.None && memory.index === Register.None
      && (context.bits !== 64 || context.shortAddress || context.mnemonic.startsWith('movabs') || isFarOff(memory));
    return absolute ? { kind: 'offset', memory } : undefined;
  }
  const index = memory.index === Register.None ? undefined : registerClass(memory.index);
  const wanted = shape.memory === 'any' ? undefined : shape.memory.slice(0, 3);
  const vector = index === 'xmm' || index === 'ymm' || index === 'zmm' ? index : undefined;
  if (wanted !== vector) return undefined;
  return { kind: 'memory', memory };
}

/** A constant address that a sign-extended displacement does not reach. */
function isFarOff({ displacement, bare }: MemoryArgument): boolean {
  const constant = displacement?.constant;
  return bare && constant !== undefined && BigInt.asIntN(32, constant) !== BigInt.asIntN(64, constant);
}

function isBranch(form: Form): boolean {
  return /^(Jmp|Call)_/.test(form.name);
}

function fitString(shape: { readonly register: 'si' | 'di'; readonly extra: boolean }, memory: MemoryArgument): Placed | undefined {
  if (memory.index !== Register.None || (memory.displacement !== undefined && memory.displacement.constant !== 0n)) return undefined;
  const expected = shape.register === 'si' ? [Register.RSI, Register.ESI, Register.SI] : [Register.RDI, Register.EDI, Register.DI];
  if (!expected.includes(memory.base)) return undefined;
  if (shape.extra && memory.segment !== Register.None && memory.segment !== Register.ES) return undefined;
  return { kind: 'string', memory };
}

function isTable(memory: MemoryArgument): boolean {
  return memory.index === Register.None && memory.displacement === undefined && [Register.RBX, Register.EBX, Register.BX].includes(memory.base);
}
