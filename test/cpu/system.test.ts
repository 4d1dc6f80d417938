import { beforeEach, describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { assembled, load, readQuad, runText, writeQuads } from './assembled.ts';

const DATA = 0xffff_c900_0000_0000n;
const STACK = 0xffff_c900_0001_0000n;
const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RDI = 7, R11 = 11;
const CS = 1, SS = 2, DS = 3, FS = 4, GS = 5;
const KERNEL_CS = 0x10, KERNEL_DS = 0x18, USER_DS = 0x2b, USER_CS = 0x33;

let cpu: WasmCpu;

beforeEach(() => {
  cpu = createCpu({ profile: cpuProfile('amd-server')!, granule: 'line' });
  cpu.memory.map(DATA, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.memory.map(STACK, 0x1000, { read: true, write: true, execute: false, user: false });
  const { registers } = cpu;
  registers.setSegment(CS, KERNEL_CS);
  registers.setSegment(SS, KERNEL_DS);
  registers.setControl(0, 0x8005_0033n);
  registers.setControl(4, 0x30_06a0n);
  registers.set(RSP, STACK + 0x800n);
  registers.set(RDI, DATA);
});

/** Runs the text up to its `hlt`, in ring 0. */
const run = (text: string): CpuExit => runText(cpu, text);
const quads = (address: bigint, ...values: bigint[]): void => { writeQuads(cpu.memory, address, values); };
const quad = (address: bigint): bigint => readQuad(cpu.memory, address);

describe('segments', () => {
  /** Null, kernel code, kernel data, data that is not present, read-only data for ring 3, at 0x08 to 0x20. */
  const GDT = [0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0x00cf_1300_0000_ffffn, 0x00cf_f100_0000_ffffn];

  function loadGdt(): void {
    quads(DATA + 0x100n, ...GDT);
    cpu.memory.write(DATA, new Uint8Array([GDT.length * 8 - 1, 0]));
    quads(DATA + 2n, DATA + 0x100n);
    expect(run('lgdt (%rdi)')).toEqual({ kind: 'halt' });
  }

  test('are loaded with the checks of the table that lgdt gave', () => {
    loadGdt();
    expect(run('mov $0x10, %eax; mov %eax, %ds; mov %eax, %ss')).toEqual({ kind: 'halt' });
    expect(cpu.registers.getSegment(DS)).toBe(0x10);
    expect(run('mov $0x18, %eax; mov %eax, %es')).toMatchObject({ vector: VECTOR.NP, errorCode: 0x18 });
    expect(run('mov $0x18, %eax; mov %eax, %ss')).toMatchObject({ vector: VECTOR.SS, errorCode: 0x18 });
    expect(run('mov $0x20, %eax; mov %eax, %ss')).toMatchObject({ vector: VECTOR.GP, errorCode: 0x20 });
    expect(run('mov $0x28, %eax; mov %eax, %ds')).toMatchObject({ vector: VECTOR.GP, errorCode: 0x28 });
    expect(run('mov $0x08, %eax; mov %eax, %ss')).toMatchObject({ vector: VECTOR.GP, errorCode: 0x08 });
    expect(run('xor %eax, %eax; mov %eax, %ds; mov %ds, %ecx')).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RCX)).toBe(0n);
  });

  test('a table at an address that is not canonical is refused', () => {
    quads(DATA, 0x0000_8000_0000_0000n << 16n, 0x8000n);
    expect(run('lgdt (%rdi)')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
  });

  test('swapgs exchanges the base with its model-specific register, in ring 0 only', () => {
    cpu.registers.setSegmentBase(GS, 0x1000n);
    cpu.msrs.set(0xc000_0102, DATA);
    quads(DATA, 0x1234n);
    expect(run('swapgs; mov %gs:0, %rax')).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RAX)).toBe(0x1234n);
    expect(cpu.msrs.get(0xc000_0102)).toBe(0x1000n);
  });
});

