/**
 * Says in which ways two outcomes of one case of ring 0 differ.
 */
import { GENERAL_REGISTERS } from '../../../machine/cpu/cpu.ts';
import { hex } from '../case.ts';
import type { Patch } from '../case.ts';
import { DEBUG_NAMES, SEGMENT_NAMES } from './case.ts';
import type { RingEnding, RingOutcome } from './case.ts';

export function describeEnding(ending: RingEnding): string {
  switch (ending.kind) {
    case 'exception': return `vector ${ending.vector}${ending.error === undefined ? '' : ` error 0x${ending.error.toString(16)}`}${ending.resume ? ' RF' : ''}`;
    case 'unsupported': return `unsupported: ${ending.text}`;
    default: return ending.kind;
  }
}

const memoryText = (changes: readonly Patch[]): string => changes.map(({ address, bytes }) => `[${address.toString(16)}]=${hex(bytes)}`).join(' ') || 'unchanged';

/** Every register as name and value. */
function values(outcome: RingOutcome): [string, bigint][] {
  return [
    ['rip', outcome.rip], ['rflags', outcome.rflags],
    ...GENERAL_REGISTERS.map((name, i): [string, bigint] => [name, outcome.gpr[i]!]),
    ...SEGMENT_NAMES.map((name, i): [string, bigint] => [name, BigInt(outcome.segments[i]!)]),
    ['fs base', outcome.fsBase], ['gs base', outcome.gsBase], ['ldtr', BigInt(outcome.ldtr)], ['tr', BigInt(outcome.tr)],
    ['gdt', outcome.gdt.base], ['gdt limit', BigInt(outcome.gdt.limit)], ['idt', outcome.idt.base], ['idt limit', BigInt(outcome.idt.limit)],
    ['cr0', outcome.cr0], ['cr2', outcome.cr2], ['cr4', outcome.cr4], ['cr8', outcome.cr8], ['xcr0', outcome.xcr0],
    ...DEBUG_NAMES.map((name, i): [string, bigint] => [name, outcome.dr[i]!]),
    ...outcome.msrs.map(([index, value]): [string, bigint] => [`msr ${index.toString(16)}`, value]),
  ];
}

/** Differences in words, KVM's first; empty when the two agree. `ignored`: general registers that are not compared. */
export function compareRing(native: RingOutcome, emulated: RingOutcome, ignored: readonly number[]): string[] {
  const found: string[] = [];
  const [one, other] = [native, emulated].map(({ ending }) => describeEnding(ending)) as [string, string];
  if (one !== other) found.push(`ending: ${one}, emulator ${other}`);
  const skip = new Set(ignored.map((register) => GENERAL_REGISTERS[register] as string));
  const theirs = new Map(values(emulated));
  for (const [name, value] of values(native)) {
    if (skip.has(name) || value === theirs.get(name)) continue;
    found.push(`${name}: ${value.toString(16)}, emulator ${theirs.get(name)!.toString(16)}`);
  }
  const memory = [native.changes, emulated.changes].map(memoryText) as [string, string];
  if (memory[0] !== memory[1]) found.push(`memory: ${memory[0]}, emulator ${memory[1]}`);
  return found;
}

