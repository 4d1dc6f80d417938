/**
 * The samples: each runs as it is with what its comment directives say, and does what its head comment promises.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createMachine } from '../../machine/create.ts';
import { FLAG, GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { link, phaseOf } from './program.ts';

const SAMPLES = fileURLToPath(new URL('../../samples/', import.meta.url));
const RUN = { limit: 10_000_000 };

function sample(file: string, config: Partial<LaunchConfig> = {}): Machine {
  const { image, directives } = link([{ file, text: readFileSync(join(SAMPLES, file), 'utf8') }], config.kernelGeneration ?? '6.12');
  const result = createMachine({ config: { program: file, ...config }, image, directives, program: file });
  if (!result.ok) throw new Error(JSON.stringify(result));
  expect(result.problems).toEqual([]);
  return result.machine;
}

const register = (machine: Machine, name: (typeof GENERAL_REGISTERS)[number]): bigint => BigInt.asIntN(64, machine.registers.get(GENERAL_REGISTERS.indexOf(name)));
const bytesOf = (machine: Machine, name: string, size: number): Uint8Array => machine.memory.read(machine.scenario.buffers.find((buffer) => buffer.name === name)!.address, size);

test('copy_mc.S says with which vector a copy ended, and exactly what is left', () => {
  const poisoned = sample('copy_mc.S');
  expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
  expect([register(poisoned, 'rax'), register(poisoned, 'rdx')]).toEqual([18n, 192n]);
  expect(bytesOf(poisoned, 'dst', 64)).toEqual(bytesOf(poisoned, 'src', 64));
  const readOnly = sample('copy_mc.S', { poison: false, buffers: { dst: { access: 'r' } } });
  expect(readOnly.run(RUN)).toEqual({ reason: 'returned' });
  expect([register(readOnly, 'rax'), register(readOnly, 'rdx')]).toEqual([14n, 256n]);
  const clean = sample('copy_mc.S', { poison: false });
  expect(clean.run(RUN)).toEqual({ reason: 'returned' });
  expect([register(clean, 'rax'), register(clean, 'rdx')]).toEqual([0n, 0n]);
});

test('get_word.S gives the word, or -EFAULT for a machine check, a missing page and a kernel pointer', () => {
  const results = ([{ poison: false }, {}, { poison: false, buffers: { ptr: { access: 'none' } } }, { poison: false, arguments: { rdi: '0xffff888000100000' } }] as const).map((config) => {
    const machine = sample('get_word.S', config);
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    // No way out leaves access to user memory open.
    expect(machine.registers.rflags & BigInt(FLAG.AC)).toBe(0n);
    return [register(machine, 'rax'), BigInt.asUintN(64, register(machine, 'rdx'))];
  });
  expect(results).toEqual([[0n, 0x0807060504030201n], [-14n, 0n], [-14n, 0n], [-14n, 0n]]);
});

test('clear.S clears up to the last byte in front of a page it cannot write, and takes no notice of poison', () => {
  const clean = sample('clear.S', { poison: 'dst+64' });
  expect(clean.run(RUN)).toEqual({ reason: 'returned' });
  expect(register(clean, 'rcx')).toBe(0n);
  expect(bytesOf(clean, 'dst', 200).every((byte) => byte === 0)).toBe(true);
  expect(clean.deliveries).toEqual([]);
  const crossing = sample('clear.S', { buffers: { dst: { size: 200, offset: 4096 - 100 - 3 } } });
  const page = crossing.scenario.buffers[0]!.address + 103n;
  crossing.memory.protect(page & ~0xfffn, 4096, { read: true, write: false, execute: false, user: true });
  const left = 200n - ((page & ~0xfffn) - crossing.scenario.buffers[0]!.address);
  expect(crossing.run(RUN)).toEqual({ reason: 'returned' });
  expect(register(crossing, 'rcx')).toBe(left);
});

test('two_tables/copy.S has a landing pad for each kind of fault', () => {
  const { kernelGeneration } = JSON.parse(readFileSync(join(SAMPLES, 'two_tables/.mcsafe.json'), 'utf8')) as { kernelGeneration: '4.4' };
  const poisoned = sample('two_tables/copy.S', { kernelGeneration });
  expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
  expect([register(poisoned, 'rax'), register(poisoned, 'rdx')]).toEqual([18n, 192n]);
  const unmapped = sample('two_tables/copy.S', { kernelGeneration, poison: false, buffers: { src: { access: 'none' } } });
  expect(unmapped.run(RUN)).toEqual({ reason: 'returned' });
  expect([register(unmapped, 'rax'), register(unmapped, 'rdx')]).toEqual([14n, 256n]);
});

/** How each of the wrong routines betrays itself. */
const BETRAYED: Readonly<Record<string, () => void>> = {
  'deferred_stores.S': () => {
    const machine = sample('faulty/deferred_stores.S', { poison: 'src+72', poisonGranule: 'byte' });
    machine.run(RUN);
    const done = 256 - Number(register(machine, 'rax'));
    expect(done).toBe(72);
    // The bytes claimed last were never stored.
    expect(bytesOf(machine, 'dst', done).subarray(64).every((byte) => byte === 0xcc)).toBe(true);
  },
  'wrong_label.S': () => {
    const machine = sample('faulty/wrong_label.S', { n: 5, buffers: { dst: { size: 5, access: 'r' } } });
    expect(machine.run(RUN).reason).toBe('died');
    expect(phaseOf(machine, 'died').death.reason).toContain('no exception-table entry for clear_string+');
  },
  'tail_retry.S': () => {
    const machine = sample('faulty/tail_retry.S');
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.deliveries.map(({ exception }) => exception.vector)).toEqual([18, 18]);
  },
  'pretends_success.S': () => {
    const machine = sample('faulty/pretends_success.S');
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(machine, 'rax')).toBe(0n);
    expect(bytesOf(machine, 'dst', 256).subarray(64).every((byte) => byte === 0xcc)).toBe(true);
  },
  'ac_left_open.S': () => {
    const machine = sample('faulty/ac_left_open.S');
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.registers.rflags & BigInt(FLAG.AC)).not.toBe(0n);
  },
  'clobbered_count.S': () => {
    const machine = sample('faulty/clobbered_count.S');
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(machine, 'rax')).toBe(18n);
    expect(bytesOf(machine, 'dst', 256).subarray(64).every((byte) => byte === 0xcc)).toBe(true);
  },
  'missing_sfence.S': () => {
    const machine = sample('faulty/missing_sfence.S', { poison: false });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.cpu.pendingNonTemporal).toBe(true);
    // An exception drains the stores by itself.
    const poisoned = sample('faulty/missing_sfence.S');
    expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
    expect(poisoned.cpu.pendingNonTemporal).toBe(false);
  },
  'short_length.S': () => {
    const machine = sample('faulty/short_length.S', { poison: false, arguments: { rdx: '0x100000000' } });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(machine, 'rax')).toBe(0n);
    expect(bytesOf(machine, 'dst', 256).every((byte) => byte === 0xcc)).toBe(true);
  },
};

describe('a routine that is wrong on purpose shows it', () => {
  test.for(Object.entries(BETRAYED))('%s', ([, betrayed]) => { betrayed(); });

  test('and none is without its test', () => {
    expect(readdirSync(join(SAMPLES, 'faulty')).sort()).toEqual(Object.keys(BETRAYED).sort());
  });
});
