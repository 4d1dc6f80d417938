import { describe, expect, test } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { comparable } from '../cpu/comparable.ts';
import { CODE, DATA, DATA_PAGES, Random, randomProgram, STACK_TOP } from '../cpu/random-program.ts';

const RW = { read: true, write: true, execute: false, user: false };
const RSP = 4, RSI = 6, RDI = 7, R12 = 12, R13 = 13;

function cpuWith(bytes: Uint8Array, random: Random): WasmCpu {
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule: 'byte' });
  cpu.memory.map(CODE, 8192, { read: true, write: false, execute: true, user: false });
  cpu.memory.write(CODE, bytes);
  cpu.memory.map(DATA, DATA_PAGES * 4096, RW);
  cpu.memory.write(DATA, Uint8Array.from({ length: DATA_PAGES * 4096 }, () => random.below(256)));
  cpu.memory.protect(DATA + 4096n, 4096, { ...RW, write: false });
  cpu.memory.poison(DATA + 8192n + 40n, 3);
  cpu.memory.poison(DATA + 8192n + 90n, 1);
  cpu.memory.map(STACK_TOP - 8192n, 8192, RW);
  for (let i = 0; i < 16; i++) cpu.registers.set(i, random.u64());
  cpu.registers.set(RSP, STACK_TOP - 4096n);
  cpu.registers.set(RDI, DATA);
  cpu.registers.set(RSI, DATA + 8192n);
  cpu.registers.set(R12, DATA + 12288n);
  cpu.registers.set(R13, BigInt(random.below(64)));
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.rip = CODE;
  return cpu;
}

const ROUNDS = Number(process.env['MCSAFE_REGION_PROGRAMS'] ?? 600);

describe('compiled regions', () => {
  test('do what the interpreter does, on random programs with random faults and slices', () => {
    const seed = Number(process.env['MCSAFE_SEED'] ?? Date.now() % 100_000);
    let exceptions = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, blocks } = randomProgram(new Random(seed * 1000 + round));
      const plain = cpuWith(bytes, new Random(round));
      const compiled = cpuWith(bytes, new Random(round));
      plain.regions.enabled = false;
      compiled.regions.enabled = false;
      for (const block of blocks) compiled.regions.compile(block);
      const random = new Random(round);
      for (let slice = 0; slice < 12; slice++) {
        const limit = 1 + random.below(slice % 2 === 0 ? 30 : 700);
        const a = plain.run(limit);
        const b = compiled.run(limit);
        expect(comparable(compiled, b, [DATA, DATA_PAGES * 4096], [STACK_TOP - 8192n, 8192]), `seed ${String(seed)}, program ${String(round)}, slice ${String(slice)}`).toEqual(comparable(plain, a, [DATA, DATA_PAGES * 4096], [STACK_TOP - 8192n, 8192]));
        if (a.kind === 'limit') continue;
        if (a.kind === 'exception') exceptions++;
        // As a fixup would: go on elsewhere, with pointers that are good again.
        const to = random.pick(blocks);
        for (const cpu of [plain, compiled]) {
          cpu.registers.rip = to;
          cpu.registers.set(RSP, STACK_TOP - 4096n);
          cpu.registers.set(RDI, DATA);
          cpu.registers.set(RSI, DATA + 8192n);
        }
      }
    }
    console.log(`seed ${String(seed)}: ${String(ROUNDS)} programs, ${String(exceptions)} exceptions`);
    expect(exceptions).toBeGreaterThan(ROUNDS / 10);
  }, 60_000 + 1000 * ROUNDS);
});
