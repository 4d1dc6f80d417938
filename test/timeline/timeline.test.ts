import { describe, expect, it } from 'vitest';
import type { Machine } from '../../machine/machine.ts';
import { Timeline } from '../../machine/timeline/timeline.ts';
import { machineOf } from '../kernel/program.ts';

const COPY = `
SYM_FUNC_START(copy)
	xorl %eax, %eax
.Lnext:
.Lload:
	movq (%rsi), %r8
	movq %r8, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	subq $8, %rdx
	jnz .Lnext
	RET
.Lfault:
	movq %rdx, %rax
	RET
	_ASM_EXTABLE_TYPE(.Lload, .Lfault, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy)
`;

/** Everything that can be seen of a machine. */
function picture(machine: Machine): string {
  const registers = Array.from({ length: 16 }, (_, number) => machine.registers.get(number).toString(16));
  const memory = machine.scenario.buffers.map(({ address, size }) => Buffer.from(machine.memory.read(address, size)).toString('hex'));
  return JSON.stringify([
    registers, machine.registers.rip.toString(16), machine.registers.rflags.toString(16), machine.registers.getControl(2).toString(16), memory,
    machine.delivery?.sequence, machine.deliveries.map(({ phases }) => phases.map(({ phase }) => phase)), machine.fixups.length, machine.ended?.reason, String(machine.counted),
  ]);
}

/** Runs to the end a step at a time; the picture at each step. */
function recordForwards(timeline: Timeline): string[] {
  const pictures = [picture(timeline.machine)];
  while (timeline.machine.ended === undefined) {
    if (timeline.machine.delivery === undefined) timeline.run({ limit: 1, stopOnDelivery: () => true, stopOnFixup: true });
    else while (timeline.machine.delivery !== undefined) timeline.machine.advance();
    pictures.push(picture(timeline.machine));
  }
  return pictures;
}

