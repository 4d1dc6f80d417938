/**
 * One case of ring 0 (or of ring 3 under rules that only ring 0 can set), what came of it, and its text form.
 */
import { GENERAL_REGISTERS } from '../../../machine/cpu/cpu.ts';
import { hex, unhex } from '../case.ts';
import type { Patch } from '../case.ts';
import { GDT_BASE, GDT_LIMIT, IDT_BASE, KERNEL_CODE, KERNEL_STACK, SELECTOR } from './layout.ts';

/** The banks of a machine check that is raised before the first instruction. */
export interface InjectedCheck {
  readonly status: bigint;
  readonly address: bigint;
  readonly misc: bigint;
  readonly mcgStatus: bigint;
}

export interface Table {
  readonly base: bigint;
  readonly limit: number;
}

/** Registers besides the general ones, `rip` and `rflags`. */
export interface SystemState {
  /** Selectors es cs ss ds fs gs. */
  readonly segments: readonly number[];
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly ldtr: number;
  readonly gdt: Table;
  readonly idt: Table;
  readonly cr0: bigint;
  readonly cr2: bigint;
  readonly cr4: bigint;
  readonly cr8: bigint;
  readonly xcr0: bigint;
  /** dr0-3, dr6, dr7. */
  readonly dr: readonly bigint[];
  /** Model-specific registers that are set before and looked at after. */
  readonly msrs: readonly (readonly [index: number, value: bigint])[];
}

export interface RingCase extends SystemState {
  /** Bytes at `rip`; `hlt` follows. */
  readonly code: Uint8Array;
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly gpr: readonly bigint[];
  readonly patches: readonly Patch[];
  readonly check?: InjectedCheck;
}

/** How a case ended. */
export type RingEnding =
  /** At a `hlt` in ring 0. */
  | { readonly kind: 'halt' }
  /** `resume`: the pushed flags have RF set. */
  | { readonly kind: 'exception'; readonly vector: number; readonly error: number | undefined; readonly resume: boolean }
  | { readonly kind: 'timeout' }
  /** A fault in the delivery of a fault: triple fault, or a machine check while MCIP is set. */
  | { readonly kind: 'shutdown' }
  /** An I/O port, or a model-specific register that KVM leaves to its user. */
  | { readonly kind: 'device' }
  /** KVM or the emulator says that it cannot run it. */
  | { readonly kind: 'unsupported'; readonly text: string };

export interface RingOutcome extends SystemState {
  readonly ending: RingEnding;
  /** At an exception: what was pushed. */
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly gpr: readonly bigint[];
  readonly tr: number;
  readonly changes: readonly Patch[];
}

/** CR0 PE MP ET NE WP AM PG; CR4 PAE MCE PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE SMEP SMAP. */
export const DEFAULT_CR0 = 0x8005_0033n;
export const DEFAULT_CR4 = 0x35_06e0n;
/** SCE LME LMA NXE. */
export const DEFAULT_EFER = 0xd01n;

const GPR = Array.from({ length: 16 }, (_, i) => (i === 4 ? KERNEL_STACK.address + 0x800n : 0n));

/** The state that a case's text leaves out: ring 0 as Linux runs in it. */
export const DEFAULT_CASE: RingCase = {
  code: new Uint8Array(), rip: KERNEL_CODE.address + 0x100n, rflags: 2n, gpr: GPR, patches: [],
  segments: [0, SELECTOR.KERNEL_CS, SELECTOR.KERNEL_DS, 0, 0, 0], fsBase: 0n, gsBase: 0n, ldtr: 0,
  gdt: { base: GDT_BASE, limit: GDT_LIMIT }, idt: { base: IDT_BASE, limit: 0xfff },
  cr0: DEFAULT_CR0, cr2: 0n, cr4: DEFAULT_CR4, cr8: 0n, xcr0: 7n, dr: [0n, 0n, 0n, 0n, 0xffff_0ff0n, 0x400n], msrs: [],
};

