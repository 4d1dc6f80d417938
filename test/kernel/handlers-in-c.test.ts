/**
 * Handlers that are C functions: the samples of samples/handlers/, compiled as kernel code and run on a real pt_regs in guest memory.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readElf } from '../../assembly/elf/read.ts';
import { EXTABLE_HANDLERS_HEADER } from '../../assembly/linux-compat/headers/extable-handlers.ts';
import { GUEST_C_FLAGS } from '../../host/encoders/c-compiler.ts';
import { createMachine } from '../../machine/create.ts';
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import { ADDRESS_MAP } from '../../machine/scenario/resolve.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { missing } from '../corpus/corpus.ts';
import { writeStandIns } from '../linux-compat/standins.ts';
import { link, phaseNames, phaseOf } from './program.ts';

const SAMPLES = fileURLToPath(new URL('../../samples/handlers/', import.meta.url));
const RUN = { limit: 1_000_000 };
const register = (machine: Machine, name: (typeof GENERAL_REGISTERS)[number]): bigint => BigInt.asIntN(64, machine.registers.get(GENERAL_REGISTERS.indexOf(name)));

/** The sample `name`.S with its C half from `compiler`, as a machine. */
function compiledSample(compiler: string, name: string, config: Partial<LaunchConfig>): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'mcsafe-handlers-'));
  const object = join(folder, `${name}.o`);
  execFileSync(compiler, [...GUEST_C_FLAGS, '-Werror', `-I${writeStandIns('6.12')}`, '-o', object, join(SAMPLES, `${name}.c`)], { stdio: 'pipe' });
  const { image, directives } = link([{ file: `${name}.S`, text: readFileSync(join(SAMPLES, `${name}.S`), 'utf8') }], '6.12', [readElf(`${name}.c`, readFileSync(object))]);
  const result = createMachine({ config: { program: `${name}.S`, ...config }, image, directives, program: `${name}.S` });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.machine;
}

const SUM = { contract: { kind: 'none' as const, arguments: { src: 'rdi' as const, n: 'rsi' as const }, returns: 'rax' as const, user: [] }, n: 32, buffers: { src: { size: 256, fill: 0 } } };

