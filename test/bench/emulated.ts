/** The bench's kernels and short runs in the emulator; times are CPU times of this process, compiler threads included. */
import { readFileSync } from 'node:fs';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { writeElf } from '../../assembly/elf/write.ts';
import { readGas } from '../../assembly/gas/read.ts';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { ShortRuns } from '../../machine/cpu/short-runs/short-runs.ts';
import type { ShortRunCase } from '../../machine/cpu/short-runs/plan.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { createMachine } from '../../machine/create.ts';
import type { Machine } from '../../machine/machine.ts';
import { Timeline } from '../../machine/timeline/timeline.ts';
import { assembled, load } from '../cpu/assembled.ts';
import { COPY_TEXT, copyRoutine } from '../cpu/copy-routine.ts';

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

/** A machine as the debugger makes it, in front of the bench's copy loop, which runs for some 20 million instructions. */
function machine(): Machine {
  const { image } = assembled(readFileSync(new URL('./kernels.s', import.meta.url), 'utf8'));
  const result = createMachine({
    config: { program: 'kernels.s', entry: 'copy_words', contract: 'copy', n: 0x10000, poison: false, budget: 1_000_000_000, arguments: { rcx: 500 } },
    image, directives: [], program: 'kernels.s',
  });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.machine;
}

/** Steps one instruction at a time through the machine's interface; ns a step. */
export function emulatedSteps(count: number): number {
  const stepped = machine();
  for (let i = 0; i < 20_000; i++) stepped.run({ limit: 1 });
  const start = cpuTime();
  for (let i = 0; i < count; i++) stepped.run({ limit: 1 });
  return (cpuTime() - start) / count;
}

/**
 * Runs `instructions` with a timeline, then goes on and steps back `steps` times, each from another distance to the checkpoint before it;
 * ms of each step, and what the history holds.
 */
export function emulatedStepsBack(instructions: number, steps: number): { readonly ms: readonly number[]; readonly checkpoints: number } {
  const timeline = new Timeline(machine());
  timeline.run({ limit: instructions });
  const ms: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { instructions: before } = timeline.now;
    timeline.run({ limit: 1009 });
    const start = performance.now();
    timeline.stepBack();
    ms.push(performance.now() - start);
    if (timeline.now.instructions !== before + 1008n) throw new Error('a step back went elsewhere');
  }
  return { ms, checkpoints: timeline.checkpoints };
}

/** The bench's object file, of about 2 KB, whose first function is `copy`. */
export function objectFile(): Uint8Array {
  const unit = readGas('copy.s', `${COPY_TEXT}\n${readFileSync(new URL('./kernels.s', import.meta.url), 'utf8')}`, { provider: { read: () => undefined } });
  return writeElf(assemble(unit).object);
}
