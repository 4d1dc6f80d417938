/**
 * Handlers that fault, lie, return to nowhere or never: each ends in a stop that says so.
 */
import { describe, expect, test } from 'vitest';
import type { Image } from '../../assembly/elf/image.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { createMachine } from '../../machine/create.ts';
import type { MachineResult } from '../../machine/create.ts';
import { imageOf, machineOf, phaseNames, phaseOf } from './program.ts';

const RUN = { limit: 1_000_000 };

/** Offsets in `struct pt_regs`. */
const AX = 80, SI = 104, DI = 112, IP = 128, CS = 136, SP = 152;

/** A routine whose load is handled by `body`, which gets the frame in rdi; `rest` is more of the program. */
function handledBy(body: string, config: Partial<LaunchConfig> = {}, rest = ''): Machine {
  return machineOf(`
#include <mcsafe/extable.h>
	extable_note
SYM_FUNC_START(routine)
.Lload:	movq (%rsi), %rax
.Lback:	RET
	EXTABLE_HANDLER(.Lload, descriptor)
SYM_FUNC_END(routine)
SYM_FUNC_START_LOCAL(handler)
	${body}
	movl $1, %eax
	ret
SYM_FUNC_END(handler)
	EXTABLE_DESCRIPTOR descriptor, handler, EXTABLE_PF | EXTABLE_MC
	${rest}`, { buffers: { src: { access: 'none' } }, ...config });
}

describe('a range', () => {
  const program = (ranges: string): Image => imageOf(`
#include <mcsafe/extable.h>
	extable_note
SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
2:	RET
SYM_FUNC_END(routine)
handler: leaq 2b(%rip), %rax
	movq %rax, ${String(IP)}(%rdi)
	movl $1, %eax
	ret
	EXTABLE_DESCRIPTOR descriptor, handler, EXTABLE_PF
	.pushsection "__ex_range","a"
	${ranges}
	.popsection`);
  const start = (image: Image): MachineResult => createMachine({ config: { program: 'p.S', entry: 'routine', poison: false, buffers: { src: { access: 'none' } } }, image, directives: [], program: 'p.S' });

  test('whose length is left open is as long as its function, and that is said', () => {
    const result = start(program('.long routine - ., 0, descriptor - ., 0'));
    if (!result.ok) throw new Error(JSON.stringify(result));
    expect(result.machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(result.machine.scenario.assumptions).toContainEqual(expect.stringMatching(/^range 0 covers routine, \d+ bytes: its length is left open/));
  });

  test('that cannot be registered keeps the program from running, and is named', () => {
    expect(start(program('.long routine - ., 8, descriptor - ., 0 ; .long 1b - ., 100, descriptor - ., 0'))).toMatchObject({
      ok: false, problems: [{ severity: 'error', code: 'table-refused', message: expect.stringContaining('only in part') as string, range: { start: { file: 'p.S' } } }],
    });
    expect(start(program('.long handler - ., 0, descriptor - ., 0'))).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('give the function a .size') as string }] });
  });
});

