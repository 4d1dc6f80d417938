/**
 * What ring 0 may load and what it is refused, where the emulator was once wrong about it: each test is named after the bug.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit, CpuProfile } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { readQuad, runText, writeQuads } from './assembled.ts';

const { GP, PF, UD, DB } = VECTOR;
const DATA = 0xffff_c900_0000_0000n;
const STACK = 0xffff_c900_0001_0000n;
const USER = 0x40_0000n;
const RAX = 0, RSP = 4, RDI = 7;
const CS = 1, SS = 2, FS = 4;

let cpu: WasmCpu;

function start(profile: CpuProfile): void {
  cpu = createCpu({ profile, granule: 'line' });
  cpu.memory.map(DATA, 0x2000, { read: true, write: true, execute: false, user: false });
  cpu.memory.map(STACK, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.memory.map(USER, 0x1000, { read: true, write: true, execute: true, user: true });
  cpu.registers.setSegment(CS, 0x10);
  cpu.registers.setSegment(SS, 0x18);
  cpu.registers.set(RSP, STACK + 0x800n);
  cpu.registers.set(RDI, DATA);
}

beforeEach(() => { start(cpuProfile('amd-server')!); });

/** Runs the text up to its `hlt`, in ring 0. */
const run = (text: string): CpuExit => runText(cpu, text);
const quads = (address: bigint, ...values: bigint[]): void => { writeQuads(cpu.memory, address, values); };
const quad = (address: bigint): bigint => readQuad(cpu.memory, address);

const HALT = { kind: 'halt' };
const refused = (vector: number, errorCode: number): object => ({ kind: 'exception', vector, errorCode });

describe('descriptors', () => {
  const TABLE = DATA + 0x1000n;
  const LDT = DATA + 0x800n;
  const SYSTEM_LDT = [0x0000_8200_0000_001fn | ((LDT & 0xff_ffffn) << 16n) | (((LDT >> 24n) & 0xffn) << 56n), LDT >> 32n];
  const SYSTEM_TSS = [0x0000_8900_0000_0067n, 0n];

  beforeEach(() => {
    // Null, code and data, data not accessed, code of 64 and 32 bits at once, a local table, a task.
    quads(TABLE, 0n, 0x00cf_9b00_0000_ffffn, 0x00af_9b00_0000_ffffn, 0x00cf_9200_0000_ffffn, 0x00ef_9b00_0000_ffffn, ...SYSTEM_LDT, ...SYSTEM_TSS);
    quads(LDT, 0x00cf_9200_0000_ffffn);
    cpu.registers.gdt = { base: TABLE, limit: 9 * 8 - 1 };
  });

  test('a load marks its descriptor accessed, ltr busy', () => {
    expect(run('mov $0x18, %eax; mov %eax, %ds')).toEqual(HALT);
    expect(quad(TABLE + 0x18n)).toBe(0x00cf_9300_0000_ffffn);
    expect(run('mov $0x38, %eax; ltr %ax')).toEqual(HALT);
    expect(quad(TABLE + 0x38n)).toBe(0x0000_8b00_0000_0067n);
    expect(run('mov $0x38, %eax; ltr %ax')).toMatchObject(refused(GP, 0x38));
  });

  test('selectors of the local table are looked up in it', () => {
    expect(run('mov $4, %eax; mov %eax, %ds')).toMatchObject(refused(GP, 4));
    expect(run('mov $0x28, %eax; lldt %ax; mov $4, %eax; mov %eax, %ds')).toEqual(HALT);
    expect(quad(LDT)).toBe(0x00cf_9300_0000_ffffn);
    expect(run('xor %eax, %eax; lldt %ax; mov $4, %eax; mov %eax, %ds')).toMatchObject(refused(GP, 4));
  });

  test('a table in a page that is not there is a page fault of ring 0', () => {
    cpu.registers.gdt = { base: DATA + 0x1ff0n, limit: 0xff };
    expect(run('mov $0x18, %eax; mov %eax, %ds')).toMatchObject({ vector: PF, errorCode: 0, address: DATA + 0x2008n });
  });

  test('a system descriptor must have its second half in the table, and no type there', () => {
    cpu.registers.gdt = { base: TABLE, limit: 8 * 8 - 1 };
    expect(run('mov $0x38, %eax; ltr %ax')).toMatchObject(refused(GP, 0x38));
    cpu.registers.gdt = { base: TABLE, limit: 9 * 8 - 1 };
    quads(TABLE + 0x40n, 0x1200_0000_0000n);
    expect(run('mov $0x38, %eax; ltr %ax')).toMatchObject(refused(GP, 0x38));
  });

  test('code of 64 and 32 bits at once is refused', () => {
    quads(DATA, (0x20n << 32n) | 0x1000n);
    expect(run('ljmp *(%rdi)')).toMatchObject(refused(GP, 0x20));
  });
});

