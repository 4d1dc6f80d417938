/**
 * Machine checks that KVM raises by KVM_X86_SET_MCE, beside those that the emulated kernel takes from poisoned memory.
 */
import { describe, expect, test } from 'vitest';
import { VECTOR } from '../../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../../machine/cpu/profiles.ts';
import { createCpu } from '../../../machine/cpu/wasm-cpu.ts';
import { reportedBank } from '../../../machine/kernel/machine-check.ts';
import { frameBytes, frameField } from '../../../machine/kernel/pt-regs.ts';
import { DEFAULT_CASE } from './case.ts';
import type { RingCase } from './case.ts';
import { KERNEL_CODE, KERNEL_DATA } from './layout.ts';
import { openRing } from './ring.ts';

const ring = openRing();
const RDI = 7;
const MCIP = 4n, MCE = 1n << 6n;
/** MCG_STATUS; status, address and misc of bank 1. */
const MSR = { STATUS: 0x17a, BANK: [0x405, 0x406, 0x407] } as const;
const LOAD = Uint8Array.of(0x48, 0x8b, 0x07); // mov (%rdi), %rax
const RFLAGS = 0x4_0a97n;

/** The emulator's machine check on a poisoned load, and what its kernel finds in the banks. */
function emulated() {
  const profile = cpuProfile('amd-server')!;
  const cpu = createCpu({ profile, granule: 'line' });
  cpu.memory.map(KERNEL_CODE.address, 0x1000, { read: true, write: false, execute: true, user: false });
  cpu.memory.map(KERNEL_DATA.address, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.memory.write(DEFAULT_CASE.rip, LOAD);
  cpu.memory.poison(KERNEL_DATA.address, 64);
  DEFAULT_CASE.gpr.forEach((value, i) => { cpu.registers.set(i, i === RDI ? KERNEL_DATA.address : value); });
  DEFAULT_CASE.segments.forEach((selector, i) => { cpu.registers.setSegment(i, selector); });
  cpu.registers.rip = DEFAULT_CASE.rip;
  cpu.registers.rflags = RFLAGS;
  const exit = cpu.run(1);
  if (exit.kind !== 'exception' || exit.vector !== VECTOR.MC) throw new Error(`no machine check: ${exit.kind}`);
  const { vector, address, access } = exit;
  const bank = reportedBank({ vector, mnemonic: '#MC', ip: cpu.registers.rip, summary: '', ...(address === undefined ? {} : { address }), ...(access === undefined ? {} : { access }) }, cpu.memory, profile, undefined);
  return { bank, frame: frameBytes(cpu, vector, false) };
}

function injected(changes: Partial<RingCase>, mcgStatus = 0n) {
  const { bank } = emulated();
  const state: RingCase = {
    ...DEFAULT_CASE, code: LOAD, rflags: RFLAGS, gpr: DEFAULT_CASE.gpr.map((value, i) => (i === RDI ? KERNEL_DATA.address : value)),
    msrs: [[MSR.STATUS, mcgStatus], ...MSR.BANK.map((index): [number, bigint] => [index, 0n])],
    check: { status: bank.status, address: bank.address, misc: bank.misc, mcgStatus: bank.mcgStatus }, ...changes,
  };
  return ring!.kvm.run([state])[0]!;
}

describe.skipIf(!ring)('a machine check that KVM raises', () => {
  test('leaves the frame and the banks that the emulated kernel works with', () => {
    const { bank, frame } = emulated();
    const outcome = injected({});
    expect(outcome.ending).toEqual({ kind: 'exception', vector: VECTOR.MC, error: undefined, resume: false });
    expect(outcome.rip).toBe(frameField(frame, 'rip'));
    expect(outcome.rflags).toBe(frameField(frame, 'rflags'));
    expect(outcome.gpr[4]).toBe(frameField(frame, 'rsp'));
    expect([outcome.segments[1], outcome.segments[2]].map((selector) => BigInt(selector!))).toEqual([frameField(frame, 'cs'), frameField(frame, 'ss')]);
    expect(new Map(outcome.msrs)).toEqual(new Map([[MSR.STATUS, bank.mcgStatus], [MSR.BANK[0], bank.status], [MSR.BANK[1], bank.address], [MSR.BANK[2], bank.misc]]));
    expect(bank.mcgStatus & MCIP).toBe(MCIP);
  });

  test('shuts the CPU down while another is handled, and while CR4.MCE is clear', () => {
    expect(injected({}, MCIP).ending).toEqual({ kind: 'shutdown' });
    expect(injected({ cr4: DEFAULT_CASE.cr4 & ~MCE }).ending).toEqual({ kind: 'shutdown' });
  });
});
