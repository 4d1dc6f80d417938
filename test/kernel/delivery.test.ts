/**
 * A fault's way through the kernel model: raised, graded, searched, handled, resumed, or not survived, each with its reason.
 */
import { describe, expect, test } from 'vitest';
import { MCG_STATUS, MCI_STATUS } from '../../fault-model/machine-check.ts';
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { machineOf, phaseNames, phaseOf } from './program.ts';

const RUN = { limit: 100_000 };
const register = (machine: Machine, name: (typeof GENERAL_REGISTERS)[number]): bigint => machine.registers.get(GENERAL_REGISTERS.indexOf(name));

/** A routine that loads from (%rsi), with an entry of `type`; on its landing pad rdx becomes 77. */
function loads(type: string, load = 'movq (%rsi), %rax'): string {
  return `
SYM_FUNC_START(routine)
.Lload:	${load}
	xorl %edx, %edx
	RET
.Lpad:	movl $77, %edx
	RET
	_ASM_EXTABLE_TYPE(.Lload, .Lpad, ${type})
SYM_FUNC_END(routine)`;
}

describe('a machine check', () => {
  test('at an entry that is safe under one goes all the way', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseNames(machine)).toEqual(['raised', 'graded', 'searched', 'handled', 'resumed']);
    expect(phaseOf(machine, 'graded')).toMatchObject({ grade: { severity: 'AR', row: 17 }, bank: { bank: 1, misc: 0x86n, mcgStatus: 0xfn } });
    expect(phaseOf(machine, 'handled').effect).toBe('ax = trapnr (18); ip = fixup');
    expect(phaseOf(machine, 'resumed').changes.map(({ register: name, new: value, changedBy }) => [name, name === 'rip' ? '' : value, changedBy])).toEqual([
      ['rax', 18n, 'EX_TYPE_FAULT_MCE_SAFE'], ['rip', '', 'EX_TYPE_FAULT_MCE_SAFE'],
    ]);
    expect(register(machine, 'rdx')).toBe(77n);
  });

  test('shuts the CPU down while CR4.MCE is clear', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src' });
    machine.registers.setControl(4, machine.registers.getControl(4) & ~0x40n);
    expect(machine.run(RUN).reason).toBe('died');
    expect(phaseOf(machine, 'died').death).toEqual({ kind: 'shutdown', reason: 'a machine check while CR4.MCE is clear: the CPU shuts down (SDM 3B 16.3.1.1)' });
  });

  test('at an entry that is not is fatal, and the rows passed over say why', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT'), { poison: 'src' });
    expect(machine.run(RUN).reason).toBe('died');
    const { grade, context } = phaseOf(machine, 'graded');
    expect(grade).toMatchObject({ severity: 'PANIC', row: 22, message: 'Data load in unrecoverable area of kernel' });
    expect(context.because).toBe('the entry for this ip is EX_TYPE_FAULT, which does not promise to survive a machine check');
    expect(grade.passedOver.find(({ row }) => row === 17)?.because).toBe('context is KERNEL, not KERNEL_RECOV');
    expect(phaseOf(machine, 'died').death).toEqual({ kind: 'panic', reason: 'Fatal machine check: Data load in unrecoverable area of kernel' });
  });

  test('in a copy from user memory is recoverable whatever the entry, and takes the page away', () => {
    const config = { poison: 'src', buffers: { src: { user: true } } };
    const machine = machineOf(loads('EX_TYPE_UACCESS', 'stac ; 9: movq (%rsi), %rax').replace('.Lload, .Lpad', '9b, .Lpad'), config);
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseOf(machine, 'graded').context).toMatchObject({ context: 'KERNEL_RECOV', copyin: true });
  });

  test('without an entry, in an instruction that reads user memory, fails only when it is acted upon', () => {
    const machine = machineOf('SYM_FUNC_START(routine)\nstac\nmovq (%rsi), %rax\nRET\nSYM_FUNC_END(routine)', { poison: 'src', buffers: { src: { user: true } } });
    machine.run(RUN);
    expect(phaseNames(machine)).toEqual(['raised', 'graded', 'searched', 'died']);
    expect(phaseOf(machine, 'graded').grade.severity).toBe('AR');
    expect(phaseOf(machine, 'died').death.reason).toContain('Failed kernel mode recovery');
  });

  test.for([
    ['RIPV off', 'MCGSTATUS eipv', 'PANIC', 6],
    ['neither RIPV nor EIPV', 'MCGSTATUS none', 'PANIC', 5],
    ['EIPV off: another thread\'s error', 'MCGSTATUS ripv', 'KEEP', 16],
    ['processor context corrupt', 'STATUS uc,s,ar,pcc', 'PANIC', 3],
    ['overflow', 'STATUS uc,s,ar,over', 'PANIC', 15],
    ['action optional: memory scrubbing', 'STATUS uc,s,0xc0', 'AO', 9],
    ['no action required', 'STATUS uc', 'DEFERRED', 12],
    ['an unknown error code', 'STATUS uc,s,ar,0x999', 'PANIC', 24],
    ['no address', 'STATUS uc,s,ar,-addrv', 'PANIC', 24],
    ['nothing valid', 'STATUS -val', 'NO', 1],
  ] as const)('with %s is graded by its own row', ([, machineCheck, severity, row]) => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', machineCheck });
    machine.run({ ...RUN, stopOnDelivery: () => true });
    machine.advance();
    expect(phaseOf(machine, 'graded').grade).toMatchObject({ severity, row });
  });

  test('that nobody acts upon comes back until it is clear that nothing moves', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', machineCheck: 'STATUS uc,s,0xc0' });
    expect(machine.run(RUN).reason).toBe('no-progress');
  });

  test('on an AMD CPU is graded by AMD\'s rules', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', cpuProfile: 'amd-server' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseOf(machine, 'graded').grade).toMatchObject({ severity: 'AR', row: 0 });
    const bare = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', cpuProfile: { vendor: 'amd', features: [] } });
    bare.run(RUN);
    expect(phaseOf(bare, 'graded').grade.message).toBe('The CPU does not contain uncorrected errors (SUCCOR)');
  });

  test('in the middle of rep movs cannot be restarted on CPUs with that quirk', () => {
    const text = loads('EX_TYPE_DEFAULT_MCE_SAFE', 'rep movsb').replace('.Lload:', 'movl $128, %ecx\n.Lload:');
    const config = { poison: 'src+64', cpuProfile: { features: ['erms'], quirks: ['rep-movs-no-ripv' as const] } };
    const machine = machineOf(text, config);
    expect(machine.run(RUN).reason).toBe('died');
    expect(phaseOf(machine, 'graded').grade.row).toBe(6);
    expect(register(machine, 'rcx')).toBe(64n);
    expect(machineOf(text, { poison: 'src+64' }).run(RUN)).toEqual({ reason: 'returned' });
  });

  test('behind a rep movs that reads a line too far is answered by turning fast strings off, or is the end', () => {
    const text = `SYM_FUNC_START(routine)
	movl $64, %ecx
1:	rep movsb
	nop
2:	RET
	_ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(routine)`;
    const machine = machineOf(text, { poison: 'src+64', cpuProfile: 'skylake-server' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.describe(machine.deliveries[0]!.exception.ip)).toBe('routine+0xb');
    expect(phaseNames(machine)).toEqual(['raised', 'graded', 'resumed']);
    expect(phaseOf(machine, 'graded').grade.message).toBe('Erratum detected, disable fast string copy instructions');
    const broadcast = machineOf(text, { poison: 'src+64', cpuProfile: { features: [], quirks: ['rep-movs-overread', 'broadcast'] } });
    expect(broadcast.run(RUN).reason).toBe('died');
    expect(machineOf(text, { poison: 'src+64' }).run(RUN)).toEqual({ reason: 'returned' });
  });

  test.for<readonly [string, NonNullable<LaunchConfig['cpuProfile']>, boolean]>([
    ['the default CPU', 'default', true],
    ['a CPU that broadcasts them', { quirks: ['broadcast'] }, false],
    ['a CPU without local machine checks', { features: ['erms'] }, false],
  ])('on %s is told to this CPU alone, or to all', ([, cpuProfile, local]) => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', cpuProfile });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect((phaseOf(machine, 'graded').bank.mcgStatus & MCG_STATUS.LMCES) !== 0n).toBe(local);
  });

  test('is reported as the description says: overflow, PCC, bank, address and MISC', () => {
    const machine = machineOf(loads('EX_TYPE_FAULT_MCE_SAFE'), { poison: 'src', machineCheck: 'STATUS uc,s,ar,over,pcc BANK 7 ADDR 0x1234 MISC 0x8c MCGSTATUS ripv,eipv' });
    machine.run(RUN);
    const { bank } = phaseOf(machine, 'graded');
    const { VAL, OVER, PCC, UC } = MCI_STATUS;
    expect([bank.bank, bank.address, bank.misc]).toEqual([7, 0x1234n, 0x8cn]);
    expect(bank.status & (VAL | OVER | PCC | UC)).toBe(VAL | OVER | PCC | UC);
    expect(machine.scenario.cpu.name).toBe('intel-server');
  });

  test('in a second page of user memory, before the process has lost the first, is fatal; the eleventh in the same page is, too', () => {
    const pages = `SYM_FUNC_START(routine)
	stac
1:	movb (%rsi), %al
2:	movb (%rdi), %al
3:	clac
	RET
	_ASM_EXTABLE_UA(1b, 2b)
	_ASM_EXTABLE_UA(2b, 3b)
SYM_FUNC_END(routine)`;
    const buffers = { src: { user: true }, dst: { user: true } };
    const two = machineOf(pages, { poison: ['src', 'dst'], buffers });
    two.run(RUN);
    expect(phaseOf(two, 'died', 1).death).toEqual({ kind: 'panic', reason: 'Consecutive machine checks to different user pages' });
    expect(machineOf(pages, { poison: ['src', 'src'], buffers, arguments: { rdi: 'src+1' } }).run(RUN)).toEqual({ reason: 'returned' });
    const again = machineOf(`SYM_FUNC_START(routine)
	stac
	movl $20, %ecx
1:	movb (%rsi), %al
2:	decl %ecx
	jnz 1b
	clac
	RET
	_ASM_EXTABLE_UA(1b, 2b)
SYM_FUNC_END(routine)`, { poison: 'src', buffers });
    again.run(RUN);
    expect(again.deliveries).toHaveLength(11);
    expect(phaseOf(again, 'died', 10).death.reason).toBe('Too many consecutive machine checks while accessing user data');
  });

  test('before 4.6 is never survived in kernel code; from 4.6 on an entry that takes a trap number survives it', () => {
    const text = `SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
	ret
2:	ret
	ENTRY_MACRO(1b, 2b)
SYM_FUNC_END(routine)`;
    const old = machineOf(text.replace('ENTRY_MACRO', '_ASM_EXTABLE'), { poison: 'src', kernelGeneration: '4.4' });
    old.run(RUN);
    expect(phaseOf(old, 'graded').context.because).toBe('this kernel does not recover from machine checks in its own code');
    const fault = machineOf(text.replace('ENTRY_MACRO', '_ASM_EXTABLE_FAULT'), { poison: 'src', kernelGeneration: '4.6' });
    expect(fault.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseOf(fault, 'searched').match).toMatchObject({ typeName: 'EX_TYPE_FAULT' });
    expect(register(fault, 'rax')).toBe(18n);
    const plain = machineOf(text.replace('ENTRY_MACRO', '_ASM_EXTABLE'), { poison: 'src', kernelGeneration: '4.6' });
    plain.run(RUN);
    expect(phaseOf(plain, 'graded').grade.severity).toBe('PANIC');
  });

  test('in 2015\'s patches finds its landing pad in a second table, and a page fault finds its own', () => {
    const text = `SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
	ret
2:	movl $14, %ecx
	ret
3:	movl $18, %ecx
	ret
	_ASM_EXTABLE(1b, 2b)
	_ASM_MCEXTABLE(1b, 3b)
SYM_FUNC_END(routine)`;
    const poisoned = machineOf(text, { poison: 'src', kernelGeneration: '4.4' });
    expect(poisoned.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(poisoned, 'rcx')).toBe(18n);
    const unmapped = machineOf(text, { buffers: { src: { access: 'none' } }, kernelGeneration: '4.4' });
    expect(unmapped.run(RUN)).toEqual({ reason: 'returned' });
    expect(register(unmapped, 'rcx')).toBe(14n);
  });
});