describe.each(['gcc', 'clang'].filter((compiler) => missing(`handlers in C from ${compiler}`, { commands: [compiler] }) === undefined))('a handler in C, compiled by %s,', (compiler) => {
  const sample = (name: string, config: Partial<LaunchConfig>): Machine => compiledSample(compiler, name, config);

  test('unwinds the frame and returns to the caller with an error', () => {
    const machine = sample('return_directly', { ...SUM, poison: 'src+64' });
    const sp = register(machine, 'rsp');
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(machine, 'rax')).toBe(-14n);
    expect(register(machine, 'rsp')).toBe(sp + 8n);
    expect(phaseNames(machine)).toEqual(['raised', 'graded', 'searched', 'entered', 'handled', 'resumed']);
    expect(phaseOf(machine, 'graded').context.because).toBe('the entry names a descriptor that takes machine checks');
    expect(phaseOf(machine, 'entered')).toMatchObject({ handler: { name: 'return_directly', convention: 'descriptor' }, depth: 1 });
    // Each change is the work of a line of C.
    const changes = phaseOf(machine, 'resumed').changes;
    expect(changes.map(({ register: name, changedBy }) => [name, changedBy.replace(/:\d+$/, '')])).toEqual([
      ['rax', 'handler at return_directly.c'], ['rsp', 'handler at return_directly.c'], ['rbp', 'handler at return_directly.c'], ['rip', 'handler at return_directly.c'],
    ]);
    const lines = readFileSync(join(SAMPLES, 'return_directly.c'), 'utf8').split('\n');
    const line = Number(/:(\d+)$/.exec(changes[0]!.changedBy)![1]);
    expect(lines[line - 1]).toContain('regs->ax = -EFAULT');
  });

  test('is not asked when nothing faults', () => {
    const machine = sample('return_directly', { ...SUM, poison: false });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(machine, 'rax')).toBe(0n);
  });

  test('can be stepped through: the machine stands at its first instruction, then in it', () => {
    const machine = sample('return_directly', { ...SUM, poison: 'src+64' });
    expect(machine.run({ ...RUN, stopOnDelivery: () => true }).reason).toBe('delivered');
    expect(['graded', 'searched', 'entered'].map(() => machine.advance()?.phase)).toEqual(['graded', 'searched', 'entered']);
    expect(machine.delivery).toBeUndefined();
    expect(machine.handling).toHaveLength(1);
    expect(machine.describe(machine.registers.rip)).toBe('return_directly');
    expect(register(machine, 'rdx')).toBe(18n);
    expect(machine.run({ limit: 1 })).toEqual({ reason: 'limit' });
    expect(machine.image.lineAt(machine.registers.rip)?.file).toContain('return_directly.c');
    expect(machine.run({ ...RUN, stopOnFixup: true }).reason).toBe('fixup');
    expect(machine.handling).toHaveLength(0);
  });

  test('goes on a byte at a time in C, up to the poison', () => {
    for (const [n, poison, left] of [[256, 'src+100', 156], [64, 'src+3', 61], [7, 'src+6', 1]] as const) {
      const machine = sample('byte_by_byte', { n, poison, poisonGranule: 'byte', contract: { kind: 'copy', arguments: { dst: 'rdi', src: 'rsi', n: 'rdx' } } });
      expect(machine.run(RUN)).toEqual({ reason: 'returned' });
      expect(register(machine, 'rax')).toBe(BigInt(left));
      const [src, dst] = ['src', 'dst'].map((name) => machine.scenario.buffers.find((buffer) => buffer.name === name)!.address) as [bigint, bigint];
      expect(machine.memory.read(dst, n - left)).toEqual(machine.memory.read(src, n - left));
      expect(machine.memory.read(dst + BigInt(n - left), left).every((byte) => byte === 0xcc)).toBe(true);
    }
  });

  test('for a range refuses, and the outer range takes over', () => {
    const contract = { kind: 'none' as const, arguments: { dst: 'rdi' as const, src: 'rsi' as const, n: 'rdx' as const } };
    const poisoned = sample('ranges', { n: 256, poison: 'src+64', contract });
    expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(poisoned, 'rax')).toBe(-133n);
    expect(phaseNames(poisoned)).toEqual(['raised', 'graded', 'searched', 'entered', 'handled', 'entered', 'handled', 'resumed']);
    expect(poisoned.deliveries[0]!.phases.flatMap((phase) => (phase.phase === 'handled' ? [[phase.match.typeName, phase.accepted]] : []))).toEqual([
      ['range handler only_page_faults', false], ['range handler whole_routine', true],
    ]);
    const unmapped = sample('ranges', { n: 256, buffers: { dst: { access: 'r' } }, contract });
    expect(unmapped.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(unmapped, 'rax')).toBe(-14n);
    expect(phaseNames(unmapped)).toEqual(['raised', 'searched', 'entered', 'handled', 'resumed']);
  });

  test('for a whole routine ends it from wherever it was', () => {
    const contract = { kind: 'none' as const, arguments: { src: 'rdi' as const, n: 'rsi' as const } };
    for (const [n, poison, config, error] of [
      [100, 'src+64', {}, -133n], [7, 'src', {}, -133n], [16, false, { buffers: { src: { access: 'none' as const } } }, -14n], [8, false, { arguments: { rdi: '0x8000000000000000' } }, -14n],
    ] as const) {
      const machine = sample('whole_routine', { n, poison, contract, ...config });
      const [sp, bx] = [register(machine, 'rsp'), register(machine, 'rbx')];
      expect(machine.run(RUN)).toEqual({ reason: 'returned' });
      expect([register(machine, 'rax'), register(machine, 'rsp'), register(machine, 'rbx')]).toEqual([error, sp + 8n, bx]);
      expect(machine.deliveries).toHaveLength(1);
    }
  });

  test('gives entry code an error to return: of a segment that cannot be loaded, of a frame that iretq refuses, of a context that cannot be read', () => {
    const contract = { kind: 'none' as const, arguments: { src: 'rdi' as const }, returns: 'rax' as const };
    const context = (words: readonly bigint[]): Uint8Array => new Uint8Array(new BigUint64Array(words).buffer);
    const KERNEL_CS = 0x10n, KERNEL_DS = 0x18n, USER_DS = 0x2bn;
    const good = [ADDRESS_MAP.returnSentinel, KERNEL_CS, 2n, ADDRESS_MAP.stackTop - 64n, KERNEL_DS, USER_DS];
    const changed = (index: number, value: bigint): Uint8Array => context(good.map((word, at) => (at === index ? value : word)));
    for (const [entry, bytes, vector, rax] of [
      ['load_es', context(good), undefined, 0n],
      ['load_es', changed(5, 0n), undefined, 0n],
      ['load_es', changed(5, 0x100n), 13, -22n],
      ['load_es', changed(5, 0x10n), undefined, 0n],
      ['return_to', context(good), undefined, undefined],
      ['return_to', changed(0, 1n << 63n), 13, -14n],
      ['return_to', changed(1, 0n), 13, -14n],
      ['return_to', changed(1, 0x40n), 13, -14n],
      ['return_to', changed(4, 0x10n), 13, -14n],
    ] as const) {
      const machine = sample('entry', { entry, n: 48, poison: false, contract });
      machine.memory.write(machine.scenario.buffers[0]!.address, bytes);
      expect(machine.run(RUN), entry).toEqual({ reason: 'returned' });
      expect(machine.deliveries.map(({ exception }) => exception.vector)).toEqual(vector === undefined ? [] : [vector]);
      if (rax !== undefined) expect(register(machine, 'rax')).toBe(rax);
    }
    const poisoned = sample('entry', { entry: 'return_to', n: 48, poison: 'src', contract });
    expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
    expect([register(poisoned, 'rax'), poisoned.deliveries[0]!.exception.vector]).toEqual([-14n, 18]);
  });
});

test('one header describes handlers in C, for the machine and for user programs alike', () => {
  expect(readFileSync(new URL('../../runtime/include/mcsafe/extable.h', import.meta.url), 'utf8')).toBe(EXTABLE_HANDLERS_HEADER);
});
