/** The launch configuration of a case: what runs in the sweep is what the debugger replays. */
import type { Contract } from '../machine/scenario/scenario.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { PAGE_SIZE } from '../machine/memory/memory.ts';
import { kindFacts, LONG, LONG_MAPPED, readEnd, writtenEnd } from './space.ts';
import type { SweepCase } from './space.ts';

/** Bytes a routine without a length may touch: the largest scalar. */
export const SCALAR_SIZE = 8;
/** What `put` writes: no two bytes of it are equal, and none is what the buffer holds. */
const PUT_VALUE = '0xf8e7d6c5b4a39281';
/** What is in the register of a value that is yet to be read. */
const STALE_VALUE = '0x5a5a5a5a5a5a5a5a';
/** What a destination holds before the run: no byte of the source pattern is 0, and no cleared byte is 0xcc. */
export const UNTOUCHED = { copy: 0, clear: 0xcc } as const;

/** The roles a fault can be put into. */
export function readRole(contract: Contract): string | undefined {
  return ['src', 'ptr'].find((role) => role in contract.arguments && !(role === 'ptr' && contract.kind === 'put'));
}

export function writtenRole(contract: Contract): string | undefined {
  return 'dst' in contract.arguments ? 'dst' : contract.kind === 'put' && 'ptr' in contract.arguments ? 'ptr' : undefined;
}

type BufferConfig = NonNullable<LaunchConfig['buffers']>[string];

/** `base` (program, entry, contract, includes …) with the buffers, length and fault of one case. `injected`: addresses that the `nth` kinds choose from. */
export function caseConfig(base: LaunchConfig, contract: Contract, one: SweepCase, injected: readonly (bigint | undefined)[] = []): LaunchConfig {
  const { n, kind, position, second } = one;
  const readEnds = readEnd(one), writtenEnds = writtenEnd(one);
  const there = n >= LONG ? position + LONG_MAPPED : n;
  const buffers: Record<string, BufferConfig> = {};
  const read = readRole(contract);
  const written = writtenRole(contract);
  if (read !== undefined) buffers[read] = readEnds !== undefined ? endingAt(readEnds) : { size: Math.max(there, 1), offset: one.srcOffset };
  if (written !== undefined) {
    const fill = contract.kind === 'clear' ? UNTOUCHED.clear : UNTOUCHED.copy;
    buffers[written] = { ...(writtenEnds !== undefined ? endingAt(writtenEnds) : { size: Math.max(there, 1), offset: one.dstOffset }), fill };
  }
  const { n: length, value } = contract.arguments;
  const passed = {
    ...((contract.kind === 'get' || contract.kind === 'put') && value !== undefined ? { [value]: contract.kind === 'put' ? PUT_VALUE : STALE_VALUE } : {}),
    ...(n >= LONG && length !== undefined ? { [length]: `0x${n.toString(16)}` } : {}),
  };
  const absent = kind === 'pf-read-byte' ? read : kind === 'pf-write-byte' ? written : undefined;
  const instruction = kind === 'nth-mc' || kind === 'nth-pf' ? injected[second] : undefined;
  return {
    ...base, buffers,
    n: n >= LONG ? there : n,
    ...(Object.keys(passed).length === 0 ? {} : { arguments: { ...base.arguments, ...passed } }),
    poison: read === undefined ? false : poisonOf(one, read),
    poisonGranule: kind === 'mc-byte' ? 'byte' : 'line',
    ...(absent === undefined ? {} : { absent: [{ at: `${absent}+${String(position)}`, size: Math.max(there, 1) - position + PAGE_SIZE }] }),
    ...(instruction === undefined ? {} : { inject: { at: `0x${instruction.toString(16)}`, execution: position, fault: kind === 'nth-mc' ? 'mc' as const : 'pf' as const } }),
  };
}

function poisonOf({ kind, position, second }: SweepCase, buffer: string): NonNullable<LaunchConfig['poison']> {
  if (kindFacts(kind).poisons !== true) return false;
  const at = (place: number): { at: string; size: number } => ({ at: `${buffer}+${String(place)}`, size: 1 });
  return kind === 'mc-two' ? [at(position), at(second)] : [at(position)];
}

/** A buffer of `size` bytes whose last one is the last of its page, so that the next access faults. */
function endingAt(size: number): BufferConfig {
  if (size === 0) return { size: 1, offset: 0, access: 'none' };
  return { size, offset: (PAGE_SIZE - (size % PAGE_SIZE)) % PAGE_SIZE };
}