describe('a page fault', () => {
  test('goes to the landing pad, and cr2 is the CPU\'s change', () => {
    const machine = machineOf(loads('EX_TYPE_DEFAULT'), { buffers: { src: { access: 'none' } } });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseNames(machine)).toEqual(['raised', 'searched', 'handled', 'resumed']);
    const src = machine.scenario.buffers.find(({ name }) => name === 'src')!.address;
    expect(phaseOf(machine, 'resumed').changes.at(-1)).toEqual({ register: 'cr2', old: 0n, new: src, changedBy: 'CPU' });
  });

  test('on user memory without stac never gets to the table', () => {
    const machine = machineOf(loads('EX_TYPE_UACCESS'), { buffers: { src: { user: true } } });
    machine.run(RUN);
    expect(phaseOf(machine, 'searched').notConsulted).toContain('EFLAGS.AC clear');
    expect(phaseOf(machine, 'died').death.kind).toBe('oops');
    // Without SMAP there is nothing wrong with it.
    expect(machineOf(loads('EX_TYPE_UACCESS'), { buffers: { src: { user: true } }, cpuProfile: 'intel-old' }).run(RUN)).toEqual({ reason: 'returned' });
  });

  test('without an entry is an oops that names the place', () => {
    const machine = machineOf('SYM_FUNC_START(routine)\nnop\nmovq (%rsi), %rax\nRET\nSYM_FUNC_END(routine)', { buffers: { src: { access: 'none' } } });
    machine.run(RUN);
    expect(phaseOf(machine, 'died').death.reason).toMatch(/page fault reading 8 bytes at src .*: no exception-table entry for routine\+0x5$/);
  });

  test('with an rsp that is no stack is a double fault', () => {
    const machine = machineOf(loads('EX_TYPE_DEFAULT', 'xorl %esp, %esp ; 9: movq (%rsi), %rax').replace('.Lload, .Lpad', '9b, .Lpad'), { buffers: { src: { access: 'none' } } });
    machine.run(RUN);
    expect(phaseOf(machine, 'died').death).toEqual({ kind: 'panic', reason: 'double fault: the exception frame cannot be pushed at rsp 0x0' });
  });
});

describe('entries of a type this kernel does not have', () => {
  test.for(['6.12', '5.16'] as const)('end in BUG() (%s)', (kernelGeneration) => {
    const machine = machineOf(loads(kernelGeneration === '6.12' ? '4' : '14'), { buffers: { src: { access: 'none' } }, kernelGeneration });
    machine.run(RUN);
    expect(phaseOf(machine, 'handled')).toMatchObject({ accepted: false, fatal: true });
    expect(phaseOf(machine, 'died').death).toMatchObject({ kind: 'panic' });
  });

  test('5.16 numbers its types otherwise', () => {
    const machine = machineOf(loads('12'), { poison: 'src', kernelGeneration: '5.16' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseOf(machine, 'searched').match?.typeName).toBe('EX_TYPE_DEFAULT_MCE_SAFE');
  });
});
