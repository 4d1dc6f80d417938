/** Call gates and the gates of `int n`, by the manual: KVM where it emulates instructions has no call gates, and the test's host may have nothing else. */
import { beforeEach, describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { readQuad, writeQuads } from './assembled.ts';

const { GP, NP, PF, SS: STACK_FAULT, TS } = VECTOR;
const TABLES = 0xffff_c900_0000_0000n, GDT = TABLES, TSS = TABLES + 0x400n, IDT = TABLES + 0x800n;
const INNER_STACK = 0xffff_c900_0001_1000n;
const KERNEL = 0xffff_c900_0002_0000n;
const USER = 0x40_0000n, USER_STACK = 0x50_0800n, POINTER = 0x50_0000n;
const RSP = 4, RDI = 7, CS = 1, SS = 2;
const KERNEL_CS = 0x10, KERNEL_DS = 0x18, USER_DS = 0x2b, USER_CS = 0x33, TASK = 0x40, GATE = 0x50, CONFORMING = 0x70, SHORT_CODE = 0x78;
const FAR_CALL = [0xff, 0x1f], FAR_JUMP = [0xff, 0x2f], FAR_RETURN = [0x48, 0xcb], HLT = 0xf4;
const INTERRUPT = 14, TASK_GATE = 5;

let cpu: WasmCpu;

/** The two halves of a gate. */
function gate(selector: number, offset: bigint, { type = 12, privilege = 3, present = true, upperType = 0n } = {}): [bigint, bigint] {
  const attributes = BigInt(type | (privilege << 5) | (present ? 0x80 : 0)) << 40n;
  return [(offset & 0xffffn) | (BigInt(selector) << 16n) | attributes | (((offset >> 16n) & 0xffffn) << 48n), (offset >> 32n) | (upperType << 40n)];
}

const setGate = (...halves: [bigint, bigint]): void => { writeQuads(cpu.memory, GDT + BigInt(GATE), halves); };

beforeEach(() => {
  cpu = createCpu({ profile: cpuProfile('amd-server')!, granule: 'line' });
  const { memory, registers } = cpu;
  for (const address of [TABLES, TABLES + 0x1000n, INNER_STACK - 0x1000n]) memory.map(address, 0x1000, { read: true, write: true, execute: false, user: false });
  memory.map(KERNEL, 0x1000, { read: true, write: false, execute: true, user: false });
  for (const address of [USER, USER_STACK & -0x1000n]) memory.map(address, 0x1000, { read: true, write: true, execute: true, user: true });
  memory.write(KERNEL, new Uint8Array(0x1000).fill(HLT));
  writeQuads(memory, GDT, [
    0n, 0n, 0x00af_9a00_0000_ffffn, 0x00cf_9200_0000_ffffn, 0n, 0x00cf_f200_0000_ffffn, 0x00af_fa00_0000_ffffn, 0n,
    0x0000_8b00_0000_0067n | ((TSS & 0xff_ffffn) << 16n) | (((TSS >> 24n) & 0xffn) << 56n), TSS >> 32n,
    ...gate(KERNEL_CS, KERNEL + 0x123n), 0n, 0n, 0x00af_9e00_0000_ffffn, 0x00cf_9a00_0000_ffffn,
  ]);
  memory.write(TSS + 4n, new Uint8Array(BigUint64Array.of(INNER_STACK).buffer));
  registers.gdt = { base: GDT, limit: 0x7f };
  registers.taskRegister = TASK;
  registers.setControl(4, registers.getControl(4) | (1n << 21n));
  fromRing3();
});

function fromRing3(): void {
  cpu.registers.setSegment(CS, USER_CS);
  cpu.registers.setSegment(SS, USER_DS);
  cpu.registers.set(RSP, USER_STACK);
  cpu.registers.set(RDI, POINTER);
}

function fromRing0(): void {
  cpu.registers.setSegment(CS, KERNEL_CS);
  cpu.registers.setSegment(SS, KERNEL_DS);
  cpu.registers.setControl(4, cpu.registers.getControl(4) & ~(1n << 21n));
}

/** Runs bytes at USER with `selector` behind 4 bytes that a gate makes nothing of. */
function run(bytes: readonly number[], selector = GATE | 3): CpuExit {
  cpu.memory.write(USER, Uint8Array.from([...bytes, HLT]));
  writeQuads(cpu.memory, POINTER, [(BigInt(selector) << 32n) | 0xdead_beefn]);
  cpu.registers.rip = USER;
  return cpu.run(100);
}

const refused = (vector: number, errorCode: number): object => ({ kind: 'exception', vector, errorCode });
const HALT = { kind: 'halt' };

describe('a call gate', () => {
  test('takes a call from ring 3 to ring 0 on the stack of the task, and a far return back', () => {
    cpu.memory.write(KERNEL + 0x123n, Uint8Array.from(FAR_RETURN));
    expect(run(FAR_CALL)).toMatchObject(refused(GP, 0));
    const { registers } = cpu;
    // The hlt that ring 3 may not execute is the one behind the call.
    expect([registers.rip, registers.get(RSP), registers.getSegment(CS), registers.getSegment(SS)]).toEqual([USER + 2n, USER_STACK, USER_CS, USER_DS]);
    expect([1n, 2n, 3n, 4n].map((slot) => readQuad(cpu.memory, INNER_STACK - 8n * slot))).toEqual([BigInt(USER_DS), USER_STACK, BigInt(USER_CS), USER + 2n]);
  });

  test('leaves a null stack segment of the inner ring and marks the code segment accessed', () => {
    expect(run(FAR_CALL)).toEqual(HALT);
    const { registers } = cpu;
    expect([registers.rip, registers.get(RSP), registers.getSegment(CS), registers.getSegment(SS)]).toEqual([KERNEL + 0x124n, INNER_STACK - 32n, KERNEL_CS, 0]);
    expect((readQuad(cpu.memory, GDT + BigInt(KERNEL_CS)) >> 40n) & 1n).toBe(1n);
  });

  test('of the same ring pushes cs and rip in 8 bytes each', () => {
    fromRing0();
    expect(run(FAR_CALL, GATE)).toEqual(HALT);
    expect([readQuad(cpu.memory, USER_STACK - 8n), readQuad(cpu.memory, USER_STACK - 16n), cpu.registers.get(RSP)]).toEqual([BigInt(KERNEL_CS), USER + 2n, USER_STACK - 16n]);
  });

  test('to a conforming segment changes neither ring nor stack', () => {
    setGate(...gate(CONFORMING, USER + 1n));
    expect(run([...FAR_CALL, 0x90])).toMatchObject({ kind: 'exception' });
    expect([cpu.registers.getSegment(CS), cpu.registers.getSegment(SS), cpu.registers.get(RSP)]).toEqual([CONFORMING | 3, USER_DS, USER_STACK - 16n]);
  });

  test('lets a jump through within its ring only', () => {
    expect(run(FAR_JUMP)).toMatchObject(refused(GP, KERNEL_CS));
    fromRing0();
    expect(run(FAR_JUMP, GATE)).toEqual(HALT);
    expect([cpu.registers.rip, cpu.registers.get(RSP)]).toEqual([KERNEL + 0x124n, USER_STACK]);
  });

  const [KERNEL_GATE] = [KERNEL + 0x123n];
  test.each<[string, () => void, object]>([
    ['for an inner ring', () => { setGate(...gate(KERNEL_CS, KERNEL_GATE, { privilege: 0 })); }, refused(GP, GATE)],
    ['that is not present', () => { setGate(...gate(KERNEL_CS, KERNEL_GATE, { present: false })); }, refused(NP, GATE)],
    ['whose upper half has a type', () => { setGate(...gate(KERNEL_CS, KERNEL_GATE, { upperType: 4n })); }, refused(GP, GATE)],
    ['whose upper half is not in the table', () => { cpu.registers.gdt = { base: GDT, limit: GATE + 7 }; }, refused(GP, GATE)],
    ['of a task', () => { setGate(...gate(TASK, 0n, { type: TASK_GATE })); }, refused(GP, GATE)],
    ['to no segment', () => { setGate(...gate(0, KERNEL_GATE)); }, refused(GP, 0)],
    ['to data', () => { setGate(...gate(KERNEL_DS, KERNEL_GATE)); }, refused(GP, KERNEL_DS)],
    ['to 32-bit code', () => { setGate(...gate(SHORT_CODE, KERNEL_GATE)); }, refused(GP, SHORT_CODE)],
    ['to an address that is not canonical', () => { setGate(...gate(KERNEL_CS, 0x8000_0000_0000n)); }, refused(GP, 0)],
    ['without room in the task state', () => { writeQuads(cpu.memory, GDT + BigInt(TASK), [readQuad(cpu.memory, GDT + BigInt(TASK)) & ~0xffffn | 0xan]); }, refused(TS, TASK)],
    ['to a stack that is not canonical', () => { cpu.memory.write(TSS + 4n, new Uint8Array(BigUint64Array.of(0x8000_0000_0010n).buffer)); }, refused(STACK_FAULT, 0)],
    ['to a stack that is not there', () => { cpu.memory.unmap(INNER_STACK - 0x1000n, 0x1000); }, { kind: 'exception', vector: PF, errorCode: 2, address: INNER_STACK - 32n }],
    ['to a stack of user pages, whatever AC says', () => {
      cpu.memory.write(TSS + 4n, new Uint8Array(BigUint64Array.of(USER_STACK).buffer));
      cpu.registers.rflags = 0x4_0202n;
    }, { kind: 'exception', vector: PF, errorCode: 3, address: USER_STACK - 32n }],
  ])('%s is refused, and nothing has happened', (_, prepare, exit) => {
    prepare();
    expect(run(FAR_CALL)).toMatchObject(exit);
    const { registers } = cpu;
    expect([registers.rip, registers.get(RSP), registers.getSegment(CS), registers.getSegment(SS)]).toEqual([USER, USER_STACK, USER_CS, USER_DS]);
  });

  test('to an inner ring is not modelled as long as no table in memory names the task', () => {
    cpu.registers.taskRegister = 0;
    expect(run(FAR_CALL)).toMatchObject({ kind: 'unsupported' });
  });
});

describe('int n through an interrupt table', () => {
  const INT_0x20 = [0xcd, 0x20], ERROR = 0x20 * 8 + 2;
  const setInterruptGate = (options: Parameters<typeof gate>[2]): void => {
    writeQuads(cpu.memory, IDT + 0x200n, gate(KERNEL_CS, KERNEL, { type: INTERRUPT, ...options }));
    cpu.registers.idt = { base: IDT, limit: 0x20f };
  };

  test('is raised if the gate is for its ring', () => {
    setInterruptGate({ privilege: 3 });
    expect(run(INT_0x20)).toEqual({ kind: 'exception', vector: 0x20, software: true });
  });

  test('is refused by gates of inner rings, of other types, that are not present, and behind the end of the table', () => {
    setInterruptGate({ privilege: 0 });
    expect(run(INT_0x20)).toMatchObject(refused(GP, ERROR));
    setInterruptGate({ type: 12 });
    expect(run(INT_0x20)).toMatchObject(refused(GP, ERROR));
    setInterruptGate({ present: false });
    expect(run(INT_0x20)).toMatchObject(refused(NP, ERROR));
    cpu.registers.idt = { base: IDT, limit: 0x20e };
    expect(run(INT_0x20)).toMatchObject(refused(GP, ERROR));
    expect(cpu.registers.rip).toBe(USER);
  });
});

test('a guarded debug register raises the trap of its guard, once', () => {
  fromRing0();
  const GENERAL_DETECT = 0x2000n, READ_DR0 = [0x0f, 0x21, 0xc0];
  cpu.registers.setDebug(7, cpu.registers.getDebug(7) | GENERAL_DETECT);
  expect(run(READ_DR0)).toMatchObject({ kind: 'exception', vector: VECTOR.DB });
  expect([cpu.registers.rip, cpu.registers.getDebug(6) & GENERAL_DETECT, cpu.registers.getDebug(7) & GENERAL_DETECT]).toEqual([USER, GENERAL_DETECT, 0n]);
  expect(run(READ_DR0)).toEqual(HALT);
});
