import { describe, expect, test } from 'vitest';
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import { FLAG, VECTOR } from '../../machine/cpu/cpu.ts';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';

const CODE = 0xffff_ffff_8100_0000n;
const DATA = 0xffff_8880_0010_0000n;
const USER = 0x7f00_0010_0000n;
const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RSI = 6, RDI = 7;
const RW = { read: true, write: true, execute: false, user: false };

/** A CPU in ring 0 about to run `code`, SMAP and write protection on, two data pages at DATA. */
function cpuWith(code: readonly number[], granule: 'line' | 'byte' = 'byte'): WasmCpu {
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule });
  cpu.memory.map(CODE, 4096, { read: true, write: false, execute: true, user: false });
  cpu.memory.write(CODE, Uint8Array.from(code));
  cpu.memory.map(DATA, 8192, RW);
  cpu.memory.write(DATA, Uint8Array.from({ length: 8192 }, (_, i) => i * 7));
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.setControl(4, 0x30_0000n);
  cpu.registers.rip = CODE;
  return cpu;
}

function exception(exit: CpuExit): Extract<CpuExit, { kind: 'exception' }> {
  expect(exit.kind).toBe('exception');
  return exit as Extract<CpuExit, { kind: 'exception' }>;
}

const HLT = 0xf4;
const MOV_MEM_RDI_RAX = [0x48, 0x89, 0x07];
const MOV_RAX_MEM_RSI = [0x48, 0x8b, 0x06];
const REP_MOVSB = [0xf3, 0xa4];
const REP_MOVSQ = [0xf3, 0x48, 0xa5];

describe('page faults', () => {
  test('a store across the border of the last page writes nothing and names the second page', () => {
    const cpu = cpuWith([...MOV_MEM_RDI_RAX, HLT]);
    const before = cpu.memory.read(DATA, 8192);
    cpu.registers.set(RDI, DATA + 8189n);
    cpu.registers.set(RAX, ~0n);
    const exit = exception(cpu.run(10));
    expect(exit).toMatchObject({ vector: VECTOR.PF, errorCode: 2, address: DATA + 8192n, access: { kind: 'write', address: DATA + 8189n, size: 8 } });
    expect(cpu.registers.rip).toBe(CODE);
    expect(cpu.memory.read(DATA, 8192)).toEqual(before);
    expect(cpu.instructions).toBe(0n);
  });

  test('an access across two pages that are both there just works, frames in a row or not', () => {
    const cpu = cpuWith([...MOV_MEM_RDI_RAX, 0x48, 0x8b, 0x1f, HLT]); // mov (%rdi),%rbx
    cpu.memory.map(DATA + 0x3000n, 4096, RW);
    cpu.memory.map(DATA + 0x2000n, 4096, RW);
    for (const at of [DATA + 4093n, DATA + 0x2ffdn]) {
      cpu.registers.rip = CODE;
      cpu.registers.set(RDI, at);
      cpu.registers.set(RAX, 0x1122_3344_5566_7788n);
      expect(cpu.run(10).kind).toBe('halt');
      expect(cpu.registers.get(RBX)).toBe(0x1122_3344_5566_7788n);
      expect([...cpu.memory.read(at, 8)]).toEqual([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    }
  });

  test('a read-modify-write of a page that may not be written reports the write', () => {
    const cpu = cpuWith([0x48, 0x01, 0x07, HLT]); // add %rax,(%rdi)
    cpu.memory.protect(DATA, 4096, { ...RW, write: false });
    cpu.registers.set(RDI, DATA);
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.PF, errorCode: 3, access: { kind: 'write' } });
  });

  test('push below the stack leaves rsp alone', () => {
    const cpu = cpuWith([0x50, HLT]);
    cpu.registers.set(RSP, DATA);
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.PF, errorCode: 2, address: DATA - 8n });
    expect(cpu.registers.get(RSP)).toBe(DATA);
  });

  test('fetching from a page that is not executable, or runs out in the middle of an instruction', () => {
    const cpu = cpuWith([HLT]);
    cpu.registers.rip = DATA;
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.PF, errorCode: 0x11, address: DATA, access: { kind: 'fetch' } });
    cpu.memory.write(CODE + 4094n, Uint8Array.of(0x48, 0x8b));
    cpu.registers.rip = CODE + 4094n;
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.PF, errorCode: 0x10, address: CODE + 4096n });
    expect(cpu.registers.rip).toBe(CODE + 4094n);
  });

  test('non-canonical addresses are #GP, through the stack #SS', () => {
    const cpu = cpuWith([...MOV_RAX_MEM_RSI, HLT]);
    cpu.registers.set(RSI, 0x8000_0000_0000n);
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
    const stack = cpuWith([0x58, HLT]);
    stack.registers.set(RSP, 0x8000_0000_0000n);
    expect(exception(stack.run(10))).toMatchObject({ vector: VECTOR.SS, errorCode: 0 });
  });
});

