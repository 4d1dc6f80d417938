/**
 * Fields after layout: a number is written into the bytes; what only the linker knows becomes a relocation.
 */
import type { Folded } from '../gas/evaluate.ts';
import { R_X86_64, SHF } from '../elf/object.ts';
import type { SourceRange } from '../source.ts';
import { AssemblyError } from './assembly-error.ts';
import type { SectionBuilder } from './fragments.ts';
import { relocationType, TLS_MODIFIERS } from './relocations.ts';
import type { AssemblyState, Fixup, WrittenRelocation } from './state.ts';
import { ABSOLUTE, GLOBAL_OFFSET_TABLE } from './symbol-table.ts';
import type { AssemblySymbol, Located } from './symbol-table.ts';

/** A {@link Fixup} at its address: offsets count from the start of the section. */
export interface Field extends Omit<Fixup, 'fragment' | 'start'> {
  readonly section: SectionBuilder;
  /** A branch that layout chose the size of. */
  readonly sized?: true;
  /** Where the instruction begins; undefined in data. */
  readonly start: number | undefined;
}

/** What a relocation points at: a symbol, the beginning of a section, or nothing (an absolute address). */
export type RelocationTarget = AssemblySymbol | SectionBuilder | undefined;

export interface PendingRelocation {
  readonly offset: number;
  readonly type: number;
  readonly target: RelocationTarget;
  readonly addend: bigint;
}

/** Writes the field into `bytes` (the section's), or returns the relocation it needs. Throws {@link AssemblyError}. */
export function resolveField(state: AssemblyState, field: Field, bytes: Uint8Array): PendingRelocation | undefined {
  const folded = foldField(state, field);
  switch (folded.kind) {
    case 'error':
      throw new AssemblyError('bad-expression', folded.message);
    case 'absolute':
      if (field.relative) return { offset: field.offset, type: relocationType(use(field, bytes, undefined, true)), target: undefined, addend: folded.value - BigInt(field.end) };
      writeValue(field, folded.value, bytes);
      return undefined;
    case 'difference':
      return difference(state, field, folded);
    case 'symbol':
      return symbolic(state, field, folded, bytes);
  }
}

/** A number less a place in this section needs a relocation too: one that adds nothing but address 0. */
function foldField({ symbols }: AssemblyState, { expression }: Field): Folded {
  const folded = symbols.fold(expression);
  if (folded.kind !== 'error') return folded;
  const again = symbols.fold({ kind: 'binary', operator: '+', left: expression, right: { kind: 'symbol', name: ABSOLUTE, range: NOWHERE } });
  return again.kind === 'difference' ? again : folded;
}

const NOWHERE: SourceRange = { start: { file: '', line: 1, column: 1 }, endColumn: 1 };

function use({ size, signed, start, offset, kind }: Field, bytes: Uint8Array, modifier: string | undefined, relative: boolean) {
  const opcode = kind === 'displacement' && start !== undefined ? bytes.subarray(start, offset) : undefined;
  return { size, signed, modifier, relative, opcode };
}

