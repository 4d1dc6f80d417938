/**
 * One instruction statement to bytes, equal to what GNU as 2.40 writes.
 *
 * Every form of the mnemonic that takes the operands is encoded; the choice among them follows gas: legacy before VEX
 * before EVEX, the shorter before the longer, a sign-extended byte before a full immediate, then iced's table order.
 */
import { EncodingKind, Register } from 'iced-x86';
import type { InstructionStatement } from '../../gas/statement.ts';
import { readArguments } from './arguments.ts';
import type { Argument, Arguments, Resolve } from './arguments.ts';
import { emit } from './emit.ts';
import type { EncodedInstruction } from './emit.ts';
import { EncodeError } from './encode-error.ts';
import { implicitOperands } from './implicit.ts';
import { match } from './match.ts';
import { remember } from './memo.ts';
import type { Match } from './match.ts';
import { similarMnemonic } from './mnemonic-names.ts';
import { candidates } from './mnemonics.ts';
import { operandSummary } from './operand-forms.ts';
import type { Candidate } from './mnemonics.ts';
import { joinPrefixes, prefixByte, readPrefixes } from './prefixes.ts';
import type { WrittenPrefixes } from './prefixes.ts';
import { preferred } from './preference.ts';
import { checkPrefixes } from './prefix-rules.ts';

export { EncodeError } from './encode-error.ts';
export type { EncodedField, EncodedInstruction } from './emit.ts';
export type { Resolve } from './arguments.ts';
export { isEmptyIndex, settledEncoding } from './memo.ts';

/**
 * Encodes `statement`. Constants among its expressions come from `resolve`; what `resolve` does not know becomes a field.
 * Throws {@link EncodeError} for everything gas refuses.
 */
export function encodeInstruction(statement: InstructionStatement, resolve: Resolve): EncodedInstruction {
  return remember(statement, resolve, encode);
}

function encode(statement: InstructionStatement, resolve: Resolve): EncodedInstruction {
  const { bits } = statement;
  const hinted = takeHint(statement);
  const alone = lonePrefix(statement);
  if (alone !== undefined) return alone;
  const prefixes = readPrefixes(hinted.prefixes, bits);
  const { mnemonic } = hinted;
  const cleared = statement.operands[0];
  if (/^clr[bwlq]?$/.test(mnemonic) && statement.operands.length === 1 && cleared?.kind === 'register') {
    return encode({ ...statement, mnemonic: `xor${mnemonic.slice(3)}`, operands: [cleared, cleared] }, resolve);
  }
  if (isPlainNop(mnemonic, statement)) return { bytes: joinPrefixes(Uint8Array.of(0x90), prefixes, bits).bytes, fields: [] };
  if (isBreakpoint(mnemonic, statement, resolve)) return { bytes: Uint8Array.of(0xcc), fields: [] };
  const found = candidates(mnemonic);
  if (found.length === 0) throw unknown(statement, mnemonic);
  const shortAddress = prefixes.bytes.includes(0x67);
  const given = readArguments(statement, resolve, shortAddress ? (bits === 32 ? 16 : 32) : bits);
  const { operands, addressSize } = implicitOperands(mnemonic, given.list, bits);
  const context = { mnemonic, bits, arguments: given, operands: intelOrder(mnemonic, operands), shortAddress };
  const matches = found.flatMap((candidate) => match(adjust(candidate, operands), context) ?? []);
  const usable = narrow(matches, mnemonic, bits, addressSize, given, prefixes);
  if (usable.length > 0) {
    const chosen = best(usable, given, prefixes, bits, statement);
    return prefixes.pseudo.has('swap') ? swapped(chosen, usable, given, prefixes, bits, statement) : chosen.encoded;
  }
  for (const size of [8, 16, 32]) {
    for (const cutOff of [false, true]) {
      const cut = shorten(context.operands, size, cutOff);
      if (cut === undefined) continue;
      const shortened = found.flatMap((candidate) => match(adjust(candidate, operands), { ...context, operands: cut }) ?? []);
      const fitting = narrow(shortened.filter((one) => hasSize(one, size, cutOff)), mnemonic, bits, addressSize, given, prefixes);
      if (fitting.length === 0) continue;
      const { encoded } = best(fitting, given, prefixes, bits, statement);
      return cutOff ? { ...encoded, warning: `the immediate is cut off to ${String(size)} bits` } : encoded;
    }
  }
  throw refusal(statement, mnemonic, given, matches.length > 0);
}

