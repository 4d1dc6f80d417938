import { describe, expect, test } from 'vitest';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { Timeline } from '../../machine/timeline/timeline.ts';
import { machineOf } from './program.ts';
import type { Machine } from '../../machine/machine.ts';

/** Copies words; a load that faults is tried again, a store that faults ends the copy. */
const COPY = `
	.globl copy
	.type copy, @function
copy:
.Lload:
	movq (%rsi), %r8
.Lstore:
	movq %r8, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	subq $8, %rdx
	jnz .Lload
.Ldone:
	movq %rdx, %rax
	RET
	_ASM_EXTABLE_TYPE(.Lload, .Lload, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE(.Lstore, .Ldone)
	.size copy, .-copy
`;

function run(config: Partial<LaunchConfig>): Machine {
  const machine = machineOf(COPY, { contract: 'copy', n: 32, poison: false, ...config });
  while (machine.ended === undefined) machine.run({ limit: 1000 });
  return machine;
}

function faults({ deliveries }: Machine): readonly string[] {
  return deliveries.map(({ exception: { mnemonic, address, access } }) => `${mnemonic} ${access?.kind ?? ''} ${(address! & 0xfffn).toString()}`);
}

describe('bytes that are not there', () => {
  test('make a page fault of any access that touches one, at its first such byte', () => {
    const machine = run({ absent: [{ at: 'dst+21' }], buffers: { dst: { offset: 3 } } });
    expect(faults(machine)).toEqual(['#PF write 24']);
    expect(machine.registers.get(0)).toBe(16n);
  });

  test('are not missed by an access that begins before them', () => {
    const machine = run({ absent: [{ at: 'src+15', size: 1 }], budget: 100 });
    expect(faults(machine)[0]).toBe('#PF read 15');
    expect(machine.ended?.reason).toBe('no-progress');
  });
});

describe('a fault of one execution', () => {
  test.each([['mc', '#MC read 16'], ['pf', '#PF read 16']] as const)('comes once: the next execution is not disturbed (%s)', (fault, told) => {
    const machine = run({ inject: { at: 'copy', execution: 3, fault } });
    expect(faults(machine)).toEqual([told]);
    expect(machine.registers.get(0)).toBe(0n);
    expect(machine.ended?.reason).toBe('returned');
  });

  test('can be the first thing that happens', () => {
    expect(faults(run({ inject: { at: 'copy', fault: 'mc' } }))).toEqual(['#MC read 0']);
  });

  test('counts an execution that a fixup leads to', () => {
    // The first load faults for poison that is found only once: the second arrival is the fixup's.
    const machine = run({ inject: { at: 'copy', execution: 2, fault: 'pf' }, absent: [{ at: 'src+0', size: 1 }], budget: 100 });
    expect(faults(machine).slice(0, 2)).toEqual(['#PF read 0', '#PF read 0']);
  });

  test('is the same when the run is taken back and repeated', () => {
    const machine = machineOf(COPY, { contract: 'copy', n: 32, poison: false, inject: { at: 'copy', execution: 3, fault: 'mc' } });
    const timeline = new Timeline(machine);
    while (machine.ended === undefined) timeline.run({ limit: 1000 });
    const all = faults(machine);
    for (let i = 0; i < 12; i++) timeline.stepBack();
    while (machine.ended === undefined) timeline.run({ limit: 1 });
    expect(faults(machine)).toEqual(all);
    expect(machine.registers.get(0)).toBe(0n);
  });
});

test('an instruction that is none is refused by name', () => {
  expect(() => machineOf(COPY, { inject: { at: 'src', fault: 'pf' } })).toThrow(/no instruction/);
});