describe('SMAP', () => {
  // mov (%rsi),%rax; stac; mov (%rsi),%rax; clac; mov (%rsi),%rax
  const code = [0x0f, 0x01, 0xcb, ...MOV_RAX_MEM_RSI, 0x0f, 0x01, 0xca, ...MOV_RAX_MEM_RSI, HLT];

  test('user pages are open between stac and clac only', () => {
    const cpu = cpuWith(code);
    cpu.memory.map(USER, 4096, { ...RW, user: true });
    cpu.registers.set(RSI, USER);
    const exit = exception(cpu.run(10));
    expect(exit).toMatchObject({ vector: VECTOR.PF, errorCode: 1, address: USER });
    expect(cpu.registers.rip).toBe(CODE + 9n);
    expect(cpu.instructions).toBe(3n);
    expect(cpu.registers.rflags & BigInt(FLAG.AC)).toBe(0n);
  });
});

describe('poison', () => {
  test('a load of the poisoned byte is a machine check that changes no register', () => {
    const cpu = cpuWith([...MOV_RAX_MEM_RSI, HLT]);
    cpu.memory.poison(DATA + 100n, 1);
    cpu.registers.set(RSI, DATA + 95n);
    cpu.registers.set(RAX, 42n);
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.MC, address: DATA + 100n, access: { kind: 'read', address: DATA + 95n, size: 8 } });
    expect(cpu.registers.get(RAX)).toBe(42n);
  });

  test('loads on both sides of it work, whatever side comes first', () => {
    const cpu = cpuWith([...MOV_RAX_MEM_RSI, HLT]);
    cpu.memory.poison(DATA + 4096n + 100n, 1);
    for (const offset of [92n, 101n, 92n, 4088n, 101n]) {
      cpu.registers.rip = CODE;
      cpu.registers.set(RSI, DATA + 4096n + offset);
      expect(cpu.run(10).kind).toBe('halt');
    }
  });

  test('a window behind poison does not reach into the next page', () => {
    const cpu = cpuWith([...MOV_RAX_MEM_RSI, ...MOV_RAX_MEM_RSI, HLT]);
    cpu.memory.poison(DATA + 4096n + 10n, 1);
    cpu.registers.set(RSI, DATA + 8180n);
    expect(cpu.run(1).kind).toBe('limit');
    cpu.registers.set(RSI, DATA + 8186n);
    expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.PF, address: DATA + 8192n });
  });

  test('a store, a prefetch do not notice; a read-modify-write, a pop and a fetch do', () => {
    const store = cpuWith([...MOV_MEM_RDI_RAX, 0x0f, 0x18, 0x0f, HLT]);
    store.memory.poison(DATA, 8);
    store.registers.set(RDI, DATA);
    expect(store.run(10).kind).toBe('halt');
    for (const bytes of [[0x48, 0x01, 0x07], [0x58], [0xf0, 0x48, 0xff, 0x07]]) {
      const cpu = cpuWith([...bytes, HLT]);
      cpu.memory.poison(DATA, 8);
      cpu.registers.set(RDI, DATA);
      cpu.registers.set(RSP, DATA);
      expect(exception(cpu.run(10))).toMatchObject({ vector: VECTOR.MC, address: DATA, access: { kind: 'read' } });
      expect(cpu.registers.get(RSP)).toBe(DATA);
    }
    const fetch = cpuWith([0x90, 0x90, 0x90, HLT]);
    fetch.memory.poison(CODE + 2n, 1);
    expect(exception(fetch.run(10))).toMatchObject({ vector: VECTOR.MC, address: CODE + 2n, access: { kind: 'fetch' } });
    expect(fetch.instructions).toBe(2n);
  });
});