/**
 * `operands` with constants taken as numbers of `size` bits, or undefined if that changes none. With `cutOff`, bits may be
 * lost: gas does so, with a warning, where the size is plain.
 */
function shorten(operands: readonly Argument[], size: number, cutOff: boolean): readonly Argument[] | undefined {
  let changed = false;
  const cut = operands.map((operand): Argument => {
    if (operand.kind !== 'immediate' || operand.value.constant === undefined) return operand;
    const written = operand.value.constant;
    const constant = BigInt.asIntN(size, written);
    const same = BigInt.asUintN(size, written) === written || BigInt.asIntN(32, written) === constant && BigInt.asUintN(32, written) === written;
    if (constant === written || same === cutOff) return operand;
    changed = true;
    return { ...operand, value: { ...operand.value, constant } };
  });
  return changed ? cut : undefined;
}

/** True if the operand size of the form is `size` bits, and a suffix or a register says so; `whole`: its immediate has that size too. */
function hasSize({ candidate: { form, sized }, placed }: Match, size: number, whole: boolean): boolean {
  if (whole && placed.some((item) => item.kind === 'immediate' && item.field.bits !== size)) return false;
  return form.size === size && (sized || placed.some((item) => item.kind === 'register'));
}

/** gas writes `int $3` in one byte. */
function isBreakpoint(mnemonic: string, { operands, prefixes }: InstructionStatement, resolve: Resolve): boolean {
  const [only] = operands;
  return mnemonic === 'int' && prefixes.length === 0 && operands.length === 1 && only?.kind === 'immediate' && resolve(only.value) === 3n;
}

/** gas takes `xchg %rax,%rax` for a nop. */
function isPlainNop(mnemonic: string, { operands, prefixes, bits }: InstructionStatement): boolean {
  return /^xchgq?$/.test(mnemonic) && bits === 64 && prefixes.every((name) => name === 'rex64' || name === 'rex.w') && operands.length === 2
    && operands.every((operand) => operand.kind === 'register' && operand.name === 'rax');
}

/** A statement that is nothing but prefixes: `rep` before a `;`, `lock` on a line of its own. */
function lonePrefix(statement: InstructionStatement): EncodedInstruction | undefined {
  if (statement.operands.length > 0 || prefixByte(statement.mnemonic, statement.bits) === undefined) return undefined;
  const prefixes = readPrefixes([...statement.prefixes, statement.mnemonic], statement.bits);
  if (prefixes.rex !== 0 && statement.prefixes.some((name) => /^(lock|rep\w*)$/.test(name))) {
    throw new EncodeError('bad-prefix', `\`${statement.prefixes.join(' ')}\` needs an instruction behind it`);
  }
  const head = joinPrefixes(new Uint8Array(0), prefixes, statement.bits);
  return { bytes: head.bytes, fields: [] };
}

/** `jne,pt` and `jne,pn` are a prefix each (SDM 2A 2.1.1, branch hints); so is the counter's size in `loopl`. An old x87 spelling and `.d32` are other words too. */
function takeHint(statement: InstructionStatement): { mnemonic: string; prefixes: readonly string[] } {
  const loop = /^(loop(?:n?[ez])?)([wlq])$/.exec(statement.mnemonic);
  if (loop !== null) {
    const size = loop[2] === 'w' ? 16 : loop[2] === 'l' ? 32 : 64;
    const prefixes = size === statement.bits ? statement.prefixes : [...statement.prefixes, `addr${String(size)}`];
    return { mnemonic: loop[1] ?? '', prefixes };
  }
  const width = /^(\w+)\.d(8|16|32)$/.exec(statement.mnemonic);
  if (width !== null) return { mnemonic: width[1] ?? '', prefixes: [...statement.prefixes, `{disp${width[2] ?? ''}}`] };
  if (statement.operands.length === 0 && /^f(add|mul|subr?|divr?)$/.test(statement.mnemonic)) return { mnemonic: `${statement.mnemonic}p`, prefixes: statement.prefixes };
  const swapped = /^(\w+)\.s$/.exec(statement.mnemonic);
  if (swapped !== null) return { mnemonic: swapped[1] ?? '', prefixes: [...statement.prefixes, '{swap}'] };
  const hint = /^(j\w+|loop\w*),\s*(p[nt])$/.exec(statement.mnemonic);
  if (hint === null) return statement;
  return { mnemonic: hint[1] ?? '', prefixes: [...statement.prefixes, hint[2] === 'pt' ? 'ds' : 'cs'] };
}

