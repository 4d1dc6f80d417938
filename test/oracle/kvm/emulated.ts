/**
 * The emulated CPU, put into the state that a case of ring 0 describes.
 */
import type { CpuExit, CpuProfile } from '../../../machine/cpu/cpu.ts';
import { VECTOR } from '../../../machine/cpu/cpu.ts';
import { createCpu } from '../../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../../machine/cpu/wasm-cpu.ts';
import { pushedFlags } from '../../../machine/kernel/pt-regs.ts';
import { profileOf } from '../oracle.ts';
import type { HostCpu } from '../native.ts';
import { differences } from '../emulated.ts';
import { DEFAULT_EFER } from './case.ts';
import type { RingCase, RingEnding, RingOutcome } from './case.ts';
import { GDT, RING_PAGES, ringContents, SELECTOR } from './layout.ts';
import { byPage } from './wire.ts';

const LIMIT = 20_000;
const FS = 4, GS = 5;
const MSR = { EFER: 0xc000_0080, FS_BASE: 0xc000_0100, GS_BASE: 0xc000_0101 } as const;
/** Features that decide what control registers accept. */
const RING0_FEATURES = ['smap', 'smep', 'pcid', 'la57', 'pku'];
const CR3 = 0x1000n;
const RF = 0x1_0000n;

const bases = new Map(RING_PAGES.map((page) => [page, ringContents(page)]));

/** The host's vendor and features, as far as its guests have them. */
function profile({ vendor, features }: HostCpu, software: boolean): CpuProfile {
  const like = profileOf(vendor);
  return { ...like, name: 'host', features: [...like.features.filter((feature) => !RING0_FEATURES.includes(feature)), ...RING0_FEATURES.filter((feature) => features.has(feature) && !(software && feature === 'pcid'))] };
}

export class EmulatedRing {
  readonly cpu: WasmCpu;

  /** `software`: see kvm.ts. */
  constructor(host: HostCpu, software: boolean) {
    this.cpu = createCpu({ profile: profile(host, software), granule: 'line' });
    for (const page of RING_PAGES) {
      this.cpu.memory.map(page.address, 4096, { read: true, write: page.write, execute: page.execute, user: page.user });
      this.cpu.memory.write(page.address, bases.get(page)!);
    }
    this.cpu.registers.setControl(3, CR3);
    this.cpu.registers.taskRegister = SELECTOR.TSS;
  }

  run(cases: readonly RingCase[]): RingOutcome[] {
    const { memory, registers } = this.cpu;
    const before = registers.save();
    const checkpoint = memory.checkpoint();
    const outcomes = cases.map((one) => {
      this.#load(one);
      const exit = this.cpu.run(LIMIT);
      const outcome = this.#outcome(one, exit);
      memory.restore(checkpoint);
      registers.restore(before);
      return outcome;
    });
    memory.release(checkpoint);
    return outcomes;
  }

  #load(one: RingCase): void {
    const { memory, registers, msrs } = this.cpu;
    for (const patch of [{ address: one.rip, bytes: one.code }, ...one.patches].flatMap(byPage)) memory.write(patch.address, patch.bytes);
    one.gpr.forEach((value, i) => { registers.set(i, value); });
    registers.rip = one.rip;
    one.segments.forEach((selector, i) => { registers.setSegment(i, selector); });
    registers.setSegmentBase(FS, one.fsBase);
    registers.setSegmentBase(GS, one.gsBase);
    registers.gdt = one.gdt;
    registers.idt = one.idt;
    registers.ldtr = one.ldtr;
    const local = one.ldtr === 0 ? 0n : GDT[one.ldtr >> 3]!;
    registers.ldt = local === 0n ? { base: 0n, limit: 0 } : { base: ((local >> 16n) & 0xff_ffffn) | ((local >> 56n) << 24n) | ((GDT[(one.ldtr >> 3) + 1]! & 0xffff_ffffn) << 32n), limit: Number(local & 0xffffn) };
    for (const [number, value] of [[0, one.cr0], [2, one.cr2], [4, one.cr4], [8, one.cr8]] as const) registers.setControl(number, value);
    registers.xcr0 = one.xcr0;
    one.dr.forEach((value, i) => { registers.setDebug(i < 4 ? i : i + 2, value); });
    msrs.clear();
    for (const [index, value] of one.msrs) {
      if (index === MSR.FS_BASE || index === MSR.GS_BASE) continue;
      msrs.set(index, value);
    }
    if (!msrs.has(MSR.EFER)) msrs.set(MSR.EFER, DEFAULT_EFER);
    registers.rflags = one.rflags;
  }

  #outcome(one: RingCase, exit: CpuExit): RingOutcome {
    const { registers, memory, msrs } = this.cpu;
    const { ending, cr2 } = this.#ending(exit);
    return {
      ending, rip: registers.rip, rflags: registers.rflags & ~RF, gpr: Array.from({ length: 16 }, (_, i) => registers.get(i)),
      segments: Array.from({ length: 6 }, (_, i) => registers.getSegment(i)), fsBase: registers.getSegmentBase(FS), gsBase: registers.getSegmentBase(GS),
      ldtr: registers.ldtr, tr: registers.taskRegister, gdt: registers.gdt, idt: registers.idt,
      cr0: registers.getControl(0), cr2: cr2 ?? registers.getControl(2), cr4: registers.getControl(4), cr8: registers.getControl(8), xcr0: registers.xcr0,
      dr: [0, 1, 2, 3, 6, 7].map((i) => registers.getDebug(i)),
      msrs: one.msrs.map(([index]) => [index, index === MSR.FS_BASE ? registers.getSegmentBase(FS) : index === MSR.GS_BASE ? registers.getSegmentBase(GS) : msrs.get(index) ?? 0n] as const),
      changes: RING_PAGES.flatMap((page) => differences(page.address, memory.read(page.address, 4096), bases.get(page)!)),
    };
  }

  #ending(exit: CpuExit): { readonly ending: RingEnding; readonly cr2?: bigint } {
    switch (exit.kind) {
      case 'halt': return { ending: { kind: 'halt' } };
      case 'limit': return { ending: { kind: 'timeout' } };
      case 'exception': {
        const resume = (pushedFlags(this.cpu, exit.vector, exit.software === true) & RF) !== 0n;
        return { ending: { kind: 'exception', vector: exit.vector, error: exit.errorCode, resume }, ...(exit.vector === VECTOR.PF && exit.address !== undefined ? { cr2: exit.address } : {}) };
      }
      case 'unsupported': return { ending: { kind: 'unsupported', text: exit.text } };
      default: return { ending: { kind: 'unsupported', text: `exit ${exit.kind}` } };
    }
  }
}
