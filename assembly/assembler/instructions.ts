/**
 * Instruction statements: bytes, the fields that layout fills, and branches that layout sizes.
 */
import type { Expression, InstructionStatement } from '../gas/statement.ts';
import { EncodeError, encodeInstruction, isEmptyIndex, settledEncoding } from './encoding/encode.ts';
import type { EncodedField, EncodedInstruction } from './encoding/encode.ts';
import type { AssemblyState } from './state.ts';
import { AssemblyError } from './assembly-error.ts';

/** Encodes `statement` where the assembler stands. Throws {@link EncodeError} or {@link AssemblyError}, having written nothing. */
export function assembleInstruction(state: AssemblyState, statement: InstructionStatement): void {
  state.bits = statement.bits;
  if (state.absolute !== undefined) throw new AssemblyError('bad-section', 'an instruction needs a section: behind .struct, offsets are only counted');
  const form = statement.form ?? statement;
  const known = settledEncoding(form);
  if (known?.fields.length === 0 && known.warning === undefined && state.section.hasContents) {
    state.addLine(statement);
    state.part.append(known.bytes);
    return;
  }
  refuseEmptyIndex(state, form);
  const { plain, call } = takeDescriptorCall(form);
  const encoded = encodeInstruction(plain, (expression) => state.known(expression));
  if (!state.section.hasContents) throw new AssemblyError('bad-section', `section ${state.section.name} has no contents in the file, so no instructions either`);
  const start = state.here();
  const branch = relaxable(encoded, form);
  refuseAbsoluteTarget(state, encoded, branch !== undefined);
  if (encoded.warning !== undefined) state.report('warning', 'value-out-of-range', encoded.warning);
  state.addLine(statement);
  if (call !== undefined) {
    const { fragment, offset } = start;
    state.fixups.push({ fragment, offset, size: 4, kind: 'data', expression: state.bind(call), relative: false, end: 0, signed: true, mayUsePlt: false, range: statement.range });
  }
  if (encoded.fields.length === 0) {
    state.part.append(encoded.bytes);
    return;
  }
  // The expression is bound before the bytes are there: `.` is the instruction's first byte.
  const bound = encoded.fields.map((field) => state.bind(field.expression));
  if (branch !== undefined) {
    state.part.append(encoded.bytes, branch.offset);
    state.close({ kind: 'branch', target: bound[0]!, longSize: branch.longSize, fieldSize: branch.fieldSize, range: statement.range, long: branch.long, mayUsePlt: form.bits === 64 });
    return;
  }
  state.part.append(encoded.bytes);
  encoded.fields.forEach((field, index) => {
    state.fixups.push({
      fragment: start.fragment, offset: start.offset + field.offset, size: field.size, kind: field.kind,
      expression: bound[index]!, relative: field.relative, end: encoded.bytes.length - field.offset, signed: field.signed,
      mayUsePlt: field.kind === 'branch' && form.bits === 64,
      start: start.offset, range: statement.range,
    });
  });
}

/** `%riz` and `%eiz` name the absence of an index; gas takes them after `.allow_index_reg` only. */
function refuseEmptyIndex(state: AssemblyState, { operands }: InstructionStatement): void {
  if (state.emptyIndexAllowed) return;
  for (const operand of operands) {
    const inner = operand.kind === 'indirect' ? operand.target : operand;
    if (inner.kind !== 'memory' || !isEmptyIndex(inner.index)) continue;
    throw new EncodeError('unknown-register', `there is no register %${inner.index}: it stands for no index, and only after \`.allow_index_reg\``);
  }
}

/** `call *x@tlscall(%rax)` only marks the instruction for the linker: its operand is `(%rax)`. */
function takeDescriptorCall(statement: InstructionStatement): { plain: InstructionStatement; call?: Expression } {
  const [operand] = statement.operands;
  if (operand?.kind !== 'indirect' || operand.target.kind !== 'memory') return { plain: statement };
  const { displacement, ...target } = operand.target;
  if (displacement?.kind !== 'symbol' || displacement.modifier !== 'TLSCALL') return { plain: statement };
  return { plain: { ...statement, operands: [{ ...operand, target }] }, call: displacement };
}

/** loop and jrcxz have a byte of displacement: no linker could make it reach an absolute address, and gas refuses it. */
function refuseAbsoluteTarget(state: AssemblyState, { fields }: EncodedInstruction, sized: boolean): void {
  const field = fields[0];
  if (sized || field?.kind !== 'branch' || field.size !== 1 ) return;
  const target = state.known(field.expression);
  if (target === undefined || (target >= -128n && target <= 127n)) return;
  throw new AssemblyError('operand-mismatch', 'this branch reaches 127 bytes at most: its target must be a label close by');
}

interface Relaxable {
  /** Offset of the displacement in the short form. */
  readonly offset: number;
  readonly longSize: number;
  readonly fieldSize: 2 | 4;
  readonly long: boolean;
}

/** jmp and jcc choose between a byte and a full displacement by the distance; every other branch has one size. */
function relaxable({ bytes, fields }: EncodedInstruction, { bits, prefixes, mnemonic }: InstructionStatement): Relaxable | undefined {
  const field: EncodedField | undefined = fields[0];
  if (field?.kind !== 'branch' || field.size !== 1 || field.offset + 1 !== bytes.length) return undefined;
  const opcode = bytes[field.offset - 1] ?? 0;
  const conditional = opcode >= 0x70 && opcode <= 0x7f;
  if (!conditional && opcode !== 0xeb) return undefined;
  let wide = false;
  let resized = false;
  for (let at = 0; at < field.offset - 1; at++) {
    const byte = bytes[at]!;
    if (bits === 64 && byte >= 0x48 && byte <= 0x4f) wide = true;
    if (byte === 0x66) resized = true;
  }
  const narrow = (bits === 16) !== resized && !wide;
  const fieldSize = narrow ? 2 : 4;
  return { offset: field.offset, fieldSize, longSize: fieldSize + (conditional ? 1 : 0), long: prefixes.includes('{disp32}') || mnemonic.endsWith('.d32') };
}
