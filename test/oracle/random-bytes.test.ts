import { Decoder, FlowControl } from 'iced-x86';
import { describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import { CPU_PROFILES } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { hex } from './case.ts';
import { codeFacts } from './codes.ts';
import { decodeForm, failsPartly, maskIsAddress, SLOTS, slotEntry, stateFor } from './generate.ts';
import { hostDecoding } from './native.ts';
import { callsHypervisor, hostKnows, ignoresVexW } from './host-knows.ts';
import { CODE, DATA_REGIONS, REGIONS, SLOT_SIZE, baseContents } from './layout.ts';
import { openOracle, TEST_TIMEOUT, unknownFlags } from './oracle.ts';
import type { Question } from './oracle.ts';
import { formPool, randomBytes, THROW_SIZE } from './random-bytes.ts';
import { chooseSeed, Random } from './random.ts';

/** Instructions that the first test tries: 1,000,000, or what `MCSAFE_RANDOM_INSTRUCTIONS` says. */
const INSTRUCTIONS = Number(process.env['MCSAFE_RANDOM_INSTRUCTIONS'] ?? 1_000_000);
/** Throws that are compared with the real CPU. */
const COMPARED = Math.ceil(INSTRUCTIONS / 25);
const RUN = 24;
const KERNEL_CS = 0x10;
const USER_CS = 0x33;

/** One run; an error names the bytes at rip. */
function guarded(cpu: WasmCpu, code: Uint8Array): CpuExit {
  try {
    return cpu.run(RUN);
  } catch (error) {
    throw new Error(`${hex(code)}, at ${hex(cpu.memory.read(cpu.registers.rip, 15))}`, { cause: error });
  }
}

/** Whether a jump from the slot at `rip` goes to what another throw left: its own questions are asked there. */
function isOtherThrow(target: bigint, rip: bigint): boolean {
  const offset = target - CODE.address;
  return offset >= 0n && offset < BigInt(CODE.size) && offset / BigInt(SLOT_SIZE) !== (rip - CODE.address) / BigInt(SLOT_SIZE);
}

describe('any bytes executed as code', () => {
  test('end in an exception, a named stop, or the limit: never in a crash, never in a hang', () => {
    const seed = chooseSeed();
    const random = new Random(seed ^ 0xb17e5);
    const pool = formPool(random, 4000);
    const tried = new Map<string, number>();
    let instructions = 0;
    for (const [turn, profile] of CPU_PROFILES.entries()) {
      const cpu = createCpu({ profile, granule: 'line' });
      for (const region of REGIONS) {
        cpu.memory.map(region.address, region.size, { read: true, write: region.write || turn === 0, execute: region.execute, user: turn !== 1 });
        cpu.memory.write(region.address, baseContents(region));
      }
      cpu.memory.poison(DATA_REGIONS[0]!.address + 0x400n, 64);
      for (const number of [0x10, 0x174, 0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0084]) cpu.msrs.set(number, random.u64());
      cpu.registers.setSegment(1, turn === 0 ? USER_CS : KERNEL_CS);
      cpu.registers.setControl(0, 0x8005_0033n);
      cpu.registers.setControl(4, 0x5_0620n);
      const registers = cpu.registers.save();
      const until = Math.ceil(((turn + 1) * INSTRUCTIONS) / CPU_PROFILES.length);
      const code = new Uint8Array(0x2000);
      while (instructions < until) {
        for (let at = 0; at + THROW_SIZE <= code.length; at += THROW_SIZE) randomBytes(random, pool, code.subarray(at, at + THROW_SIZE));
        cpu.memory.write(CODE.address, code);
        const checkpoint = cpu.memory.checkpoint();
        for (let at = 0; at + THROW_SIZE <= code.length && instructions < until; at += THROW_SIZE) {
          cpu.registers.restore(registers);
          for (let i = 0; i < 16; i++) cpu.registers.set(i, random.chance(40) ? random.pick(DATA_REGIONS).address + BigInt(random.below(4096)) : random.value());
          cpu.registers.rflags = (random.u64() & 0xcd5n) | 2n;
          cpu.registers.rip = CODE.address + BigInt(at);
          const before = cpu.instructions;
          const exit = guarded(cpu, code.subarray(at, at + 2 * THROW_SIZE));
          const retired = Number(cpu.instructions - before);
          instructions += retired + (exit.kind === 'limit' ? 0 : 1);
          if (retired > RUN) throw new Error(`${retired} instructions in a run of ${RUN}: ${hex(code.subarray(at, at + THROW_SIZE))}`);
          if (exit.kind === 'exception' && !(exit.vector >= 0 && exit.vector <= 255)) throw new Error(`vector ${exit.vector}: ${hex(code.subarray(at, at + THROW_SIZE))}`);
          if (exit.kind === 'unsupported' && exit.text === '') throw new Error(`a stop without a name: ${hex(exit.bytes)}`);
          const kind = exit.kind === 'exception' ? `vector ${exit.vector}` : exit.kind;
          tried.set(kind, (tried.get(kind) ?? 0) + 1);
        }
        cpu.memory.restore(checkpoint);
        cpu.memory.release(checkpoint);
      }
    }
    console.log(`seed ${seed}: ${instructions} instructions; ${[...tried].sort((one, other) => other[1] - one[1]).slice(0, 12).map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
    // Everything that random bytes are sure to reach.
    for (const kind of ['limit', 'unsupported', `vector ${VECTOR.UD}`, `vector ${VECTOR.PF}`, `vector ${VECTOR.GP}`, `vector ${VECTOR.MC}`]) expect(tried.get(kind) ?? 0, kind).toBeGreaterThan(0);
  }, TEST_TIMEOUT);

  test('do what the real CPU does with them, where the emulator models them', () => {
    const oracle = openOracle();
    if (!oracle) return;
    const seed = chooseSeed();
    const random = new Random(seed ^ 0x7a11);
    const pool = formPool(random, 4000);
    const counts = { agree: 0, differ: 0, unsupported: 0, 'not comparable': 0 };
    const reports: string[] = [];
    for (let asked = 0; asked < COMPARED; asked += SLOTS) {
      const questions: Question[] = [];
      for (let slot = 0; slot < SLOTS; slot++) {
        const bytes = new Uint8Array(THROW_SIZE);
        randomBytes(random, pool, bytes);
        const rip = slotEntry(slot);
        // One instruction: what is behind it would be compared with state it made undefined.
        const decoder = new Decoder(64, bytes, hostDecoding);
        decoder.ip = rip;
        const instruction = decoder.decode();
        const { length, code, flowControl } = instruction;
        const target = flowControl === FlowControl.Next ? rip : instruction.nearBranchTarget;
        instruction.free();
        decoder.free();
        const facts = codeFacts.get(code);
        if (target !== 0n && isOtherThrow(target, rip)) continue;
        if (callsHypervisor(bytes) || ignoresVexW(bytes)) continue;
        if (facts && (hostKnows(facts) !== undefined || facts.features.some((feature) => feature !== 'FPU' && /^(RTM|HLE|AVX512|MPX|CET|SSE4A)/.test(feature)))) continue;
        const form = decodeForm(bytes.slice(0, facts ? length : THROW_SIZE), rip);
        if (maskIsAddress(form)) continue;
        questions.push({
          label: `random ${hex(form.bytes)}`, state: stateFor(random, form, rip), undefinedFlags: unknownFlags(form, oracle.native.host),
          // A jump may go to another throw, of whatever kind that is.
          partly: facts ? failsPartly(form) || flowControl !== FlowControl.Next : false,
        });
      }
      for (const answer of oracle.ask(questions)) {
        counts[answer.verdict]++;
        if (answer.verdict === 'differ') reports.push(answer.report);
      }
    }
    console.log(`seed ${seed}: random bytes against the real CPU: ${JSON.stringify(counts)}`);
    if (reports.length > 0) console.log(reports.slice(0, 30).map((report) => report.slice(0, 3000)).join('\n'));
    expect(reports.length).toBe(0);
  }, TEST_TIMEOUT);
});
