/** The x87 unit's state, as instructions without arithmetic move it. That processors do the same is the oracle's to show. */
import { beforeEach, describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit, CpuProfile } from '../../machine/cpu/cpu.ts';
import { CPU_PROFILES } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { assembled, load } from './assembled.ts';

const DATA = 0xffff_c900_0000_0000n;
const RAX = 0, RDI = 7;
const CS = 1;
const KERNEL_CS = 0x10;
/** Register 5 is st(0); registers 5 to 7 are not empty; everything masked. */
const SOME = { control: 0x37f, status: 0x2a41, tag: 0xe0, opcode: 0x123, instruction: 0x1122n, data: 0x3344n, codeSelector: 0x33, dataSelector: 0x2b } as const;
const ONE = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f], INFINITY = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f];

let cpu: WasmCpu;

function start(vendor: CpuProfile['vendor']): void {
  cpu = createCpu({ profile: CPU_PROFILES.find((profile) => profile.vendor === vendor)!, granule: 'line' });
  cpu.memory.map(DATA, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.registers.setSegment(CS, KERNEL_CS);
  cpu.registers.set(RDI, DATA);
}

beforeEach(() => { start('amd'); });

function run(text: string): CpuExit {
  const { image, at } = assembled(`.globl start\nstart:\n${text}\nhlt\n`);
  load(cpu.memory, image);
  cpu.registers.rip = at('start');
  return cpu.run(1000);
}

const words = (address: bigint, count: number): number[] => [...new Uint32Array(cpu.memory.read(address, 4 * count).buffer)];

describe('the x87 environment', () => {
  test('is stored with full tags and loaded again, and storing it masks all exceptions', () => {
    const { registers } = cpu;
    registers.setX87(5, Uint8Array.from(ONE));
    registers.setX87(7, Uint8Array.from(INFINITY));
    registers.x87 = { ...SOME, control: 0x340, status: 0xaac1 };
    expect(run('fnstenv (%rdi)')).toEqual({ kind: 'halt' });
    // Register 7 special, 6 zero, 5 valid, the others empty.
    expect(words(DATA, 7)).toEqual([0xffff_0340, 0xffff_aac1, 0xffff_93ff, 0x1122, 0x0123_0033, 0x3344, 0xffff_002b]);
    expect(registers.x87).toMatchObject({ control: 0x37f, status: 0x2a41 });
    expect(run('fninit; fldenv (%rdi)')).toEqual({ kind: 'halt' });
    expect(registers.x87).toEqual({ ...SOME, control: 0x340, status: 0xaac1 });
  });

  test('has a short form with pointers of 16 bits and without an opcode', () => {
    cpu.registers.x87 = { ...SOME, tag: 0, instruction: 0x5_1122n };
    expect(run('.byte 0x66; fnstenv (%rdi); fninit; .byte 0x66; fldenv (%rdi)')).toEqual({ kind: 'halt' });
    expect(cpu.registers.x87).toEqual({ ...SOME, tag: 0, opcode: 0 });
  });
});

describe('fnsave', () => {
  test('stores registers from st(0) on and leaves the unit as fninit does; frstor brings it back', () => {
    const { registers } = cpu;
    registers.setX87(5, Uint8Array.from(ONE));
    registers.x87 = SOME;
    expect(run('fnsave (%rdi)')).toEqual({ kind: 'halt' });
    expect([...cpu.memory.read(DATA + 28n, 10)]).toEqual(ONE);
    expect(registers.x87).toMatchObject({ control: 0x37f, status: 0, tag: 0, instruction: 0n });
    expect(run('frstor (%rdi)')).toEqual({ kind: 'halt' });
    expect(registers.x87).toEqual(SOME);
    expect([...registers.getX87(5)]).toEqual(ONE);
  });

  test('changes nothing where its area cannot be written', () => {
    cpu.registers.x87 = SOME;
    expect(run('fnsave 0xff0(%rdi)')).toMatchObject({ kind: 'exception', vector: VECTOR.PF, address: DATA + 0xff0n + 107n });
    expect(cpu.registers.x87).toEqual(SOME);
    expect(words(DATA + 0xff0n, 4)).toEqual([0, 0, 0, 0]);
  });
});

describe('the register stack', () => {
  test('turns without its registers', () => {
    cpu.registers.x87 = SOME;
    run('fincstp');
    expect(cpu.registers.x87).toMatchObject({ status: 0x3041, tag: 0xe0 });
    run('fdecstp; fdecstp');
    expect(cpu.registers.x87).toMatchObject({ status: 0x2041, tag: 0xe0 });
  });

  test('has registers freed by their place in it', () => {
    cpu.registers.x87 = SOME;
    run('ffree %st(1); fnstsw %ax');
    expect(cpu.registers.x87.tag).toBe(0xa0);
    expect(cpu.registers.get(RAX)).toBe(0x2a41n);
    run('ffreep %st(2)');
    expect(cpu.registers.x87).toMatchObject({ tag: 0, status: 0x3241 });
  });
});

test('a control word that unmasks an exception makes it wait, and fnclex ends that', () => {
  cpu.registers.x87 = { ...SOME, status: 1 };
  cpu.memory.write(DATA, Uint8Array.of(0x40, 3));
  expect(run('fldcw (%rdi); fnstsw %ax')).toEqual({ kind: 'halt' });
  expect(cpu.registers.get(RAX)).toBe(0x8081n);
  expect(run('fwait')).toMatchObject({ vector: VECTOR.MF });
  expect(run('fnclex; fwait')).toEqual({ kind: 'halt' });
});

describe('what is kept of the last instruction', () => {
  test.each(['amd', 'intel'] as const)('is saved as %s processors save it', (vendor) => {
    start(vendor);
    expect(run('fnop; fxsave64 (%rdi)')).toEqual({ kind: 'halt' });
    const { instruction, opcode, codeSelector } = cpu.registers.x87;
    const saved = new BigUint64Array(cpu.memory.read(DATA + 8n, 8).buffer)[0];
    if (vendor === 'amd') expect({ saved, opcode, codeSelector }).toEqual({ saved: 0n, opcode: 0x1d0, codeSelector: KERNEL_CS });
    else expect({ saved, opcode, codeSelector }).toEqual({ saved: instruction, opcode: 0, codeSelector: 0 });
  });
});