/** AT&T writes sources first, but for a few instructions with two immediates. */
function intelOrder(mnemonic: string, operands: readonly Argument[]): readonly Argument[] {
  if (operands.length === 2 && operands.every((operand) => operand.kind === 'immediate')) return operands;
  if (/^imul[wlq]?$/.test(mnemonic) && operands.length === 2 && operands[0]?.kind === 'immediate') {
    const register = operands[1];
    return register === undefined ? operands : [register, register, operands[0]];
  }
  if (mnemonic === 'bound' || /^bound[wl]$/.test(mnemonic)) return operands;
  // xchg and test take their operands in either order; xchg with the accumulator has a short form, whichever comes first.
  const [first, second] = operands;
  if (/^(xchg|test)[bwlq]?$/.test(mnemonic) && first?.kind === 'memory' && second?.kind === 'register') return operands;
  if (/^xchg[wlq]?$/.test(mnemonic) && first?.kind === 'register' && second?.kind === 'register' && isAccumulator(second.register)) return operands;
  // gas takes `faddp %st(2),%st` for the other order, the only one there is.
  if (/^f(add|mul)p$/.test(mnemonic) && second?.kind === 'register' && second.register === Register.ST0 && operands.length === 2) return operands;
  return operands.toReversed();
}

function isAccumulator(register: Register): boolean {
  return register === Register.AX || register === Register.EAX || register === Register.RAX;
}

/** gas kept the assemblers' old mistake: with %st(i) as destination, fsub means fsubr and so on (as manual 9.16.16). */
const X87_SWAP = /^(Fsub|Fsubr|Fdiv|Fdivr)p?_sti_st0$/;

function adjust(candidate: Candidate, operands: readonly Argument[]): Candidate {
  if (!X87_SWAP.test(candidate.form.name)) return candidate;
  const { form } = candidate;
  const swappedName = /^(Fsub|Fdiv)rp?_/.test(form.name) ? form.name.slice(0, 4).toLowerCase() : `${form.name.slice(0, 4).toLowerCase()}r`;
  const pops = /p_sti/.test(form.name);
  if (operands.length === 1 && !pops) return candidate;
  const other = candidates(swappedName + (pops ? 'p' : '')).find(({ form: theirs }) => /_sti_st0$/.test(theirs.name));
  return other === undefined ? candidate : { ...candidate, form: other.form };
}

/** Leaves out the forms that the prefixes, the suffix rules or an unsized operand exclude. */
function narrow(
  matches: readonly Match[], mnemonic: string, bits: 16 | 32 | 64, addressSize: number, given: Arguments, written: WrittenPrefixes,
): readonly Match[] {
  let left = preferred(matches, given, written, bits);
  left = left.filter(({ candidate }) => {
    const { form } = candidate;
    // A register that holds an address says its size itself, as in `enqcmd (%ecx),%eax`.
    if (form.addressSize !== 0 && !form.shapes.some((shape) => shape.branch !== undefined || shape.register !== undefined)) {
      const wanted = addressSize !== 0 ? addressSize : written.bytes.includes(0x67) ? (bits === 32 ? 16 : 32) : bits;
      return form.addressSize === wanted;
    }
    return true;
  });
  left = defaultSize(left, bits);
  refuseAmbiguous(left, mnemonic);
  return immediateWidth(left, mnemonic);
}

