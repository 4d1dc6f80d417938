/**
 * Says in which ways two outcomes of one case differ.
 */
import { GENERAL_REGISTERS, VECTOR } from '../../machine/cpu/cpu.ts';
import { hex } from './case.ts';
import type { Ending, Outcome, Patch } from './case.ts';

/** CF PF AF ZF SF TF DF OF AC. NT and ID do not survive a signal, RF is the kernel's. */
const COMPARED_FLAGS = 0x40dd5n;

const WITH_ERROR_CODE: ReadonlySet<number> = new Set([VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC]);
/** TASK_SIZE_MAX. */
const NON_USER = 0x0000_7fff_ffff_f000n;

function describe(ending: Ending): string {
  switch (ending.kind) {
    case 'exception': {
      const error = WITH_ERROR_CODE.has(ending.vector) ? ` error 0x${ending.error.toString(16)}` : '';
      return `vector ${ending.vector}${error}${ending.vector === VECTOR.PF ? ` cr2 0x${ending.cr2.toString(16)}` : ''}`;
    }
    case 'unsupported': return `unsupported: ${ending.text}`;
    default: return ending.kind;
  }
}

function sameEnding(native: Ending, emulated: Ending): boolean {
  if (native.kind !== 'exception' || emulated.kind !== 'exception') return native.kind === emulated.kind;
  if (native.vector !== emulated.vector) return false;
  if (native.vector === VECTOR.PF) {
    // Linux always reports the P bit for addresses that are not the user's.
    const ignored = native.cr2 >= NON_USER ? 1 : 0;
    return native.cr2 === emulated.cr2 && (native.error | ignored) === (emulated.error | ignored);
  }
  return !WITH_ERROR_CODE.has(native.vector) || native.error === emulated.error;
}

const MEMORY_FAULTS: ReadonlySet<number> = new Set([VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC]);

function memoryFault(ending: Ending): boolean {
  return ending.kind === 'exception' && MEMORY_FAULTS.has(ending.vector);
}

const memoryText = (changes: readonly Patch[]): string => changes.map((change) => `[${change.address.toString(16)}]=${hex(change.bytes)}`).join(' ') || 'unchanged';

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

function sameChanges(one: readonly Patch[], other: readonly Patch[]): boolean {
  return one.length === other.length && one.every((patch, i) => patch.address === other[i]!.address && sameBytes(patch.bytes, other[i]!.bytes));
}

const FLAG_NAMES: readonly (readonly [bigint, string])[] = [
  [0x1n, 'CF'], [0x4n, 'PF'], [0x10n, 'AF'], [0x40n, 'ZF'], [0x80n, 'SF'], [0x100n, 'TF'], [0x400n, 'DF'], [0x800n, 'OF'], [0x40000n, 'AC'],
];

/**
 * Differences in words, native first; empty when the two agree. Bits of `undefinedFlags` are not compared. `partly`: where the instruction
 * fails on a memory access, it only counts that it does.
 */
export function compare(native: Outcome, emulated: Outcome, undefinedFlags: bigint, partly = false): string[] {
  if (partly && memoryFault(native.ending) && memoryFault(emulated.ending)) return [];
  const found: string[] = [];
  if (!sameEnding(native.ending, emulated.ending)) found.push(`ending: ${describe(native.ending)}, emulator ${describe(emulated.ending)}`);
  // An endless case was stopped anywhere.
  if (native.ending.kind === 'timeout') return found;
  if (native.rip !== emulated.rip) found.push(`rip: ${native.rip.toString(16)}, emulator ${emulated.rip.toString(16)}`);
  native.gpr.forEach((value, i) => {
    if (value !== emulated.gpr[i]) found.push(`${GENERAL_REGISTERS[i]!}: ${value.toString(16)}, emulator ${emulated.gpr[i]!.toString(16)}`);
  });
  const flags = (native.rflags ^ emulated.rflags) & COMPARED_FLAGS & ~undefinedFlags;
  for (const [bit, name] of FLAG_NAMES) if (flags & bit) found.push(`${name}: ${native.rflags & bit ? 1 : 0}, emulator ${emulated.rflags & bit ? 1 : 0}`);
  for (let i = 0; i < 16 && !sameBytes(native.vectors, emulated.vectors); i++) {
    const one = hex(native.vectors.subarray(i * 32, i * 32 + 32));
    const other = hex(emulated.vectors.subarray(i * 32, i * 32 + 32));
    if (one !== other) found.push(`ymm${i}: ${one}, emulator ${other}`);
  }
  for (let i = 0; i < 8 && !sameBytes(native.x87, emulated.x87); i++) {
    const one = hex(native.x87.subarray(i * 10, i * 10 + 10));
    const other = hex(emulated.x87.subarray(i * 10, i * 10 + 10));
    if (one !== other) found.push(`mm${i}: ${one}, emulator ${other}`);
  }
  if (native.x87Status !== emulated.x87Status) found.push(`x87 status: ${native.x87Status.toString(16)}, emulator ${emulated.x87Status.toString(16)}`);
  if (native.x87Tag !== emulated.x87Tag) found.push(`x87 tag: ${native.x87Tag.toString(16)}, emulator ${emulated.x87Tag.toString(16)}`);
  if (!sameChanges(native.changes, emulated.changes)) found.push(`memory: ${memoryText(native.changes)}, emulator ${memoryText(emulated.changes)}`);
  return found;
}