describe('control and debug registers', () => {
  test('the top bit of CR3 is reserved without process-context identifiers', () => {
    expect(run('mov $1, %eax; shl $63, %rax; mov %rax, %cr3')).toMatchObject(refused(GP, 0));
  });

  test('CR4 takes no bit of a feature that the profile lacks', () => {
    const setBit = (bit: number): CpuExit => run(`mov %cr4, %rax; bts $${String(bit)}, %rax; mov %rax, %cr4`);
    expect(setBit(21)).toEqual(HALT);
    for (const bit of [12, 13, 14, 17, 22, 23]) expect(setBit(bit), `bit ${String(bit)}`).toMatchObject(refused(GP, 0));
    start(cpuProfile('intel-old')!);
    expect(setBit(21)).toMatchObject(refused(GP, 0));
  });

  test('CR0 keeps ET and no bit that does not exist', () => {
    expect(run('mov $0x8005fff3, %eax; and $~0x10, %eax; mov %rax, %cr0; mov %cr0, %rax')).toEqual(HALT);
    expect(cpu.registers.get(RAX)).toBe(0x8005_0033n);
  });

  test('dr6 and dr7 have fixed bits', () => {
    expect(run('xor %eax, %eax; mov %rax, %dr6; mov %rax, %dr7; mov %dr6, %rax; mov %dr7, %rdx')).toEqual(HALT);
    expect(cpu.registers.get(RAX)).toBe(0xffff_0ff0n);
    expect(cpu.registers.get(2)).toBe(0x400n);
  });

  test('a single step is noted in dr6', () => {
    expect(run('pushf; orl $0x100, (%rsp); popf; nop')).toMatchObject({ vector: DB });
    expect(cpu.registers.getDebug(6)).toBe(0xffff_4ff0n);
  });

  test('invpcid refuses identifiers that are switched off', () => {
    quads(DATA, 1n, 0n);
    expect(run('mov $1, %eax; invpcid (%rdi), %rax')).toMatchObject(refused(GP, 0));
    quads(DATA, 0n, 0n);
    expect(run('mov $1, %eax; invpcid (%rdi), %rax')).toEqual(HALT);
  });

  test('CR4.UMIP keeps ring 3 from the descriptor tables and CR0', () => {
    cpu.registers.setControl(4, cpu.registers.getControl(4) | (1n << 11n));
    for (const bytes of [[0x0f, 0x01, 0x07], [0x0f, 0x01, 0x0f], [0x0f, 0x01, 0xe0], [0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xc8]]) {
      cpu.memory.write(USER, Uint8Array.from(bytes));
      cpu.registers.setSegment(CS, 0x33);
      cpu.registers.set(RDI, USER + 0x100n);
      cpu.registers.rip = USER;
      expect(cpu.run(1)).toMatchObject(refused(GP, 0));
    }
  });
});

