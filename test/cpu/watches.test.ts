import { describe, expect, it } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WatchArea } from '../../machine/memory/memory.ts';
import { assembled, load } from './assembled.ts';

const DATA = 0xffff_8880_0010_0000n;
const RSP = 4, RSI = 6, RDI = 7;
const HLT = '\n\thlt\nend:\n';

function cpuWith(code: string, areas: readonly WatchArea[]): { readonly cpu: WasmCpu; readonly at: (label: string) => bigint } {
  const { image, at } = assembled(`\t.globl start\nstart:\n${code}${HLT}`);
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule: 'byte' });
  load(cpu.memory, image);
  cpu.memory.map(DATA, 16384, { read: true, write: true, execute: false, user: false });
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.setControl(4, 0x4_0620n);
  cpu.registers.set(RSP, DATA + 0x3800n);
  cpu.registers.set(RSI, DATA);
  cpu.registers.set(RDI, DATA + 0x1000n);
  cpu.registers.rip = at('start');
  cpu.memory.watch(areas);
  return { cpu, at };
}

/** Runs to the end; each stop behind a watched access as `label kind offset/size`. */
function touches(code: string, ...areas: readonly (readonly [offset: number, size: number, kind: WatchArea['kind']])[]): readonly string[] {
  const { cpu, at } = cpuWith(code, areas.map(([offset, size, kind]) => ({ address: DATA + BigInt(offset), size, kind })));
  const found: string[] = [];
  for (let runs = 0; runs < 1000; runs++) {
    const exit = cpu.run(1 << 20);
    if (exit.kind !== 'watch') return [...found, exit.kind === 'halt' ? 'halt' : `${exit.kind} ${exit.kind === 'exception' ? String(exit.vector) : ''}`];
    const { access: { address, size, kind }, ip } = exit;
    const label = ['a', 'b', 'c', 'd'].find((name) => code.includes(`${name}:`) && at(name) === ip) ?? `0x${(ip - at('start')).toString(16)}`;
    found.push(`${label} ${kind} 0x${(address - DATA).toString(16)}/${String(size)}`);
  }
  throw new Error('no end');
}

describe('watched memory', () => {
  it('ends a run behind the instruction that touched it in the way that is watched', () => {
    const code = 'a:\tmovq (%rsi), %rax\nb:\tmovq %rax, (%rsi)\nc:\taddq $1, (%rsi)\nd:\tmovq %rax, 8(%rsi)';
    expect(touches(code, [0, 8, 'read'])).toEqual(['a read 0x0/8', 'c read-write 0x0/8', 'halt']);
    expect(touches(code, [0, 8, 'write'])).toEqual(['b write 0x0/8', 'c read-write 0x0/8', 'halt']);
    expect(touches(code, [0, 8, 'read-write'])).toEqual(['a read 0x0/8', 'b write 0x0/8', 'c read-write 0x0/8', 'halt']);
    expect(touches(code, [7, 2, 'write'])).toEqual(['b write 0x0/8', 'c read-write 0x0/8', 'd write 0x8/8', 'halt']);
    expect(touches(code, [16, 8, 'read-write'])).toEqual(['halt']);
  });

  it('is seen by accesses that cross into its page, by the stack, by strings, by wide stores and by those of system instructions', () => {
    expect(touches('a:\tmovq %rax, 0xffc(%rsi)', [0x1000, 1, 'write'])).toEqual(['a write 0xffc/8', 'halt']);
    expect(touches('a:\tpushq %rax\nb:\tpopq %rbx\nc:\tcall d\n\tjmp 1f\nd:\tret\n1:', [0x37f8, 8, 'read-write'])).toEqual(['a write 0x37f8/8', 'b read 0x37f8/8', 'c write 0x37f8/8', 'd read 0x37f8/8', 'halt']);
    expect(touches('\tmovl $5, %ecx\n\tcld\na:\trep movsb', [0x1002, 2, 'write'])).toEqual(['a write 0x1002/1', 'a write 0x1003/1', 'halt']);
    expect(touches('\tmovl $5, %ecx\n\tcld\na:\trep movsb', [3, 1, 'read'])).toEqual(['a read 0x3/1', 'halt']);
    expect(touches('a:\tvmovdqu %ymm0, (%rsi)\nb:\tmovntdq %xmm0, 0x20(%rsi)', [31, 2, 'write'])).toEqual(['a write 0x0/32', 'b write 0x20/16', 'halt']);
    expect(touches('a:\tsgdt (%rsi)\nb:\tfxsave 0x100(%rsi)', [4, 4, 'write'], [0x100, 1, 'write'])).toEqual(['a write 0x0/10', 'b write 0x100/512', 'halt']);
  });

  it('is not touched by an access that faults', () => {
    expect(touches('a:\tmovq %rax, 0x3ffc(%rsi)', [0x3ffc, 4, 'write'])).toEqual(['exception 14']);
    expect(touches('\tmovq %rsi, %rdi\n\taddq $0x3ff8, %rsi\na:\tmovsq\nb:\tmovsq', [0x3ff8, 8, 'read'])).toEqual(['a read 0x3ff8/8', 'exception 14']);
  });

  it('costs other pages nothing: a loop beside it is compiled and runs on, and one through it stops at each round', () => {
    const loop = '\tmovl $100000, %ecx\n1:\tmovq %rcx, (%rdi)\n\tdecl %ecx\n\tjnz 1b\n\tmovl $3, %ecx\na:\tmovq %rcx, (%rsi)\n\tdecl %ecx\n\tjnz a';
    expect(touches(loop, [0, 8, 'write'])).toEqual(['a write 0x0/8', 'a write 0x0/8', 'a write 0x0/8', 'halt']);
  });

  it('is forgotten when it is not watched any more', () => {
    const { cpu } = cpuWith('a:\tmovq %rax, (%rsi)\nb:\tmovq %rax, (%rsi)', [{ address: DATA, size: 8, kind: 'write' }]);
    expect(cpu.run(100).kind).toBe('watch');
    cpu.memory.watch([]);
    expect(cpu.run(100).kind).toBe('halt');
  });
});