describe('a timeline', () => {
  it('steps back through a copy that a machine check ends, each moment as it was forwards', () => {
    for (const distance of [1, 7, 10_000]) {
      const timeline = new Timeline(machineOf(COPY, { poison: 'src+64', n: 128 }), { distance });
      const pictures = recordForwards(timeline);
      expect(timeline.machine.ended?.reason).toBe('returned');
      expect(timeline.machine.deliveries).toHaveLength(1);
      const seen = new Set<string>();
      for (let index = pictures.length - 1; timeline.stepBack(); index--) {
        const now = picture(timeline.machine);
        expect(pictures.slice(0, index)).toContain(now);
        seen.add(now);
      }
      expect(seen.size).toBe(pictures.length - 1);
      expect(timeline.atStart).toBe(true);
      expect(picture(timeline.machine)).toBe(pictures[0]);
    }
  });

  it('goes on from the past exactly as it did the first time', () => {
    const timeline = new Timeline(machineOf(COPY, { poison: 'src+64', n: 128 }), { distance: 5 });
    const pictures = recordForwards(timeline);
    for (let steps = 0; steps < 12; steps++) timeline.stepBack();
    const here = pictures.indexOf(picture(timeline.machine));
    expect(here).toBeGreaterThan(0);
    expect(recordForwards(timeline)).toEqual(pictures.slice(here));
  });

  it('finds backwards what stopped forwards: a fixup, then the delivery, then a breakpoint, then the start', () => {
    const machine = machineOf(COPY, { poison: 'src+64', n: 128 });
    const timeline = new Timeline(machine, { distance: 8 });
    const start = machine.image.symbols.find(({ name }) => name === 'copy')!.address;
    timeline.run({ limit: 100_000 });
    const search = (breakpoint?: bigint) => {
      const steps = timeline.searchBack({ stopsOnDelivery: () => true, stopsOnFixup: () => true, stopsOnWatch: () => true, stopsAtBreakpoint: (address) => address === breakpoint });
      for (;;) {
        const step = steps.next();
        if (step.done === true) return step.value;
      }
    };
    expect(search().reason).toBe('fixup');
    expect(machine.delivery).toBeUndefined();
    expect(search().reason).toBe('delivered');
    expect(machine.delivery?.exception.mnemonic).toBe('#MC');
    timeline.stepBack();
    const load = machine.registers.rip;
    expect(load).toBeGreaterThan(start);
    machine.setBreakpoints([load]);
    expect(search(load)).toEqual({ reason: 'breakpoint', address: load });
    // endbr64 and xor, then seven rounds of six.
    expect(machine.counted).toBe(2n + 7n * 6n);
    machine.setBreakpoints([]);
    expect(search().reason).toBe('start');
    expect(timeline.atStart).toBe(true);
  });

  it('forgets what lay ahead when the past is edited', () => {
    const machine = machineOf(COPY, { poison: 'src+64', n: 128 });
    const timeline = new Timeline(machine, { distance: 4 });
    timeline.run({ limit: 100_000 });
    expect(machine.registers.get(0)).toBe(64n);
    for (let steps = 0; steps < 20; steps++) timeline.stepBack();
    machine.memory.unpoison();
    timeline.edited();
    timeline.run({ limit: 100_000 });
    expect(machine.registers.get(0)).toBe(0n);
    timeline.stepBack();
    expect(machine.deliveries).toHaveLength(0);
  });

  describe('keeps what was changed from outside', () => {
    const RDX = 2, R9 = 9;
    const change = (timeline: Timeline, register: number, value: bigint): void => {
      timeline.machine.registers.set(register, value);
      timeline.edited();
    };
    /** Forwards to the landing pad, however far back the machine stands. */
    const toPad = (timeline: Timeline): void => {
      let stop = timeline.run({ limit: 100_000, stopOnFixup: true });
      while (stop.reason !== 'fixup' && stop.reason !== 'returned') stop = timeline.run({ limit: 100_000, stopOnFixup: true });
      expect(stop.reason).toBe('fixup');
    };

    it.for([1, 7, 10_000])('while an exception is on its way, in both directions (checkpoints every %i)', (distance) => {
      const timeline = new Timeline(machineOf(COPY, { poison: 'src+64', n: 128 }), { distance });
      const { machine } = timeline;
      timeline.run({ limit: 100_000, stopOnDelivery: () => true });
      // A debugger has shown what will become of it.
      machine.advance();
      change(timeline, RDX, 99n);
      change(timeline, R9, 7n);
      toPad(timeline);
      const pad = picture(machine);
      expect([machine.registers.get(RDX), machine.registers.get(R9)]).toEqual([99n, 7n]);
      timeline.run({ limit: 1 });
      expect(machine.registers.get(0)).toBe(99n);
      timeline.stepBack();
      expect(picture(machine)).toBe(pad);
      // The delivery, with the change in it; before it, without.
      timeline.stepBack();
      expect([machine.delivery?.sequence, machine.registers.get(RDX)]).toEqual([1, 99n]);
      timeline.stepBack();
      expect([machine.delivery, machine.registers.get(RDX)]).toEqual([undefined, 64n]);
      for (let steps = 0; steps < 5; steps++) timeline.stepBack();
      toPad(timeline);
      expect(picture(machine)).toBe(pad);
      timeline.goTo({ instructions: 0n, exceptions: 0, pending: false });
      timeline.run({ limit: 100_000 });
      expect(machine.registers.get(0)).toBe(99n);
    });

    it('at the landing pad, and between two instructions', () => {
      const timeline = new Timeline(machineOf(COPY, { poison: 'src+64', n: 128 }), { distance: 10_000 });
      const { machine } = timeline;
      timeline.run({ limit: 10 });
      change(timeline, R9, 5n);
      toPad(timeline);
      change(timeline, RDX, 77n);
      const pad = picture(machine);
      for (let steps = 0; steps < 20; steps++) timeline.stepBack();
      expect([machine.registers.get(R9), machine.registers.get(RDX)]).toEqual([5n, 88n]);
      toPad(timeline);
      expect(picture(machine)).toBe(pad);
      timeline.goTo({ instructions: 9n, exceptions: 0, pending: false });
      expect(machine.registers.get(R9)).not.toBe(5n);
      timeline.run({ limit: 1 });
      expect(machine.registers.get(R9)).toBe(5n);
      const search = timeline.searchBack({ stopsOnDelivery: () => true, stopsOnFixup: () => true, stopsOnWatch: () => true, stopsAtBreakpoint: () => false });
      while (search.next().done !== true);
      timeline.run({ limit: 100_000 });
      expect([machine.registers.get(0), machine.registers.get(R9)]).toEqual([77n, 5n]);
    });

    it('in a handler of the program', () => {
      const machine = machineOf(`
#include <mcsafe/extable.h>
	extable_note
SYM_FUNC_START(routine)
1:	movq (%rsi), %rax
2:	RET
	EXTABLE_HANDLER(1b, descriptor)
SYM_FUNC_END(routine)
handler: leaq 2b(%rip), %rax
	movq %rax, 128(%rdi)
	movq %r9, 80(%rdi)
	movl $1, %eax
	ret
	EXTABLE_DESCRIPTOR descriptor, handler, EXTABLE_PF`, { buffers: { src: { access: 'none' } } });
      const timeline = new Timeline(machine);
      timeline.run({ limit: 100, stopOnDelivery: () => true });
      timeline.finishDelivery();
      // At the handler's first instruction, then after it.
      change(timeline, 10, 1n);
      timeline.run({ limit: 1 });
      change(timeline, R9, 1234n);
      timeline.run({ limit: 1 });
      timeline.stepBack();
      expect([machine.registers.get(R9), machine.registers.get(10)]).toEqual([1234n, 1n]);
      for (let steps = 0; steps < 4; steps++) timeline.stepBack();
      expect(machine.registers.get(R9)).not.toBe(1234n);
      timeline.run({ limit: 100 });
      expect([machine.ended?.reason, machine.registers.get(0)]).toEqual(['returned', 1234n]);
    });

    it('until something earlier is changed', () => {
      const timeline = new Timeline(machineOf(COPY, { poison: 'src+64', n: 128 }));
      const { machine } = timeline;
      timeline.run({ limit: 100_000, stopOnDelivery: () => true });
      change(timeline, RDX, 99n);
      for (let steps = 0; steps < 6; steps++) timeline.stepBack();
      change(timeline, R9, 3n);
      timeline.run({ limit: 100_000 });
      expect([machine.registers.get(0), machine.registers.get(R9)]).toEqual([64n, 3n]);
    });
  });

  it('keeps the number of checkpoints bounded', () => {
    const timeline = new Timeline(machineOf('SYM_FUNC_START(spin)\n\tmovl $1000000, %ecx\n1:\tdecl %ecx\n\tjnz 1b\n\tRET\nSYM_FUNC_END(spin)'), { distance: 100, checkpoints: 16 });
    timeline.run({ limit: 3_000_000 });
    expect(timeline.machine.ended?.reason).toBe('returned');
    expect(timeline.checkpoints).toBeLessThanOrEqual(16);
    const end = timeline.machine.counted;
    timeline.stepBack();
    expect(timeline.machine.counted).toBe(end - 1n);
  });

  it('keeps the memory held for checkpoints bounded, and each moment exact', () => {
    const rounds = 20, size = 65536;
    const machine = machineOf(`SYM_FUNC_START(fill)
	movl $${String(rounds)}, %edx
1:	movq %rdi, %r8
	movl $${String(size / 8)}, %ecx
2:	movq %rdx, (%r8)
	addq $8, %r8
	decl %ecx
	jnz 2b
	decl %edx
	jnz 1b
	RET
SYM_FUNC_END(fill)`, { buffers: { dst: { size } }, arguments: { rdi: 'dst' }, poison: false });
    const timeline = new Timeline(machine, { distance: 5_000, bytes: 4 * size });
    timeline.run({ limit: 10_000_000 });
    expect(machine.ended?.reason).toBe('returned');
    expect(machine.memory.checkpointBytes).toBeLessThanOrEqual(4 * size);
    // The first store of the eleventh round has not happened yet; the last one of the tenth has.
    const tenth = 10n * BigInt(size / 8 * 4 + 4) + 1n;
    timeline.goTo({ instructions: tenth, exceptions: 0, pending: false });
    const { address } = machine.scenario.buffers.find(({ name }) => name === 'dst')!;
    expect(machine.memory.read(address + BigInt(size - 8), 1)[0]).toBe(rounds - 9);
    expect(machine.memory.read(address, 1)[0]).toBe(rounds - 9);
    timeline.goTo({ instructions: tenth - 2n, exceptions: 0, pending: false });
    expect(machine.registers.get(2)).toBe(BigInt(rounds - 9));
  });
});