describe('a handler', () => {
  test('that skips the instruction is all a fault needs', () => {
    const machine = handledBy(`leaq .Lback(%rip), %rax ; movq %rax, ${String(IP)}(%rdi) ; movq $7, ${String(AX)}(%rdi)`);
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.registers.get(0)).toBe(7n);
  });

  test('that changes nothing makes no progress', () => {
    expect(handledBy('nop').run(RUN).reason).toBe('no-progress');
  });

  test('that returns false leaves the fault unhandled, with the registers of the frame', () => {
    const machine = handledBy(`movq $7, ${String(AX)}(%rdi) ; xorl %eax, %eax ; ret`);
    expect(machine.run(RUN).reason).toBe('died');
    expect(phaseOf(machine, 'died').death.reason).toContain('handler handler refused (the handler returned false)');
  });

  test('that returns false after a machine check was graded recoverable is the kernel\'s failed recovery', () => {
    const machine = handledBy('xorl %eax, %eax ; ret', { buffers: {}, poison: 'src' });
    machine.run(RUN);
    expect(phaseOf(machine, 'died').death).toMatchObject({ kind: 'panic', reason: expect.stringContaining('Failed kernel mode recovery') as string });
  });

  test('that never returns spends the budget', () => {
    expect(handledBy('1: jmp 1b', { budget: 5000 }).run(RUN)).toMatchObject({ reason: 'budget' });
  });

  test('that resumes at garbage faults there, and nobody takes that', () => {
    const machine = handledBy(`movq $0x1234, ${String(IP)}(%rdi)`);
    expect(machine.run(RUN).reason).toBe('died');
    expect(phaseOf(machine, 'died', 1).death.reason).toContain('fetching an instruction at 0x1234');
  });

  test('whose frame iretq cannot load ends there', () => {
    const segment = handledBy(`movq $0x28, ${String(CS)}(%rdi)`);
    segment.run(RUN);
    expect(phaseOf(segment, 'died').death).toMatchObject({ kind: 'panic', reason: expect.stringContaining('iretq faults: #GP(0x28)') as string });
    const address = handledBy(`movabsq $0x8000000000000000, %rax ; movq %rax, ${String(IP)}(%rdi)`);
    address.run(RUN);
    expect(phaseOf(address, 'died').death.reason).toContain('is not canonical');
  });

  test('that leaves no stack makes the next fault a double fault', () => {
    const machine = handledBy(`movq $0, ${String(SP)}(%rdi) ; leaq after(%rip), %rax ; movq %rax, ${String(IP)}(%rdi)`, {}, 'after: movq (%rsi), %rax');
    machine.run(RUN);
    expect(phaseOf(machine, 'died', 1).death.reason).toBe('double fault: the exception frame cannot be pushed at rsp 0x0');
  });

  test('that faults itself is served in turn, and goes on', () => {
    const machine = handledBy(`leaq .Lback(%rip), %rax ; movq %rax, ${String(IP)}(%rdi)
1:	movq (%rsp,%rsi), %rcx
2:	movl $1, %eax ; ret
	EXTABLE_TRAPNR(1b, 2b)`);
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.deliveries).toHaveLength(2);
    expect(phaseNames(machine, 0)).toEqual(['raised', 'searched', 'entered', 'handled', 'resumed']);
    expect(phaseNames(machine, 1)).toEqual(['raised', 'searched', 'handled', 'resumed']);
  });

  test('whose every handler faults is stopped eight deep', () => {
    const machine = handledBy(`movq 0x100000(%rdi), %rax
	EXTABLE_RANGE handler, .Lhandler_end, descriptor
.Lhandler_end:`);
    machine.run(RUN);
    expect(machine.deliveries.at(-1)!.phases.at(-1)).toMatchObject({ phase: 'died', death: { reason: expect.stringContaining('8 handlers deep') as string } });
  });

  test('that runs over its stack into the frame is stopped, and the field named', () => {
    // The frame of the caller's info and of pt_regs lie above the return address.
    const machine = handledBy('1: movq $0, (%rsp,%rcx) ; addq $8, %rcx ; jmp 1b'.replace('1:', 'xorl %ecx, %ecx ; 1:'));
    const stop = machine.run(RUN);
    expect(stop).toMatchObject({ reason: 'stray-store', store: { how: 'stack', field: expect.any(String) as string } });
    expect(machine.ended).toBe(stop);
    // A compiler may keep regs anywhere but in rsp.
    const held = handledBy(`movq %rdi, %rbp ; leaq .Lback(%rip), %rax ; movq %rax, ${String(IP)}(%rbp)`);
    expect(held.run(RUN)).toEqual({ reason: 'returned' });
  });

  test('that stores into the frame of the fault outside is stopped', () => {
    const machine = handledBy(`movq (%rsp,%rsi), %rcx
	EXTABLE_RANGE handler, .Lhandler_end, inner
.Lhandler_end:`, {}, `
SYM_FUNC_START_LOCAL(inner_handler)
	/* The outer handler has its regs in rdi, and so has the frame of this fault. */
	movq ${String(DI)}(%rdi), %rax
	movq $7, ${String(AX)}(%rax)
	movl $1, %eax
	ret
SYM_FUNC_END(inner_handler)
	EXTABLE_DESCRIPTOR inner, inner_handler, EXTABLE_PF | EXTABLE_GP`);
    expect(machine.run(RUN)).toMatchObject({ reason: 'stray-store', store: { how: 'outer', field: 'rax', delivery: { sequence: 1 } } });
  });

  test('of a machine check that reads poison shuts the CPU down', () => {
    const machine = handledBy(`movq ${String(SI)}(%rdi), %rax
.Lagain: movq (%rax), %rax
	EXTABLE_TRAPNR(.Lagain, .Lagain)`, { buffers: {}, poison: 'src' });
    machine.run(RUN);
    expect(phaseNames(machine, 1)).toEqual(['raised', 'died']);
    expect(phaseOf(machine, 'died', 1).death.kind).toBe('shutdown');
  });

  test('of the kernels 4.6 to 5.15 is called with the entry first', () => {
    const machine = machineOf(`
SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
2:	ret
	_ASM_EXTABLE_HANDLE(1b, 2b, own_handler)
SYM_FUNC_END(routine)
own_handler:
	/* rdi = entry, rsi = pt_regs, edx = trapnr, rcx = error code, r8 = fault address; the landing pad is relative to its own field. */
	movslq	4(%rdi), %rax
	leaq	4(%rdi,%rax), %rax
	movq	%rax, ${String(IP)}(%rsi)
	movq	%r8, ${String(AX)}(%rsi)
	movl	$1, %eax
	ret`, { buffers: { src: { access: 'none' } }, kernelGeneration: '5.10' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(machine.registers.get(0)).toBe(machine.scenario.buffers.find(({ name }) => name === 'src')!.address);
    expect(phaseOf(machine, 'entered').handler).toMatchObject({ name: 'own_handler', convention: 'entry' });
  });

  test('can be named by an entry of today\'s kernels too', () => {
    const machine = machineOf(`
#include <mcsafe/extable.h>
SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
2:	RET
	_ASM_EXTABLE_TYPE(1b, descriptor, EX_TYPE_HANDLER)
SYM_FUNC_END(routine)
handler: leaq 2b(%rip), %rax
	movq %rax, ${String(IP)}(%rdi)
	movl $1, %eax
	ret
	EXTABLE_DESCRIPTOR descriptor, handler, EXTABLE_MC`, { poison: 'src' });
    expect(machine.run(RUN)).toEqual({ reason: 'returned' });
    expect(phaseNames(machine)).toEqual(['raised', 'graded', 'searched', 'entered', 'handled', 'resumed']);
  });
});
