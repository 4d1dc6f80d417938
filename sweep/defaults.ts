/** What a sweep assumes if nobody says it: which faults a routine's entries are there for, which lengths, how many exceptions. */
import type { ImageTable } from '../assembly/extable/search.ts';
import { recoverability } from '../fault-model/error-context.ts';
import { opcodeOf } from '../fault-model/memory-operand.ts';
import { DEFAULT_KERNEL_GENERATION, KERNEL_GENERATIONS, kernelGeneration } from '../fault-model/kernel-generation.ts';
import type { Instruction } from '../assembly/x86/instruction.ts';
import { VECTOR } from '../machine/cpu/cpu.ts';
import type { Contract } from '../machine/scenario/scenario.ts';
import { readRole, SCALAR_SIZE, writtenRole } from './replay.ts';
import { FAULT_KINDS, kindFacts, LONG, SpaceError } from './space.ts';
import type { FaultKind, LengthRange } from './space.ts';

export const DEFAULT_LENGTHS: LengthRange = { from: 0, to: 128, step: 1 };
export const DEFAULT_OFFSETS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];
/** A word, the rest of it, and a last byte: what careful routines need. */
export const DEFAULT_MAX_EXCEPTIONS = 4;
/**
 * Instructions of one run, far more than any routine needs for the longest length: one that never ends is run to its budget in every case.
 */
export function sweepBudget({ to }: LengthRange): number {
  return Math.max(20_000, 400 * to);
}

/** A space with more cases than this is not swept in one go. */
export const MAX_CASES = 200_000_000;

/** The faults that the routine's entries, or user pointers, are there for. */
export function defaultKinds(contract: Contract, instructions: readonly Instruction[], table: ImageTable, generationId: string): readonly FaultKind[] {
  const generation = kernelGeneration(generationId) ?? DEFAULT_KERNEL_GENERATION;
  const covered = instructions.flatMap((instruction) => {
    const entry = table.find(instruction.address);
    return entry === undefined ? [] : [{ instruction, entry }];
  });
  const does = ({ accesses }: Instruction, kind: 'read' | 'write'): boolean => accesses.some((access) => access.kind === kind || access.kind === 'read-write');
  const reads = covered.filter(({ instruction }) => does(instruction, 'read'));
  const read = readRole(contract), written = writtenRole(contract);
  const userSource = read !== undefined && contract.user.includes(read);
  // A second table is there for machine checks alone.
  const ownTable = table.tables.some(({ layout }) => layout === 'mcex') && instructions.some((instruction) => does(instruction, 'read') && table.takers(instruction.address, VECTOR.MC, false).length > 0);
  const survivesPoison = ownTable || reads.some(({ entry, instruction }) => {
    const { recoverable } = recoverability(entry.type, opcodeOf(instruction.bytes), generation);
    return recoverable === 'yes' || (recoverable !== 'no' && userSource);
  });
  const handled = table.ranges.length > 0;
  const wanted = {
    none: true,
    'mc-line': read !== undefined && (survivesPoison || handled),
    'mc-byte': read !== undefined && (survivesPoison || handled),
    'pf-read': read !== undefined && (userSource || reads.length > 0 || handled),
    'pf-write': written !== undefined && (contract.user.includes(written) || covered.some(({ instruction }) => does(instruction, 'write'))),
  };
  const all: Record<FaultKind, boolean> = {
    ...wanted, 'pf-read-byte': wanted['pf-read'], 'pf-write-byte': wanted['pf-write'],
    'pf-both': wanted['pf-read'] && wanted['pf-write'], 'mc-pf-write': wanted['mc-line'] && wanted['pf-write'], 'mc-two': wanted['mc-line'],
    'nth-mc': false, 'nth-pf': false,
  };
  return FAULT_KINDS.filter((kind) => all[kind]);
}

/** Where no entry survives a machine check on this kernel, but would on another one: what to say. */
export function otherKernelNote(kinds: readonly FaultKind[], contract: Contract, instructions: readonly Instruction[], table: ImageTable, generationId: string): string | undefined {
  if (kinds.some((kind) => kindFacts(kind).poisons === true)) return undefined;
  const other = KERNEL_GENERATIONS.find(({ id }) => id !== generationId && defaultKinds(contract, instructions, table, id).includes('mc-line'));
  return other === undefined ? undefined : `no machine checks: no entry survives one on kernel ${generationId}; on ${other.id} they do (--kernel ${other.id})`;
}

