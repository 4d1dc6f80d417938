/** The bench's kernels and short runs in the emulator; times are CPU times of this process, compiler threads included. */
import { readFileSync } from 'node:fs';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { ShortRuns } from '../../machine/cpu/short-runs.ts';
import type { ShortRunCase } from '../../machine/cpu/short-runs.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { assembled, load } from '../cpu/assembled.ts';
import { copyRoutine } from '../cpu/copy-routine.ts';

const SRC = 0xffff_8880_0010_0000n, DST = 0xffff_8880_0020_0000n, STACK = 0xffff_c900_0001_0000n, STOP = 0xffff_ffff_ff00_0000n;
const RW = { read: true, write: true, execute: false, user: false };
const ARGUMENTS = [7, 6, 2, 1];
const RSP = 4;

export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function prepared(size: number): WasmCpu {
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule: 'byte' });
  const pattern = Uint8Array.from({ length: size }, (_, i) => (i * 37 + 11) & 0x7f);
  for (const base of [SRC, DST]) {
    cpu.memory.map(base, size, RW);
    cpu.memory.write(base, pattern);
  }
  cpu.memory.map(STACK - 0x4000n, 0x4000, RW);
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.setControl(4, 0x30_0000n);
  return cpu;
}

function pushReturn(cpu: WasmCpu): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, STOP, true);
  cpu.memory.write(STACK - 64n, bytes);
  cpu.registers.set(RSP, STACK - 64n);
}

/** A function that runs one call of a kernel and gives its CPU time in ns, result and instructions. */
export function emulatedKernel(name: string, given: readonly (string | number)[]): () => { readonly ns: number; readonly result: bigint; readonly instructions: number } {
  const cpu = prepared(0x10000);
  const program = assembled(readFileSync(new URL('./kernels.s', import.meta.url), 'utf8'));
  load(cpu.memory, program.image);
  const entry = program.at(name);
  return () => {
    pushReturn(cpu);
    given.forEach((value, i) => { cpu.registers.set(ARGUMENTS[i]!, value === 'src' ? SRC : value === 'dst' ? DST : BigInt(value)); });
    cpu.registers.rip = entry;
    const before = cpu.instructions;
    const start = cpuTime();
    while (cpu.registers.rip !== STOP) cpu.run(2 ** 30);
    return { ns: cpuTime() - start, result: cpu.registers.get(0), instructions: Number(cpu.instructions - before) };
  };
}

export type ShortKind = 'clean' | 'guard' | 'two' | 'poison';

/** A function that makes `count` short runs and gives CPU time in ns for one, with results written out and memory put back. */
export function emulatedShortRuns(kind: ShortKind): (count: number) => { readonly ns: number; readonly slow: number } {
  const size = 4096;
  const cpu = prepared(size);
  const routine = copyRoutine(kind === 'two');
  load(cpu.memory, routine.image);
  pushReturn(cpu);
  const runs = new ShortRuns(cpu, {
    entry: routine.at('copy'), stop: STOP, budget: 100_000, maxFaults: 8, table: routine.table,
    varied: [{ register: 7, base: DST }, { register: 6, base: SRC }, { register: 2, base: 0n }],
    poison: { base: SRC, size }, guards: [{ base: SRC + BigInt(size), size: 4096 }],
  });
  const one = (i: number): ShortRunCase => {
    if (kind === 'clean') return { values: [64, 128, 256] };
    if (kind === 'poison') return { values: [64, 128, 256], poison: { offset: 128 + (i % 256), size: 1 } };
    return { values: [64, size - (i % 256), 256] };
  };
  return (count) => {
    const before = runs.statistics.slow;
    const start = cpuTime();
    runs.run({ *[Symbol.iterator]() { for (let i = 0; i < count; i++) yield one(i); } }, () => undefined);
    return { ns: (cpuTime() - start) / count, slow: runs.statistics.slow - before };
  };
}

/** Steps one instruction at a time through the CPU's face; ns a step. */
export function emulatedSteps(count: number): number {
  const cpu = prepared(0x10000);
  const program = assembled(readFileSync(new URL('./kernels.s', import.meta.url), 'utf8'));
  load(cpu.memory, program.image);
  pushReturn(cpu);
  cpu.registers.rip = program.at('checksum');
  cpu.registers.set(6, SRC);
  cpu.registers.set(2, 0x10000n);
  cpu.registers.set(1, 1000n);
  for (let i = 0; i < 20_000; i++) cpu.run(1);
  const start = cpuTime();
  for (let i = 0; i < count; i++) cpu.run(1);
  return (cpuTime() - start) / count;
}
