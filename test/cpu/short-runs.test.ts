import { describe, expect, test } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { ShortRuns } from '../../machine/cpu/short-runs/short-runs.ts';
import type { ShortRunCase, ShortRunPlan, ShortRunResult } from '../../machine/cpu/short-runs/plan.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { load } from './assembled.ts';
import { copyRoutine } from './copy-routine.ts';

const SRC = 0xffff_8880_0010_0000n, DST = 0xffff_8880_0020_0000n, STACK = 0xffff_c900_0001_0000n, STOP = 0xffff_ffff_ff00_0000n;
const RW = { read: true, write: true, execute: false, user: false };
const SIZE = 4096;

function prepared(granule: 'line' | 'byte', user = false): { readonly cpu: WasmCpu; readonly plan: ShortRunPlan } {
  const routine = copyRoutine();
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule });
  load(cpu.memory, routine.image);
  const pattern = Uint8Array.from({ length: SIZE }, (_, i) => (i * 37 + 11) & 0x7f);
  cpu.memory.map(SRC, SIZE, { ...RW, user });
  cpu.memory.write(SRC, pattern);
  cpu.memory.map(DST, SIZE, RW);
  cpu.memory.write(DST, new Uint8Array(SIZE).fill(0xcc));
  cpu.memory.map(STACK - 8192n, 8192, RW);
  const stack = new DataView(new ArrayBuffer(8));
  stack.setBigUint64(0, STOP, true);
  cpu.memory.write(STACK - 64n, new Uint8Array(stack.buffer));
  cpu.registers.set(4, STACK - 64n);
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.setControl(4, 0x30_0000n);
  return {
    cpu,
    plan: {
      entry: routine.at('copy'), stop: STOP, budget: 100_000, maxFaults: 8, table: routine.table,
      varied: [{ register: 7, base: DST }, { register: 6, base: SRC }, { register: 2, base: 0n }],
      poison: { base: SRC, size: SIZE }, guards: [{ base: SRC + BigInt(SIZE), size: 4096 }], judged: { base: DST, expected: pattern },
    },
  };
}

function all(cpu: WasmCpu, plan: ShortRunPlan, cases: readonly ShortRunCase[], driver: boolean): { results: ShortRunResult[]; hits: unknown; slow: number } {
  const runs = new ShortRuns(cpu, plan, { driver });
  const results: ShortRunResult[] = [];
  runs.run(cases, (result) => { results.push(result); });
  return { results, hits: runs.hits, slow: runs.statistics.slow };
}

/** Every poisoned byte of copies of some lengths, at some alignments of both sides. */
function copies(): ShortRunCase[] {
  const out: ShortRunCase[] = [];
  for (const n of [0, 1, 7, 8, 63, 64, 65, 130, 200]) {
    for (const skew of [0, 3]) {
      for (let k = -1; k <= n; k += 1 + Math.floor(n / 40)) {
        const judged = { offset: 64 + skew, from: 128, size: n };
        out.push({ values: [64 + skew, 128, n], judged, ...(k < 0 ? {} : { poison: { offset: 128 + k, size: 1 } }) });
      }
    }
  }
  return out;
}

describe('short runs', () => {
  test.each(['byte', 'line'] as const)('give, driven in WebAssembly, what each run gives by itself (%s poison)', (granule) => {
    const { cpu, plan } = prepared(granule);
    const cases = copies();
    const reference = all(cpu, plan, cases, false);
    const driven = all(cpu, plan, cases, true);
    expect(driven.results).toEqual(reference.results);
    expect(driven.hits).toEqual(reference.hits);
    expect(driven.slow).toBe(0);
    expect(reference.slow).toBe(cases.length);
  });

  test('judge the copy: bytes not copied in rax, the rest of the buffer untouched', () => {
    const { cpu, plan } = prepared('byte');
    const { results } = all(cpu, plan, [
      { values: [64, 128, 200], judged: { offset: 64, from: 128, size: 200 } },
      { values: [64, 128, 200], judged: { offset: 64, from: 128, size: 200 }, poison: { offset: 128 + 77, size: 1 } },
    ], true);
    expect(results[0]).toMatchObject({ outcome: 'returned', rax: 0n, faults: 0, done: 200, restUntouched: true, stateKept: true });
    expect(results[1]).toMatchObject({ outcome: 'returned', rax: 200n - 64n, faults: 1, vector: 18, done: 64, restUntouched: true });
  });

  test('page faults at a guard behind the source, aligned to it or not', () => {
    const { cpu, plan } = prepared('line');
    const cases = Array.from({ length: 150 }, (_, k): ShortRunCase => ({ values: [64, SIZE - k, 150], judged: { offset: 64, from: SIZE - k, size: k } }));
    const reference = all(cpu, plan, cases, false);
    const driven = all(cpu, plan, cases, true);
    expect(driven.results).toEqual(reference.results);
    expect(driven.slow).toBe(0);
    expect(driven.results.every(({ outcome, vector }) => outcome === 'returned' && vector === 14)).toBe(true);
  });

  test('an unhandled fault, an endless run and a user page without stac end a case, not the sweep', () => {
    const { cpu, plan } = prepared('byte');
    const bare = all(cpu, { ...plan, table: [] }, [{ values: [64, 128, 64], poison: { offset: 130, size: 1 } }], true);
    expect(bare.results[0]).toMatchObject({ outcome: 'unhandled', vector: 18, faults: 0 });
    const short = all(cpu, { ...plan, budget: 20 }, [{ values: [64, 128, 2000] }], true);
    expect(short.results[0]).toMatchObject({ outcome: 'budget', instructions: 20 });
    const user = prepared('byte', true);
    const cases = [{ values: [64, 128, 64] }];
    const driven = all(user.cpu, user.plan, cases, true);
    expect(driven.results).toEqual(all(user.cpu, user.plan, cases, false).results);
    expect(driven.results[0]).toMatchObject({ vector: 14 });
  });

  test('leave memory and registers as they were', () => {
    const { cpu, plan } = prepared('byte');
    const before = [cpu.memory.read(DST, SIZE), cpu.memory.read(STACK - 8192n, 8192), cpu.registers.save()];
    all(cpu, plan, copies().slice(0, 200), true);
    expect([cpu.memory.read(DST, SIZE), cpu.memory.read(STACK - 8192n, 8192), cpu.registers.save()]).toEqual(before);
    expect(cpu.memory.poisoned).toEqual([]);
  });
});