/** Without a suffix or a register to tell it, the size is that of a long (as manual 9.16.4.1); a stack operation's is the mode's. */
function defaultSize(given: readonly Match[], bits: 16 | 32 | 64): readonly Match[] {
  let matches = given;
  const x87 = matches.every(({ candidate }) => candidate.form.name.startsWith('F'));
  if (x87) {
    if (matches.some(({ candidate }) => candidate.sized)) return matches;
    const short = matches.filter(({ candidate }) => candidate.form.suffixes.includes('s'));
    return short.length > 0 ? short : matches;
  }
  matches = matches.filter((one) => !isByteByWrap(one));
  const crc = matches.filter(({ candidate: { form, sized }, placed }) => !sized && form.name.startsWith('Crc32') && placed.some((item) => item.kind === 'memory'));
  if (crc.length > 0) return crc.filter(({ candidate: { form } }) => form.name === 'Crc32_r64_rm64' || form.name === (bits === 16 ? 'Crc32_r32_rm16' : 'Crc32_r32_rm32'));
  const sizes = new Set(matches.map(({ candidate }) => (candidate.sized ? 0 : candidate.form.size)));
  if (sizes.size < 2) return matches;
  const stack = matches.some(({ candidate }) => candidate.form.default64 && candidate.form.size === 64);
  const wanted = bits === 64 ? (stack ? 64 : 32) : bits;
  const chosen = matches.filter(({ candidate }) => candidate.form.size === wanted);
  return chosen.length > 0 ? chosen : matches;
}

/** Conversions whose memory operand alone tells the size need a suffix. */
function refuseAmbiguous(matches: readonly Match[], mnemonic: string): void {
  const open = matches.filter(({ candidate: { form, sized }, placed }) => !sized && /^[xyz]$/.test(form.suffixes[0] ?? '') && placed.some((item) => item.kind === 'memory'));
  if (new Set(open.map(({ candidate: { form } }) => form.memoryBytes)).size < 2) return;
  const names = [...new Set(open.map(({ candidate: { form } }) => `\`${mnemonic}${form.suffixes[0] ?? ''}\``))];
  throw new EncodeError('operand-mismatch', `the size of the memory operand is not plain: write ${names.join(' or ')}`);
}

/** gas reads an immediate such as 0xffffff80 as -128 only where a suffix or a register tells the size. */
function isByteByWrap({ candidate, placed }: Match): boolean {
  return !candidate.sized && !placed.some((item) => item.kind === 'register') && placed.some((item) =>
    item.kind === 'immediate' && item.field.bits === 8 && item.field.extendedTo !== 0 && item.value.constant !== undefined && item.value.constant > 127n);
}

/** A symbolic immediate takes the wide field: 32 bits before 64, and 8 only where there is nothing else. */
function immediateWidth(matches: readonly Match[], mnemonic: string): readonly Match[] {
  const widthOf = ({ placed }: Match): number => {
    const symbolic = placed.find((item) => item.kind === 'immediate' && item.value.constant === undefined);
    return symbolic?.kind === 'immediate' ? symbolic.field.bits : 0;
  };
  const widths = new Set(matches.map(widthOf));
  if (widths.size < 2 || mnemonic.startsWith('movabs')) return matches;
  const wanted = widths.has(32) ? 32 : widths.has(16) ? 16 : Math.max(...widths);
  return matches.filter((one) => widthOf(one) === wanted);
}

interface Encoding {
  readonly encoded: EncodedInstruction;
  readonly match: Match;
  readonly order: number;
}

function best(matches: readonly Match[], given: Arguments, written: WrittenPrefixes, bits: 16 | 32 | 64, statement: InstructionStatement): Encoding {
  let chosen: Encoding | undefined;
  let problem: EncodeError | undefined;
  // gas has chosen by the time it looks whether a written REX prefix goes with the operands.
  const plain = written.rex === 0 ? written : { ...written, rex: 0 };
  matches.forEach((one, order) => {
    try {
      checkPrefixes(one, given, written);
      const encoding = { encoded: emit(one, given, plain, bits), match: one, order };
      if (chosen === undefined || before(encoding, chosen)) chosen = encoding;
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      problem ??= error;
    }
  });
  if (chosen === undefined) throw problem ?? new EncodeError('operand-mismatch', `\`${statement.text}\` cannot be encoded`);
  return plain === written ? chosen : { ...chosen, encoded: emit(chosen.match, given, written, bits) };
}