describe('transfers', () => {
  test('iretq goes to ring 3 and takes the inner segments away', () => {
    const user = 0x40_0000n;
    cpu.memory.map(user, 0x1000, { read: true, write: true, execute: true, user: true });
    cpu.memory.write(user, new Uint8Array([0xf4]));
    cpu.registers.setSegment(DS, KERNEL_DS);
    cpu.registers.setSegment(FS, USER_DS);
    quads(STACK + 0x800n, user, BigInt(USER_CS), 0x246n, user + 0x800n, BigInt(USER_DS));
    expect(run('iretq')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
    const { registers } = cpu;
    expect(registers.rip).toBe(user);
    expect(registers.get(RSP)).toBe(user + 0x800n);
    expect(registers.rflags).toBe(0x246n);
    expect([CS, SS, DS, FS].map((segment) => registers.getSegment(segment))).toEqual([USER_CS, USER_DS, 0, USER_DS]);
  });

  test('iretq with a stack selector of another level changes nothing', () => {
    quads(STACK + 0x800n, DATA, BigInt(KERNEL_CS), 2n, 0n, BigInt(USER_DS));
    const exit = run('iretq');
    expect(exit).toMatchObject({ vector: VECTOR.GP, errorCode: 0x28 });
    expect(cpu.registers.get(RSP)).toBe(STACK + 0x800n);
    expect(cpu.registers.getSegment(CS)).toBe(KERNEL_CS);
  });

  test('syscall and sysret follow STAR, LSTAR and FMASK', () => {
    const user = 0x40_0000n;
    cpu.memory.map(user, 0x1000, { read: true, write: true, execute: true, user: true });
    cpu.memory.write(user, new Uint8Array([0x0f, 0x05]));
    const { image, at } = assembled('.globl enter\nenter:\nhlt\n');
    load(cpu.memory, image);
    cpu.msrs.set(0xc000_0081, (0x23n << 48n) | (0x10n << 32n));
    cpu.msrs.set(0xc000_0082, at('enter'));
    cpu.msrs.set(0xc000_0084, 0x200n);
    cpu.registers.setSegment(CS, USER_CS);
    cpu.registers.rip = user;
    cpu.registers.rflags = 0x246n;
    expect(cpu.run(10)).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RCX)).toBe(user + 2n);
    expect(cpu.registers.get(R11)).toBe(0x246n);
    expect(cpu.registers.rflags).toBe(0x46n);
    expect(cpu.registers.getSegment(CS)).toBe(KERNEL_CS);
  });

  test('a software interrupt is reported behind itself', () => {
    expect(run('int $0x80')).toEqual({ kind: 'exception', vector: 0x80, software: true });
  });

  test('code of 32 bits is refused by name, before anything happened', () => {
    quads(DATA, (0x08n << 32n) | 0x1000n);
    const exit = run('ljmp *(%rdi)');
    expect(exit).toMatchObject({ kind: 'unsupported' });
    expect(cpu.registers.getSegment(CS)).toBe(KERNEL_CS);
  });
});

describe('control and debug registers', () => {
  test('keep what is written and refuse what cannot be', () => {
    expect(run('mov %cr4, %rax; or $0x10000, %rax; mov %rax, %cr4; mov %cr4, %rbx')).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RBX)).toBe(0x31_06a0n);
    expect(run('xor %eax, %eax; mov %rax, %cr4')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
    expect(run('mov $0x20000001, %eax; mov %rax, %cr0')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
    expect(run('mov $0x10, %eax; mov %rax, %cr8')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
    expect(run('mov %rdi, %dr3; mov %dr3, %rdx')).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RDX)).toBe(DATA);
  });

  test('CR4.SMAP takes effect at once', () => {
    cpu.memory.map(0x1000n, 0x1000, { read: true, write: true, execute: false, user: true });
    expect(run('mov $0x1000, %eax; mov (%rax), %rbx')).toMatchObject({ vector: VECTOR.PF, errorCode: 1, address: 0x1000n });
    expect(run('mov %cr4, %rax; btr $21, %rax; mov %rax, %cr4; mov $0x1000, %eax; mov (%rax), %rbx')).toEqual({ kind: 'halt' });
  });
});

describe('identity and time', () => {
  test('cpuid tells the profile\'s vendor and features', () => {
    run('xor %eax, %eax; cpuid');
    const vendor = [RBX, RDX, RCX].map((register) => {
      const word = Number(cpu.registers.get(register));
      return String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, (word >> 24) & 255);
    }).join('');
    expect(vendor).toBe('AuthenticAMD');
    run('mov $7, %eax; xor %ecx, %ecx; cpuid');
    // erms 9, smap 20, smep 7 of the profile; clwb 24 because the emulator has it.
    for (const bit of [9n, 20n, 7n, 24n]) expect((cpu.registers.get(RBX) >> bit) & 1n, `bit ${bit}`).toBe(1n);
    expect((cpu.registers.get(RDX) >> 4n) & 1n, 'fsrm').toBe(1n);
  });

  test('rdtsc counts instructions', () => {
    run('rdtsc; mov %eax, %ebx; nop; nop; rdtsc; sub %ebx, %eax');
    expect(cpu.registers.get(RAX)).toBe(4n);
  });
});

describe('cache lines', () => {
  test('clflush and clwb of a poisoned line raise no machine check, but a page that is not there faults', () => {
    cpu.memory.poison(DATA + 0x40n, 1);
    expect(run('clflush 0x40(%rdi); clflushopt 0x40(%rdi); clwb 0x40(%rdi)')).toEqual({ kind: 'halt' });
    expect(run('mov 0x40(%rdi), %al')).toMatchObject({ vector: VECTOR.MC });
    expect(run('clflush 0x1000(%rdi)')).toMatchObject({ vector: VECTOR.PF, errorCode: 0, address: DATA + 0x1000n });
  });

  test('clzero makes a poisoned line good again', () => {
    quads(DATA + 0x40n, 1n, 2n, 3n);
    cpu.memory.poison(DATA + 0x40n, 1);
    expect(run('lea 0x50(%rdi), %rax; clzero; mov 0x40(%rdi), %rbx')).toEqual({ kind: 'halt' });
    expect(cpu.registers.get(RBX)).toBe(0n);
    expect(quad(DATA + 0x50n)).toBe(0n);
  });
});

test('fxsave and fxrstor carry the SSE state', () => {
  cpu.registers.setXmm(3, Uint8Array.from({ length: 16 }, (_, i) => i));
  expect(run('fxsave 0x200(%rdi); pxor %xmm3, %xmm3; fxrstor 0x200(%rdi)')).toEqual({ kind: 'halt' });
  expect([...cpu.registers.getXmm(3)]).toEqual(Array.from({ length: 16 }, (_, i) => i));
  expect(run('fxsave 8(%rdi)')).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
});