export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export const DEBUG_NAMES = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7'] as const;
const SINGLE = ['cr0', 'cr2', 'cr4', 'cr8', 'xcr0', 'rip', 'rflags'] as const;

/** Every value as name and number, in a fixed order. */
function values(one: RingCase): [string, bigint][] {
  return [
    ...SINGLE.map((name): [string, bigint] => [name, one[name]]),
    ...GENERAL_REGISTERS.map((name, i): [string, bigint] => [name, one.gpr[i]!]),
    ...SEGMENT_NAMES.map((name, i): [string, bigint] => [name, BigInt(one.segments[i]!)]),
    ['fsbase', one.fsBase], ['gsbase', one.gsBase], ['ldtr', BigInt(one.ldtr)],
    ['gdt', one.gdt.base], ['gdtlimit', BigInt(one.gdt.limit)], ['idt', one.idt.base], ['idtlimit', BigInt(one.idt.limit)],
    ...DEBUG_NAMES.map((name, i): [string, bigint] => [name, one.dr[i]!]),
  ];
}

/** `code=0f22c0 rax=80050033 cs=10 msr.c0000080=d01 [ffff888000004000]=…`: values that are the default's are left out. */
export function formatRingCase(one: RingCase): string {
  const words = [`code=${hex(one.code)}`];
  const defaults = new Map(values(DEFAULT_CASE));
  for (const [name, value] of values(one)) if (value !== defaults.get(name)) words.push(`${name}=${value.toString(16)}`);
  for (const [index, value] of one.msrs) words.push(`msr.${index.toString(16)}=${value.toString(16)}`);
  for (const patch of one.patches) words.push(`[${patch.address.toString(16)}]=${hex(patch.bytes)}`);
  if (one.check !== undefined) words.push(`check=${[one.check.status, one.check.address, one.check.misc, one.check.mcgStatus].map((value) => value.toString(16)).join(',')}`);
  return words.join(' ');
}

/** The inverse of {@link formatRingCase}. */
export function parseRingCase(text: string): RingCase {
  const given = new Map<string, bigint>(values(DEFAULT_CASE));
  const patches: Patch[] = [];
  const msrs: [number, bigint][] = [];
  let code: Uint8Array | undefined;
  let check: InjectedCheck | undefined;
  for (const word of text.trim().split(/\s+/)) {
    const [name, value] = word.split('=');
    if (name === undefined || value === undefined) throw new Error(`not name=value: ${word}`);
    const memory = /^\[([0-9a-f]+)\]$/.exec(name);
    if (name === 'code') code = unhex(value);
    else if (name === 'check') {
      const [status, address, misc, mcgStatus] = value.split(',').map((part) => BigInt(`0x${part}`));
      check = { status: status!, address: address!, misc: misc!, mcgStatus: mcgStatus! };
    } else if (memory) patches.push({ address: BigInt(`0x${memory[1]!}`), bytes: unhex(value) });
    else if (name.startsWith('msr.')) msrs.push([Number.parseInt(name.slice(4), 16), BigInt(`0x${value}`)]);
    else if (given.has(name)) given.set(name, BigInt(`0x${value}`));
    else throw new Error(`unknown part of a case: ${word}`);
  }
  if (!code) throw new Error(`a case without code: ${text}`);
  const of = (name: string): bigint => given.get(name)!;
  return {
    code, rip: of('rip'), rflags: of('rflags'), gpr: GENERAL_REGISTERS.map(of), patches, msrs,
    segments: SEGMENT_NAMES.map((name) => Number(of(name))), fsBase: of('fsbase'), gsBase: of('gsbase'), ldtr: Number(of('ldtr')),
    gdt: { base: of('gdt'), limit: Number(of('gdtlimit')) }, idt: { base: of('idt'), limit: Number(of('idtlimit')) },
    cr0: of('cr0'), cr2: of('cr2'), cr4: of('cr4'), cr8: of('cr8'), xcr0: of('xcr0'), dr: DEBUG_NAMES.map(of), ...(check === undefined ? {} : { check }),
  };
}
