/** The launch configuration of a case: what runs in the sweep is what the debugger replays. */
import type { Contract } from '../machine/scenario/scenario.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { PAGE_SIZE } from '../machine/memory/memory.ts';
import { LONG, LONG_MAPPED } from './space.ts';
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

/** `base` (program, entry, contract, includes …) with the buffers, length and fault of one case. */
export function caseConfig(base: LaunchConfig, contract: Contract, one: SweepCase): LaunchConfig {
  const { n, kind, position } = one;
  const there = n >= LONG ? position + LONG_MAPPED : n;
  const buffers: Record<string, BufferConfig> = {};
  const read = readRole(contract);
  const written = writtenRole(contract);
  if (read !== undefined) buffers[read] = kind === 'pf-read' ? endingAt(position) : { size: Math.max(there, 1), offset: one.srcOffset };
  if (written !== undefined) {
    const fill = contract.kind === 'clear' ? UNTOUCHED.clear : UNTOUCHED.copy;
    buffers[written] = { ...(kind === 'pf-write' ? endingAt(position) : { size: Math.max(there, 1), offset: one.dstOffset }), fill };
  }
  const { n: length, value } = contract.arguments;
  const passed = {
    ...((contract.kind === 'get' || contract.kind === 'put') && value !== undefined ? { [value]: contract.kind === 'put' ? PUT_VALUE : STALE_VALUE } : {}),
    ...(n >= LONG && length !== undefined ? { [length]: `0x${n.toString(16)}` } : {}),
  };
  return {
    ...base, buffers,
    n: n >= LONG ? there : n,
    ...(Object.keys(passed).length === 0 ? {} : { arguments: { ...base.arguments, ...passed } }),
    poison: (kind === 'mc-line' || kind === 'mc-byte') && read !== undefined ? [{ at: `${read}+${String(position)}`, size: 1 }] : false,
    poisonGranule: kind === 'mc-byte' ? 'byte' : 'line',
  };
}

/** A buffer of `size` bytes whose last one is the last of its page, so that the next access faults. */
function endingAt(size: number): BufferConfig {
  if (size === 0) return { size: 1, offset: 0, access: 'none' };
  return { size, offset: (PAGE_SIZE - (size % PAGE_SIZE)) % PAGE_SIZE };
}
