/**
 * From what the user wrote, or did not write, to a complete scenario.
 */
import { describe, expect, test } from 'vitest';
import { parseLaunchConfig } from '../../machine/scenario/schema.ts';
import { createMachine } from '../../machine/create.ts';
import type { MachineResult } from '../../machine/create.ts';
import type { Scenario } from '../../machine/scenario/scenario.ts';
import { link } from '../kernel/program.ts';

const COPY = `#include <linux/linkage.h>
#include <asm/asm.h>
	.text
SYM_FUNC_START(helper)
	RET
SYM_FUNC_END(helper)
# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: run n=100 poison=src+7
# mcsafe: error STATUS uc,ar,s,pcc
SYM_FUNC_START(my_copy)
1:	movb (%rsi), %al	# line: load
2:	RET
	_ASM_EXTABLE(1b, 2b)
SYM_FUNC_END(my_copy)
`;

function create(config: object, text = COPY): MachineResult {
  const parsed = parseLaunchConfig({ program: 'p.S', ...config });
  if (!parsed.ok) return { ok: false, configProblems: parsed.problems, problems: [] };
  const { image, directives } = link([{ file: 'p.S', text }]);
  return createMachine({ config: parsed.config, image, directives, program: 'p.S' });
}

function scenario(config: object, text?: string): Scenario {
  const result = create(config, text);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.machine.scenario;
}

describe('without a configuration', () => {
  test('the first routine with entries runs by its comment directives, and what was assumed is said', () => {
    const { entry, contract, poison, machineCheck, assumptions, buffers } = scenario({});
    expect(entry.name).toBe('my_copy');
    expect(contract).toMatchObject({ kind: 'copy', returns: 'rax' });
    expect(buffers.map(({ name, size }) => [name, size])).toEqual([['dst', 100], ['src', 100]]);
    expect(poison.map(({ text, size }) => [text, size])).toEqual([['src+7', 64]]);
    expect(machineCheck?.status?.bits).not.toBe(0n);
    expect(assumptions).toEqual([
      'routine my_copy: the first in p.S with exception-table entries',
      'contract copy (dst=rdi, src=rsi, n=rdx): the comment directive at p.S:7:11',
      'n = 100 (comment directive)', 'poison at src+7 (comment directive)',
    ]);
  });

  test('a name tells the contract, and the second line of the source is poisoned', () => {
    const { contract, poison, registers } = scenario({}, COPY.replaceAll(/^# mcsafe:.*$/gm, '').replaceAll('my_copy', 'copy_mc_mine'));
    expect(contract?.origin).toBe('the name copy_mc_*');
    expect(poison[0]?.text).toBe('src+64');
    expect(registers.get('rdx')).toBe(256n);
  });
});

describe('a configuration', () => {
  test('wins over directives', () => {
    const { entry, registers, poison, machineCheck, cpu } = scenario({
      entry: 'helper', n: 5, poison: ['dst', { at: 'src+0x10', size: 1 }], arguments: { rax: 'src+2', rbx: '-1' }, machineCheck: 'BANK 7', cpuProfile: 'amd-server',
    });
    expect(entry.name).toBe('helper');
    expect(poison.map(({ text, size }) => [text, size])).toEqual([['dst', 64], ['src+0x10', 1]]);
    expect(registers.get('rbx')).toBe(0xffff_ffff_ffff_ffffn);
    expect(machineCheck).toEqual({ bank: 7 });
    expect(cpu.name).toBe('amd-server');
  });

  test('line chooses the routine that holds it', () => {
    expect(scenario({ line: 11 }).entry.name).toBe('my_copy');
    expect(scenario({ line: 5 }).entry.name).toBe('helper');
  });

  test('user buffers lie in the user half', () => {
    expect(scenario({ contract: { kind: 'copy', user: ['src'] } }).buffers.map(({ name, address, permissions }) => [name, address < 1n << 47n, permissions.user])).toEqual([
      ['dst', false, false], ['src', true, true],
    ]);
  });

  test('with mistakes is refused, every one of them by property path', () => {
    const result = create({ n: -1, machineCheck: 'STATUS bogus', kernelGeneration: '2.4', buffers: { src: { offset: 5000 } }, cpuProfile: { quirks: ['no-such'] } });
    expect(result.ok ? [] : result.configProblems.map(({ path }) => path).sort()).toEqual(['buffers.src.offset', 'cpuProfile', 'kernelGeneration', 'machineCheck', 'n']);
    const message = result.ok ? '' : result.configProblems.find(({ path }) => path === 'machineCheck')!.message;
    expect(message).toContain('"bogus" is no bit of MCi_STATUS');
    const unresolved = create({ entry: 'nobody' });
    expect(unresolved.ok ? [] : unresolved.configProblems).toEqual([{ path: 'entry', message: 'no routine "nobody" in p.S; there are: helper, my_copy, __x86_return_thunk' }]);
    const places = create({ poison: 'elsewhere', arguments: { rdi: 'nowhere+1' }, cpuProfile: 'pentium' });
    expect(places.ok ? [] : places.configProblems.map(({ path }) => path)).toEqual(['cpuProfile', 'arguments.rdi', 'poison']);
  });

  test('a directive that cannot be read is a problem at its line', () => {
    const result = create({}, COPY.replace('STATUS uc,ar,s,pcc', 'STATUS what'));
    expect(result.problems.map(({ code, range }) => [code, range.start.line])).toEqual([['malformed-directive', 9]]);
  });
});

describe('model-specific registers', () => {
  const READ = `	.text
	.globl read_msr
	.type read_msr, @function
read_msr:
	movl $0xc0000082, %ecx
	rdmsr
	movl $1, %eax
	wrmsr
	ret
	.size read_msr, . - read_msr
`;

  test('exist if they are listed, with the value they are given, again after a restart', () => {
    const result = create({ entry: 'read_msr', contract: 'none', msrs: { '0xc0000082': '0x12345678' } }, READ);
    if (!result.ok) throw new Error(JSON.stringify(result));
    const { machine } = result;
    expect(machine.scenario.msrs).toEqual(new Map([[0xc000_0082, 0x1234_5678n]]));
    machine.run({ limit: 2 });
    expect(machine.registers.get(0)).toBe(0x1234_5678n);
    expect(machine.run({ limit: 100 })).toEqual({ reason: 'returned' });
    machine.restart();
    machine.run({ limit: 2 });
    expect(machine.registers.get(0)).toBe(0x1234_5678n);
  });

  test('that are not listed raise #GP', () => {
    const result = create({ entry: 'read_msr', contract: 'none' }, READ);
    if (!result.ok) throw new Error(JSON.stringify(result));
    expect(result.machine.run({ limit: 100 })).toMatchObject({ reason: 'died' });
  });

  test('are named by number', () => {
    expect(create({ msrs: { lstar: 1 } })).toMatchObject({ ok: false });
    expect(create({ msrs: { '0x1ffffffff': 1 } })).toMatchObject({ ok: false });
  });
});