function symbolic(state: AssemblyState, field: Field, folded: Extract<Folded, { kind: 'symbol' }>, bytes: Uint8Array): PendingRelocation | undefined {
  const { offset } = field;
  const { modifier } = folded.symbol;
  const symbol = state.symbols.keyed(folded.symbol.name);
  const located = state.symbols.locate(symbol);
  if (modifier !== undefined && modifier !== 'PLT') {
    if (TLS_MODIFIERS.has(modifier)) symbol.type = 'tls';
    // The size of what nothing can replace is known here.
    if (modifier === 'SIZE' && symbol.isDefined && symbol.binding === 'local' && !symbol.isSection) {
      writeValue(field, folded.addend + (symbol.size === undefined ? 0n : state.symbols.number(symbol.size.expression) ?? 0n), bytes);
      return undefined;
    }
    const pcRelative = field.relative || /^(GOTPCREL|TLSGD|TLSLD|GOTTPOFF)$/.test(modifier);
    const addend = folded.addend - (field.relative ? BigInt(field.end) : 0n);
    const type = relocationType(use(field, bytes, modifier, pcRelative));
    // A name for an undefined symbol is no symbol of the object.
    const [target, more] = located.kind === 'other' ? [located.symbol, located.addend] : [symbol, 0n];
    return { offset, type, target, addend: modifier === 'TLSCALL' ? 0n : addend + more };
  }
  if (located.kind === 'absolute') {
    // A modifier hid the value from folding.
    const value = located.value + folded.addend;
    if (field.relative) return { offset, type: R_X86_64.PC32, target: undefined, addend: value - BigInt(field.end) };
    writeValue(field, value, bytes);
    return undefined;
  }
  if (symbol.name === GLOBAL_OFFSET_TABLE && located.kind === 'other') return globalOffsetTable(field, symbol, folded.addend);
  const local = located.kind === 'section' && isLocal(symbol);
  // A branch that layout has sized goes straight to a global symbol too.
  const settled = local || (field.sized === true && modifier === undefined && symbol.binding === 'global' && symbol.type !== 'ifunc');
  if (field.relative && settled && located.kind === 'section' && located.section === field.section) {
    writeValue(field, located.offset + folded.addend - BigInt(offset + field.end), bytes, true);
    return undefined;
  }
  const type = wantsPlt(field, folded, located.kind === 'other' ? located.symbol : symbol)
    ? R_X86_64.PLT32
    : relocationType(use(field, bytes, undefined, field.relative));
  const addend = folded.addend - (field.relative ? BigInt(field.end) : 0n);
  return { offset, type, ...aim(symbol, located, addend, field) };
}

/** The relocation that a `.reloc` asks for, and the section it belongs to. Throws {@link AssemblyError}. */
export function writtenRelocation({ symbols }: AssemblyState, { section, offset, type, value }: WrittenRelocation): { section: SectionBuilder; relocation: PendingRelocation } {
  const place = symbols.fold(offset);
  let target = section;
  let at: bigint;
  if (place.kind === 'absolute') at = place.value;
  else {
    const located = place.kind === 'symbol' ? symbols.locate(symbols.keyed(place.symbol.name)) : undefined;
    if (place.kind !== 'symbol' || located?.kind !== 'section') throw new AssemblyError('bad-relocation', 'the place of a .reloc is a number, or a label with a number added');
    target = located.section;
    at = located.offset + place.addend;
  }
  if (at < 0n || at > BigInt(target.limit)) throw new AssemblyError('bad-relocation', `the place ${at.toString()} of this .reloc is outside of its section`);
  const folded = value === undefined ? undefined : symbols.fold(value);
  if (folded === undefined || folded.kind === 'absolute') return { section: target, relocation: { offset: Number(at), type, target: undefined, addend: folded?.value ?? 0n } };
  if (folded.kind !== 'symbol') throw new AssemblyError('bad-relocation', 'the value of a .reloc is a symbol with a number added');
  const symbol = symbols.keyed(folded.symbol.name);
  const located = symbol.definition?.kind === 'value' ? symbols.locate(symbol) : undefined;
  const other = located?.kind === 'other' ? located.symbol : symbol;
  return { section: target, relocation: { offset: Number(at), type, target: other, addend: folded.addend + (located?.kind === 'other' ? located.addend : 0n) } };
}

/** A symbol that nothing outside this object can replace. */
function isLocal(symbol: AssemblySymbol): boolean {
  return symbol.binding === 'local' && symbol.type !== 'ifunc';
}

/** Branches to what may lie in another object say so, which lets the linker put a PLT entry between (gas `need_plt32_p`). */
function wantsPlt(field: Field, folded: Extract<Folded, { kind: 'symbol' }>, symbol: AssemblySymbol): boolean {
  if (field.size !== 4) return false;
  if (folded.symbol.modifier === 'PLT') return !isLocal(symbol) || !symbol.isDefined;
  return field.mayUsePlt && folded.addend === 0n && !(symbol.binding === 'local' && symbol.isDefined);
}

/** The linker keeps one copy of such a section and drops the others: from outside, only a symbol means the copy that was kept. */
function isLinkOnce({ group, name }: SectionBuilder): boolean {
  return group?.comdat === true || name.startsWith('.gnu.linkonce.');
}