/** Lengths beyond 4 GiB that a routine which looks at half of its length register takes for others. */
export function longLengths(contract: Contract, { step }: LengthRange): readonly number[] {
  if (!['copy', 'copy-partial', 'clear'].includes(contract.kind) || !('n' in contract.arguments) || contract.shortLength === true) return [];
  return [...new Set([0, step, 8 * step, 64 * step])].map((n) => LONG + n);
}

/** Where a routine first uses only the lower half, or less, of its length's register as it came in. */
export function lengthCut({ arguments: { n } }: Contract, instructions: readonly Instruction[]): { readonly cutsLength?: bigint } {
  if (n === undefined) return {};
  const half = new RegExp(`%(${/^r\d+$/.test(n) ? `${n}d` : `e${n.slice(1)}`})\\b`);
  const whole = new RegExp(`%${n}\\b`);
  const cut = instructions.find(({ text, registersRead }) => registersRead.includes(n) && half.test(text) && !whole.test(text));
  return cut === undefined ? {} : { cutsLength: cut.address };
}

/** Bytes that a `get` or `put` moves: a number at the end of its name, else the widest access with an entry. */
export function scalarWidth({ kind }: Contract, name: string, instructions: readonly Instruction[], table: ImageTable): { readonly width?: number } {
  if (kind !== 'get' && kind !== 'put') return {};
  const named = /_(?:u)?(1|2|4|8|16|32|64)$/.exec(name)?.[1];
  if (named !== undefined) return { width: Number(named) > 8 ? Number(named) / 8 : Number(named) };
  const sizes = instructions.filter(({ address }) => table.find(address) !== undefined).flatMap(({ accesses }) => accesses.filter(({ implicit }) => !implicit).map(({ size }) => size));
  return sizes.length === 1 && [1, 2, 4, 8].includes(sizes[0]!) ? { width: sizes[0]! } : {};
}

/** The lengths of a contract that takes none. */
export const SCALAR_LENGTHS: LengthRange = { from: SCALAR_SIZE, to: SCALAR_SIZE, step: 1 };

/** `200`, `8..64`, `0..256/16`. A single number means from 0 up to it. */
export function parseLengths(text: string): LengthRange {
  const match = /^(?:(\d{1,9})\.\.)?(\d{1,9})(?:\/(\d{1,9}))?$/.exec(text);
  if (match === null) throw new SpaceError(`"${text}" is no range of lengths; write 200, 8..64 or 0..256/16`);
  const [, from = '0', to = '', step = '1'] = match;
  const range = { from: Number(from), to: Number(to), step: Number(step) };
  if (range.step === 0) throw new SpaceError(`"${text}": a step of 0 leads nowhere`);
  if (range.to < range.from) throw new SpaceError(`"${text}": the range ends before it begins`);
  return range;
}

/** `mc-line,pf-read` */
export function parseKinds(text: string): readonly FaultKind[] {
  const asked = text.split(',');
  const unknown = asked.filter((word) => !(FAULT_KINDS as readonly string[]).includes(word));
  if (unknown.length > 0) throw new SpaceError(`no fault kind "${unknown[0] ?? ''}"; there are ${FAULT_KINDS.join(', ')}`);
  return FAULT_KINDS.filter((kind) => asked.includes(kind));
}

/** Refuses kinds that need a buffer the contract has not. */
export function checkKinds(kinds: readonly FaultKind[], contract: Contract): void {
  const read = readRole(contract), written = writtenRole(contract);
  const lacks = kinds.find((kind) => needs(kind, 'read') && read === undefined) ?? kinds.find((kind) => needs(kind, 'written') && written === undefined);
  if (lacks !== undefined) throw new SpaceError(`${lacks}: contract ${contract.kind} has no buffer that is ${read === undefined ? 'read' : 'written'}`);
}

function needs(kind: FaultKind, buffer: 'read' | 'written'): boolean {
  const reads = kindFacts(kind).poisons === true || ['pf-read', 'pf-both', 'pf-read-byte'].includes(kind);
  return buffer === 'read' ? reads : ['pf-write', 'pf-both', 'mc-pf-write', 'pf-write-byte'].includes(kind);
}

/** `0..7`, `0,3,60`: offsets in a page. */
export function parseOffsets(text: string): readonly number[] {
  const offsets = text.split(',').flatMap((part) => {
    const match = /^(\d{1,4})(?:\.\.(\d{1,4}))?$/.exec(part);
    if (match === null) throw new SpaceError(`"${part}" is no offset; write 0..7 or 0,3,60`);
    const from = Number(match[1]), to = Number(match[2] ?? match[1]);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  });
  if (offsets.length === 0 || offsets.some((offset) => offset > 4095)) throw new SpaceError(`"${text}": offsets are 0 to 4095`);
  return [...new Set(offsets)].sort((a, b) => a - b);
}