describe('repeated strings', () => {
  test.each([[1, REP_MOVSB], [8, REP_MOVSQ]])('stop at the element that faults, in elements of %i', (size, code) => {
    const cpu = cpuWith([...code, HLT]);
    const dst = DATA + 4096n;
    const source = cpu.memory.read(DATA, 64);
    cpu.memory.poison(DATA + 43n, 1);
    cpu.memory.write(dst, new Uint8Array(64).fill(0xee));
    cpu.registers.set(RSI, DATA);
    cpu.registers.set(RDI, dst);
    cpu.registers.set(RCX, BigInt(64 / size));
    const done = Math.floor(43 / size);
    expect(exception(cpu.run(1000))).toMatchObject({ vector: VECTOR.MC, address: DATA + 43n, access: { address: DATA + BigInt(done * size), size } });
    expect(cpu.registers.get(RCX)).toBe(BigInt(64 / size - done));
    expect(cpu.registers.get(RSI)).toBe(DATA + BigInt(done * size));
    expect(cpu.registers.get(RDI)).toBe(dst + BigInt(done * size));
    expect(cpu.registers.rip).toBe(CODE);
    expect(cpu.instructions).toBe(BigInt(done));
    const copied = cpu.memory.read(dst, 64);
    expect(copied.slice(0, done * size)).toEqual(source.slice(0, done * size));
    expect(copied.slice(done * size).every((byte) => byte === 0xee)).toBe(true);
  });

  test('a copy onto itself one byte further on spreads the first byte', () => {
    const cpu = cpuWith([...REP_MOVSB, HLT]);
    cpu.registers.set(RSI, DATA + 1n);
    cpu.registers.set(RDI, DATA + 2n);
    cpu.registers.set(RCX, 5000n);
    expect(cpu.run(100_000).kind).toBe('halt');
    expect(cpu.memory.read(DATA + 1n, 5001).every((byte) => byte === 7)).toBe(true);
    expect(cpu.instructions).toBe(5001n);
  });

  test('backwards', () => {
    const cpu = cpuWith([0xfd, ...REP_MOVSQ, HLT]);
    const source = cpu.memory.read(DATA + 2000n, 4000);
    cpu.registers.set(RSI, DATA + 5992n);
    cpu.registers.set(RDI, DATA + 5992n + 24n);
    cpu.registers.set(RCX, 500n);
    expect(cpu.run(10_000).kind).toBe('halt');
    expect(cpu.memory.read(DATA + 2024n, 4000)).toEqual(source);
    expect(cpu.registers.get(RSI)).toBe(DATA + 1992n);
  });

  test('a slice ends between two elements', () => {
    const cpu = cpuWith([...REP_MOVSB, HLT]);
    cpu.registers.set(RSI, DATA);
    cpu.registers.set(RDI, DATA + 4096n);
    cpu.registers.set(RCX, 100n);
    expect(cpu.run(30)).toEqual({ kind: 'limit' });
    expect(cpu.registers.get(RCX)).toBe(70n);
    expect(cpu.registers.rip).toBe(CODE);
  });

  test('two accesses that want the same translation entry make progress', () => {
    const cpu = cpuWith([0xf3, 0x48, 0xa7, HLT]); // repe cmpsq
    cpu.memory.map(DATA + 0x10_0000n, 8192, RW);
    cpu.memory.write(DATA + 0x10_0000n, cpu.memory.read(DATA, 8192));
    cpu.registers.set(RSI, DATA + 4n);
    cpu.registers.set(RDI, DATA + 0x10_0004n);
    cpu.registers.set(RCX, 1000n);
    expect(cpu.run(10_000).kind).toBe('halt');
    expect(cpu.registers.get(RCX)).toBe(0n);
  });
});

describe('the code itself', () => {
  test('may be changed while it runs', () => {
    // movb $0xff,1(%rdi) turns the following `nop; inc` pair's byte: 48 ff c0 -> the loop sees it at once.
    const cpu = cpuWith([]);
    cpu.memory.map(CODE, 4096, { ...RW, execute: true });
    // 0: c6 47 05 c1  movb $0xc1,5(%rdi); 4: 48 ff(5: patched?) …
    cpu.memory.write(CODE, Uint8Array.of(0xc6, 0x47, 0x06, 0xc1, 0x48, 0xff, 0xc0, HLT));
    cpu.registers.set(RDI, CODE);
    expect(cpu.run(10).kind).toBe('halt');
    expect([cpu.registers.get(RAX), cpu.registers.get(RCX)]).toEqual([0n, 1n]);
  });

  test('breakpoints stop before the instruction, not on the one a run starts on', () => {
    const cpu = cpuWith([0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xeb, 0xf8]); // inc %rax; inc %rax; jmp start
    cpu.setBreakpoints([CODE + 3n, CODE]);
    expect(cpu.run(100)).toEqual({ kind: 'breakpoint' });
    expect(cpu.registers.rip).toBe(CODE + 3n);
    expect(cpu.run(100)).toEqual({ kind: 'breakpoint' });
    expect([cpu.registers.rip, cpu.registers.get(RAX)]).toEqual([CODE, 2n]);
    expect(cpu.run(1)).toEqual({ kind: 'breakpoint' });
    cpu.setBreakpoints([]);
    expect(cpu.run(30)).toEqual({ kind: 'limit' });
  });

  test('an invalid instruction is #UD, one that is not modelled says its text and bytes', () => {
    expect(exception(cpuWith([0x0f, 0xff]).run(1))).toMatchObject({ vector: VECTOR.UD });
    const unknown = cpuWith([0x0f, 0x01, 0xc1]); // vmcall
    const exit = unknown.run(5);
    expect(exit.kind === 'unsupported' ? [exit.text, [...exit.bytes]] : exit).toEqual(['vmcall', [0x0f, 0x01, 0xc1]]);
    expect(unknown.registers.rip).toBe(CODE);
  });

  test('division errors, int3, and the single-step trap', () => {
    const divide = cpuWith([0x48, 0xf7, 0xf1]);
    divide.registers.set(RDX, 5n);
    divide.registers.set(RCX, 5n);
    expect(exception(divide.run(1))).toEqual({ kind: 'exception', vector: VECTOR.DE });
    const trap = cpuWith([0xcc]);
    expect(exception(trap.run(5))).toMatchObject({ vector: VECTOR.BP, software: true });
    expect(trap.registers.rip).toBe(CODE + 1n);
    const step = cpuWith([0x90, 0x90]);
    step.registers.rflags = BigInt(FLAG.TF);
    expect(exception(step.run(5))).toMatchObject({ vector: VECTOR.DB });
    expect(step.registers.rip).toBe(CODE + 1n);
  });
});