/** Local symbols are named by their section, as gas does, unless the linker may move pieces of the section about or drop it. */
function aim(symbol: AssemblySymbol, located: Located, addend: bigint, { section, relative }: Pick<Field, 'section' | 'relative'>): { readonly target: RelocationTarget; readonly addend: bigint } {
  switch (located.kind) {
    case 'section': {
      const { flags } = located.section;
      const merged = (flags & SHF.MERGE) !== 0 && (relative || addend !== 0n);
      const fromOutside = section !== located.section && !symbol.isLocalName && isLinkOnce(located.section);
      if (!isLocal(symbol) || merged || fromOutside || (flags & SHF.TLS) !== 0) return { target: symbol, addend };
      return { target: located.section, addend: addend + located.offset };
    }
    case 'other':
      return { target: located.symbol, addend: addend + located.addend };
    case 'absolute':
      return { target: undefined, addend: addend + located.value };
    case 'expression':
      throw new AssemblyError('bad-expression', `symbol ${symbol.name} is assigned an expression that no relocation can hold`);
  }
}

function globalOffsetTable(field: Field, symbol: AssemblySymbol, addend: bigint): PendingRelocation {
  const type = field.size === 8 ? 29 : R_X86_64.GOTPC32;
  const shift = field.kind === 'data' ? 0n : field.relative ? -BigInt(field.end) : BigInt(field.offset - (field.start ?? field.offset));
  return { offset: field.offset, type, target: symbol, addend: addend + shift };
}

/** `a - b + n`: fits a relocation if `b` lies in the field's own section. */
function difference(state: AssemblyState, field: Field, { plus, minus, addend }: Extract<Folded, { kind: 'difference' }>): PendingRelocation {
  const taken = state.symbols.keyed(minus.name);
  const base = state.symbols.locate(taken);
  const symbol = plus.name === ABSOLUTE ? undefined : state.symbols.keyed(plus.name);
  if (base.kind !== 'section' || base.section !== field.section || field.relative) {
    throw new AssemblyError('bad-relocation', `${symbol === undefined ? '' : `${symbol.name} `}- ${taken.name} is not known here, and no relocation can hold the difference of two symbols unless the second is in the field's own section`);
  }
  const sum = addend + BigInt(field.offset) - base.offset;
  if (plus.modifier === 'PLT') throw new AssemblyError('bad-relocation', '@PLT does not go into a difference');
  if (symbol === undefined) return { offset: field.offset, type: relocationType({ size: field.size, relative: true, signed: false, modifier: undefined, opcode: undefined }), target: undefined, addend: sum };
  if (symbol.name === GLOBAL_OFFSET_TABLE && !symbol.isDefined) return { offset: field.offset, type: field.size === 8 ? 29 : R_X86_64.GOTPC32, target: symbol, addend: sum };
  const type = relocationType({ size: field.size, relative: true, signed: field.signed, modifier: plus.modifier, opcode: undefined });
  return { offset: field.offset, type, ...aim(symbol, state.symbols.locate(symbol), sum, { section: field.section, relative: true }) };
}

/** Writes a number little-endian. Throws if the field cannot hold it, as gas does where the number was not known while reading. */
function writeValue(field: Field, value: bigint, bytes: Uint8Array, distance = false): void {
  const bits = field.size * 8;
  const signed = BigInt.asIntN(64, value);
  if (bits < 64) {
    const low = -(1n << BigInt(bits - 1));
    const strict = distance || field.kind === 'branch' || field.signed;
    const high = strict ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
    const wrapped = field.signed && field.kind !== 'branch' && !distance ? BigInt.asUintN(32, signed) === BigInt.asUintN(64, signed) && bits === 32 : false;
    if (signed > high || signed < (strict ? low : low * 2n + 1n)) {
      if (!wrapped) {
        throw new AssemblyError('value-out-of-range', field.kind === 'branch'
          ? `the target is ${signed.toString()} bytes away, which does not fit in ${String(bits)} bits`
          : `the value ${signed.toString()} does not fit in ${String(bits)} bits`);
      }
    }
  }
  let rest = BigInt.asUintN(64, value);
  for (let index = 0; index < field.size; index++) {
    bytes[field.offset + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