describe('model-specific registers', () => {
  const write = (number: number, value: bigint): CpuExit => {
    cpu.registers.set(2, value >> 32n);
    return run(`mov $${String(number)}, %ecx; mov $0x${(value & 0xffff_ffffn).toString(16)}, %eax; wrmsr; rdmsr`);
  };

  test('those of the segment bases are the segment bases', () => {
    expect(write(0xc000_0100, DATA)).toEqual(HALT);
    expect(cpu.registers.getSegmentBase(FS)).toBe(DATA);
    expect(cpu.registers.get(RAX)).toBe(DATA & 0xffff_ffffn);
    expect(write(0xc000_0101, 0x0001_0000_0000_0000n)).toMatchObject(refused(GP, 0));
    expect(write(0xc000_0102, 0x0001_0000_0000_0000n)).toMatchObject(refused(GP, 0));
  });

  test('one that is not on the list does not exist; one that holds an address wants a canonical one', () => {
    expect(write(0xc000_0082, DATA)).toMatchObject(refused(GP, 0));
    cpu.msrs.set(0xc000_0082, 0n);
    expect(write(0xc000_0082, DATA)).toEqual(HALT);
    expect(write(0xc000_0082, 0x8000_0000_0000_0000n)).toMatchObject(refused(GP, 0));
  });

  test('EFER keeps long mode, the PAT has no type 2 and 3', () => {
    cpu.msrs.set(0xc000_0080, 0xd01n);
    expect(write(0xc000_0080, 0x901n)).toEqual(HALT);
    expect(cpu.msrs.get(0xc000_0080)).toBe(0xd01n);
    expect(write(0xc000_0080, 0xc01n)).toMatchObject(refused(GP, 0));
    expect(write(0xc000_0080, 0xd03n)).toMatchObject(refused(GP, 0));
    cpu.msrs.set(0x277, 0x0007_0406_0007_0406n);
    expect(write(0x277, 0x0007_0406_0007_0402n)).toMatchObject(refused(GP, 0));
  });
});

describe('vendors', () => {
  const userCode = (...bytes: number[]): void => { cpu.memory.write(USER, Uint8Array.from([...bytes, 0xf4])); };

  test('sysret takes the stack selector as it is on AMD processors, of ring 3 on Intel\'s', () => {
    for (const [name, selector] of [['amd-server', 0x28], ['intel-server', 0x2b]] as const) {
      start(cpuProfile(name)!);
      cpu.msrs.set(0xc000_0081, 0x20n << 48n);
      userCode();
      expect(run('mov $0x400000, %ecx; mov $0x202, %r11d; sysretq')).toMatchObject(refused(GP, 0));
      expect(cpu.registers.getSegment(SS), name).toBe(selector);
      expect(cpu.registers.getSegment(CS), name).toBe(0x33);
    }
  });

  test('sysenter and sysexit are Intel\'s', () => {
    expect(run('sysenter')).toMatchObject({ vector: UD });
    start(cpuProfile('intel-server')!);
    expect(run('sysenter')).toMatchObject({ kind: 'unsupported' });
    cpu.msrs.set(0x174, 0n).set(0x175, STACK + 0x400n).set(0x176, DATA);
    expect(run('sysenter')).toMatchObject(refused(GP, 0));
    cpu.msrs.set(0x174, 0x10n);
    expect(run('sysenter')).toMatchObject({ vector: PF, address: DATA });
    expect(cpu.registers.get(RSP)).toBe(STACK + 0x400n);
    userCode();
    expect(run('mov $0x400000, %edx; mov $0x400800, %ecx; rex.w sysexit')).toMatchObject(refused(GP, 0));
    expect([CS, SS].map((segment) => cpu.registers.getSegment(segment))).toEqual([0x33, 0x3b]);
  });
});

test('xgetbv with 1 says which components are in use', () => {
  expect(run('mov $1, %ecx; xgetbv')).toEqual(HALT);
  expect(cpu.registers.get(RAX)).toBe(0n);
  expect(run('pcmpeqd %xmm1, %xmm1; mov $1, %ecx; xgetbv')).toEqual(HALT);
  expect(cpu.registers.get(RAX)).toBe(2n);
});
