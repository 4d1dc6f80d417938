/**
 * What the kernel patches at boot: alternatives by CPU feature, and constants.
 */
import { describe, expect, test } from 'vitest';
import { decodeAll } from '../../assembly/x86/decode.ts';
import { bootPatches, readAlternatives } from '../../machine/kernel/alternatives.ts';
import type { Machine } from '../../machine/machine.ts';
import { imageOf, machineOf } from './program.ts';

/** The instructions of `routine` as the machine has them. */
function code(machine: Machine, size: number): readonly string[] {
  const { address } = machine.scenario.entry;
  return [...decodeAll(machine.memory.read(address, size), address)].map(({ text }) => text);
}

const SMAP = 'SYM_FUNC_START(routine)\nASM_STAC\nASM_CLAC\nRET\nSYM_FUNC_END(routine)';

describe.each(['6.12', '6.1', '5.16', '5.10', '4.4'] as const)('alternatives of %s', (kernelGeneration) => {
  const start = kernelGeneration === '6.12' ? 4 : 0;

  test('are put in on CPUs with the feature, and left out on others', () => {
    const machine = machineOf(SMAP, { kernelGeneration });
    expect(code(machine, start + 6).slice(-2)).toEqual(['stac', 'clac']);
    const old = machineOf(SMAP, { kernelGeneration, cpuProfile: 'intel-old' });
    expect(code(old, start + 6).slice(-6)).toEqual(Array(6).fill('nop'));
  });

  test('later records win; a jump still leads where it led', () => {
    const text = `SYM_FUNC_START(routine)
	ALTERNATIVE_2 "jmp slow", "jmp fast", X86_FEATURE_REP_GOOD, "jmp fastest", X86_FEATURE_ERMS
SYM_FUNC_END(routine)
slow: movl $1, %eax
	ret
fast: movl $2, %eax
	ret
fastest: movl $3, %eax
	ret`;
    const results = ([[], ['rep_good'], ['rep_good', 'erms']] as const).map((features) => {
      const machine = machineOf(text, { kernelGeneration, cpuProfile: { features: [...features] } });
      expect(machine.run({ limit: 100 })).toEqual({ reason: 'returned' });
      return machine.registers.get(0);
    });
    expect(results).toEqual([1n, 2n, 3n]);
  });

  test('for CPUs that lack a feature, and empty ones', () => {
    const text = `SYM_FUNC_START(routine)
	ALTERNATIVE "movl $1, %eax", "movl $2, %eax", ALT_NOT(X86_FEATURE_LA57)
	ALTERNATIVE "jmp 1f", "", X86_FEATURE_FSRM
	movl $7, %edx
1:	RET
SYM_FUNC_END(routine)`;
    const four = machineOf(text, { kernelGeneration, cpuProfile: { features: ['fsrm'] } });
    four.run({ limit: 100 });
    expect([four.registers.get(0), four.registers.get(2)]).toEqual([2n, 7n]);
    const five = machineOf(text, { kernelGeneration, cpuProfile: { features: ['la57'] } });
    five.run({ limit: 100 });
    expect(five.registers.get(0)).toBe(1n);
    expect(five.registers.get(2)).not.toBe(7n);
  });
});

test('records of another kernel are read as what they are', () => {
  const image = imageOf(SMAP, '6.1');
  const { records, problems } = readAlternatives(image, '6.12');
  expect(problems).toEqual([]);
  expect(records.map(({ feature, length, replacementLength }) => [feature, length, replacementLength])).toEqual([[9 * 32 + 20, 3, 3], [9 * 32 + 20, 3, 3]]);
});

test('the end of the user half is patched in where code asks for it, by the width of addresses', () => {
  const text = `#include <asm/runtime-const.h>
SYM_FUNC_START(routine)
	RUNTIME_CONST_PTR USER_PTR_MAX, rdx
	RUNTIME_CONST_PTR SOMETHING_ELSE, rcx
	RET
SYM_FUNC_END(routine)`;
  const limits = (['intel-server', { features: ['la57'] }, { features: ['lam'] }] as const).map((cpuProfile) => {
    const machine = machineOf(text, { cpuProfile: typeof cpuProfile === 'string' ? cpuProfile : { features: [...cpuProfile.features] } });
    machine.run({ limit: 100 });
    return machine.registers.get(2).toString(16);
  });
  expect(limits).toEqual(['7ffffffff000', 'fffffffffff000', '7ffffffffffff000']);
  expect(bootPatches(imageOf(text), { name: 'x', vendor: 'intel', features: [] }, '6.12').problems).toEqual(['the boot-time constant SOMETHING_ELSE is not known: its placeholder stays in the code']);
});
