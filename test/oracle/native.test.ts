import { describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { formatCase, parseCase } from './case.ts';
import { nativeCpu } from './native.ts';

const native = nativeCpu();
if ('skipped' in native) console.log(`skipped: ${native.skipped}`);
const here = 'skipped' in native ? undefined : native;

function run(text: string) {
  return here!.run([parseCase(text)])[0]!;
}

describe.skipIf(!here)('the real CPU, asked through the runner', () => {
  test('runs an instruction up to the int3 behind it', () => {
    const outcome = run('code=4801d8 rip=20000018 rax=5 rbx=ffffffffffffffff');
    expect(outcome.ending).toMatchObject({ kind: 'exception', vector: VECTOR.BP });
    expect(outcome.rip).toBe(0x2000001cn);
    expect(outcome.gpr[0]).toBe(4n);
    expect(outcome.rflags & 0x8d5n).toBe(0x11n);
    expect(outcome.changes).toEqual([]);
  });

  test('reports what a store changed, and starts the next case from the base contents', () => {
    const store = parseCase('code=488903 rip=20000018 rax=1122334455667788 rbx=30001100');
    const load = parseCase('code=488b03 rip=20000058 rbx=30001100');
    const [stored, loaded] = here!.run([store, load]);
    expect(stored!.changes).toEqual([{ address: 0x30001100n, bytes: Buffer.from('8877665544332211', 'hex') }]);
    expect(loaded!.gpr[0]).not.toBe(0x1122334455667788n);
  });

  test.each([
    ['a write that runs into an unmapped page', 'code=488903 rip=20000018 rbx=30002ffc', { vector: VECTOR.PF, error: 6, cr2: 0x30003000n }],
    ['a write to a read-only page', 'code=488903 rip=20000018 rbx=30004000', { vector: VECTOR.PF, error: 7, cr2: 0x30004000n }],
    ['a fetch from data', 'code=ffe3 rip=20000018 rbx=30001000', { vector: VECTOR.PF, error: 21, cr2: 0x30001000n }],
    ['an address that is not canonical', 'code=488b03 rip=20000018 rbx=8000000000000000', { vector: VECTOR.GP, error: 0 }],
    ['a division by zero', 'code=f7f3 rip=20000018', { vector: VECTOR.DE }],
    ['an undefined instruction', 'code=0f0b rip=20000018', { vector: VECTOR.UD }],
    ['a privileged instruction', 'code=f4 rip=20000018', { vector: VECTOR.GP, error: 0 }],
    ['a software interrupt that ring 3 may not raise', 'code=cd21 rip=20000018', { vector: VECTOR.GP, error: 0x10a }],
  ])('catches %s', (_what, text, expected) => {
    const outcome = run(text);
    expect(outcome.ending).toMatchObject({ kind: 'exception', ...expected });
  });

  test('gives up an endless loop and lets no system call through', () => {
    expect(run('code=ebfe rip=20000018').ending).toEqual({ kind: 'timeout' });
    expect(run('code=0f05 rip=20000018 rax=3c').ending).toEqual({ kind: 'system-call' });
  });

  test.skipIf(!here?.host.features.has('avx2'))('carries whole vector registers', () => {
    const outcome = run(`code=c5fdefc1 rip=20000018 ymm0=${'01'.repeat(32)} ymm1=${'ff'.repeat(32)}`);
    expect(Buffer.from(outcome.vectors.subarray(0, 32)).toString('hex')).toBe('fe'.repeat(32));
  });
});

test('a case survives being written and read', () => {
  const text = 'code=4801d8 rip=20000018 rflags=246 rax=5 r15=ff ymm3=' + '00'.repeat(31) + '01 [30001000]=aabb';
  expect(formatCase(parseCase(text))).toBe(text);
});
