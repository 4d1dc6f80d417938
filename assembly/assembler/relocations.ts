/**
 * Which relocation type a field needs: by its modifier, size and use (x86-64 psABI 4.4; choice as gas's tc-i386.c).
 */
import { R_X86_64 } from '../elf/object.ts';
import { AssemblyError } from './assembly-error.ts';

/** What decides the type. */
export interface RelocationUse {
  readonly size: number;
  /** The value counts from the field's own address. */
  readonly relative: boolean;
  readonly signed: boolean;
  readonly modifier: string | undefined;
  /** Instruction bytes in front of a displacement relative to rip; undefined elsewhere. */
  readonly opcode: Uint8Array | undefined;
}

/** Types without modifier, by size in bytes. */
const ABSOLUTE: Readonly<Record<number, number>> = { 1: R_X86_64[8], 2: R_X86_64[16], 4: R_X86_64[32], 8: R_X86_64[64] };
const RELATIVE: Readonly<Record<number, number>> = { 1: R_X86_64.PC8, 2: R_X86_64.PC16, 4: R_X86_64.PC32, 8: R_X86_64.PC64 };

/** Types of modifiers by size in bytes. The numbers that `R_X86_64` has no name for are the psABI's. */
const MODIFIED: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  PLT: { 4: R_X86_64.PLT32 },
  PLTOFF: { 8: 31 },
  GOT: { 4: R_X86_64.GOT32, 8: 27 },
  GOTPLT: { 8: 30 },
  GOTOFF: { 8: R_X86_64.GOTOFF64 },
  GOTPCREL: { 4: R_X86_64.GOTPCREL, 8: 28 },
  TLSGD: { 4: R_X86_64.TLSGD },
  TLSLD: { 4: R_X86_64.TLSLD },
  GOTTPOFF: { 4: R_X86_64.GOTTPOFF },
  TPOFF: { 4: R_X86_64.TPOFF32, 8: R_X86_64.TPOFF64 },
  DTPOFF: { 4: R_X86_64.DTPOFF32, 8: R_X86_64.DTPOFF64 },
  TLSDESC: { 4: 34 },
  TLSCALL: { 4: 35 },
  SIZE: { 4: R_X86_64.SIZE32, 8: R_X86_64.SIZE64 },
};

/** Modifiers that make their symbol a thread-local one. */
export const TLS_MODIFIERS: ReadonlySet<string> = new Set(['TLSGD', 'TLSLD', 'GOTTPOFF', 'TPOFF', 'DTPOFF', 'TLSDESC', 'TLSCALL']);

/** The relocation type for `use`. Throws {@link AssemblyError} where the psABI has none. */
export function relocationType({ size, relative, signed, modifier, opcode }: RelocationUse): number {
  if (modifier === undefined) {
    if (relative) return RELATIVE[size] ?? none(size);
    return size === 4 && signed ? R_X86_64['32S'] : ABSOLUTE[size] ?? none(size);
  }
  const row = Object.hasOwn(MODIFIED, modifier) ? MODIFIED[modifier] : undefined;
  if (row === undefined) throw new AssemblyError('bad-relocation', `there is no modifier @${modifier}`);
  const type = row[size];
  if (type === undefined) throw new AssemblyError('bad-relocation', `@${modifier} does not fit in a field of ${String(size)} bytes`);
  return type === R_X86_64.GOTPCREL && opcode !== undefined ? relaxableGot(opcode) : type;
}

function none(size: number): never {
  throw new AssemblyError('bad-relocation', `there is no relocation for a field of ${String(size)} bytes`);
}

/** The linker may rewrite some loads from the GOT; the types tell it which (psABI 4.4.1, GOTPCRELX). */
function relaxableGot(head: Uint8Array): number {
  const modrm = head.at(-1) ?? 0;
  const opcode = head.at(-2) ?? 0;
  const before = head.slice(0, -2);
  const escaped = before.includes(0x0f) || before.includes(0xc5) || before.includes(0xc4) || before.includes(0x62);
  const reg = (modrm >> 3) & 7;
  const fits = !escaped && (modrm & 0xc7) === 0x05
    && ((opcode === 0xff && (reg === 2 || reg === 4)) || opcode === 0x8b || opcode === 0x85 || (opcode & ~0x38) === 0x03);
  if (!fits) return R_X86_64.GOTPCREL;
  const rex = ((before.at(-1) ?? 0) & 0xf0) === 0x40;
  return rex ? R_X86_64.REX_GOTPCRELX : R_X86_64.GOTPCRELX;
}
