/**
 * Instructions whose answer is the host's own business, so that comparing it would say nothing: what they would read or do belongs to the
 * kernel, the clock or the model of the host.
 */
import { Mnemonic } from 'iced-x86';
import { opcodeIndex } from '../../machine/cpu/length.ts';
import type { CodeFacts } from './codes.ts';

const REASONS: readonly (readonly [string, readonly Mnemonic[]])[] = [
  ['reads the host\'s identity', [Mnemonic.Cpuid, Mnemonic.Rdpid, Mnemonic.Xgetbv]],
  ['reads a clock or a counter', [Mnemonic.Rdtsc, Mnemonic.Rdtscp, Mnemonic.Rdpmc, Mnemonic.Rdpru]],
  ['reads a random number', [Mnemonic.Rdrand, Mnemonic.Rdseed]],
  ['reads the host\'s descriptor tables', [
    Mnemonic.Sgdt, Mnemonic.Sidt, Mnemonic.Sldt, Mnemonic.Str, Mnemonic.Smsw, Mnemonic.Loadall,
  ]],
  ['enters the host\'s kernel', [Mnemonic.Syscall, Mnemonic.Sysenter]],
  ['answered by the hypervisor of some hosts instead of the processor', [Mnemonic.Sysexit, Mnemonic.Sysexitq]],
  ['changes what the runner itself stands on', [Mnemonic.Wrpkru, Mnemonic.Rdpkru]],
  ['waits', [Mnemonic.Monitorx, Mnemonic.Mwaitx, Mnemonic.Tpause, Mnemonic.Umwait, Mnemonic.Umonitor]],
];

const reasons = new Map(REASONS.flatMap(([reason, mnemonics]) => mnemonics.map((mnemonic) => [mnemonic, reason] as const)));

/** vmcall and vmmcall, whatever prefixes they have: a hypervisor hears them. */
export function callsHypervisor(bytes: Uint8Array): boolean {
  const opcode = opcodeIndex(bytes);
  return bytes[opcode] === 0x0f && bytes[opcode + 1] === 0x01 && (bytes[opcode + 2] === 0xc1 || bytes[opcode + 2] === 0xd9);
}

/** vpermq and vpermpd with VEX.W clear: AMD's processors take them, against the manual (measured on a family 1Ah processor). The emulator does not. */
export function ignoresVexW(bytes: Uint8Array): boolean {
  const at = opcodeIndex(bytes);
  return bytes[at] === 0xc4 && (bytes[at + 1]! & 0x1f) === 3 && (bytes[at + 2]! & 0x87) === 5 && bytes[at + 3]! <= 1;
}

/** Why the host's answer for `one` cannot be compared; undefined where it can. */
export function hostKnows(one: CodeFacts): string | undefined {
  const { mnemonic } = one.info;
  return reasons.get(mnemonic);
}