/** What `.s` behind a mnemonic asks for: of two forms that move the same between registers, the one that gas would not take by itself. */
function swapped(
  chosen: Encoding, matches: readonly Match[], given: Arguments, written: WrittenPrefixes, bits: 16 | 32 | 64, statement: InstructionStatement,
): EncodedInstruction {
  const { encoding } = chosen.match.candidate.form;
  const stores = ({ candidate: { form } }: Match): boolean => form.shapes[0]?.memory !== undefined || form.name.endsWith('_0F11');
  const alike = matches.filter(({ candidate: { form }, placed }) => form.encoding === encoding && placed.every(({ kind }) => kind === 'register'));
  // gas's first choice is iced's too.
  const [usual] = alike;
  const others = usual === undefined ? [] : alike.filter((one) => stores(one) !== stores(usual));
  return others.length === 0 ? chosen.encoded : best(others, given, written, bits, statement).encoded;
}

const RANK: Partial<Record<EncodingKind, number>> = { [EncodingKind.Legacy]: 0, [EncodingKind.D3NOW]: 0, [EncodingKind.VEX]: 1, [EncodingKind.XOP]: 1, [EncodingKind.EVEX]: 2 };

function before(one: Encoding, other: Encoding): boolean {
  const rank = (encoding: Encoding): number => RANK[encoding.match.candidate.form.encoding] ?? 3;
  if (rank(one) !== rank(other)) return rank(one) < rank(other);
  if (one.encoded.bytes.length !== other.encoded.bytes.length) return one.encoded.bytes.length < other.encoded.bytes.length;
  const extended = (encoding: Encoding): boolean => encoding.match.placed.some((placed) => placed.kind === 'immediate' && placed.field.bits === 8 && placed.field.extendedTo !== 0);
  if (extended(one) !== extended(other)) return extended(one);
  return one.order < other.order;
}

function refusal(statement: InstructionStatement, mnemonic: string, given: Arguments, prefixed: boolean): EncodeError {
  if (prefixed) return new EncodeError('bad-prefix', `the prefixes of \`${statement.text}\` do not go with the instruction`);
  if (given.list.length === 0) return new EncodeError('operand-mismatch', `\`${mnemonic}\` needs operands${takes(mnemonic)}`);
  const range = given.list.find((argument) => argument.kind === 'immediate' && argument.value.constant !== undefined);
  const hint = range === undefined ? '' : ', or the immediate is out of range';
  const what = given.list.map(describe).join(', ');
  return new EncodeError('operand-mismatch', `\`${mnemonic}\` does not take these operands (${what})${hint}${takes(mnemonic)}`);
}

const MOST_FORMS = 6;

function takes(mnemonic: string): string {
  const forms = operandSummary(mnemonic);
  if (forms.length === 0) return '';
  const shown = forms.slice(0, MOST_FORMS).map((form) => (form === '' ? 'nothing' : `\`${form}\``)).join(' or ');
  return `; it takes ${shown}${forms.length > MOST_FORMS ? ' or others' : ''}`;
}

function describe(argument: Argument): string {
  switch (argument.kind) {
    case 'register': return `${argument.indirect ? '*' : ''}%${registerText(argument.register)}`;
    case 'immediate': return argument.value.constant === undefined ? 'immediate' : `$${argument.value.constant.toString()}`;
    case 'memory': return argument.bare ? 'target' : 'memory';
  }
}

function registerText(register: Register): string {
  return (Register[register] ?? '').toLowerCase();
}

/** Whether a word that is no mnemonic looks like a macro: with an underscore or a capital letter in it. */
function unknown({ text }: InstructionStatement, mnemonic: string): EncodeError {
  const written = new RegExp(`\\b${mnemonic.replace(/[^\w]/g, '\\$&')}`, 'i').exec(text)?.[0] ?? mnemonic;
  if (/[A-Z_]/.test(written) && written !== written.toUpperCase() || /_/.test(written)) {
    return new EncodeError('undefined-macro', `\`${written}\` is no instruction, and no macro that is defined here`);
  }
  const similar = similarMnemonic(mnemonic);
  return new EncodeError('unknown-mnemonic', `there is no instruction \`${written}\`${similar === undefined ? ', and no macro of that name is defined here' : `; did you mean \`${similar}\`?`}`);
}
