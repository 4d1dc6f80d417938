import { expect, it } from 'vitest';
import { FLAG } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import { undefinedFlags } from '../../machine/timeline/flag-origins.ts';
import { Timeline } from '../../machine/timeline/timeline.ts';
import { machineOf } from '../kernel/program.ts';

const SHIFTS = `
SYM_FUNC_START(copy)
	movl $3, %eax
	addl $1, %eax
	movl $0, %ecx
	shll %cl, %eax
	movl $1, %ecx
	shll %cl, %eax
	movl $2, %ecx
	shll %cl, %eax
	shrl $1, %eax
	xorl %eax, %eax
.Lload:
	addq (%rsi), %rax
	RET
.Lfault:
	nop
	incq %rax
	RET
	_ASM_EXTABLE_TYPE(.Lload, .Lfault, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy)
`;

function picture({ counted, delivery, fixups, registers }: Machine): unknown[] {
  return [counted, delivery?.sequence, fixups.length, registers.rip, registers.rflags];
}

/** The undefined flags of each moment, by where it is. Asking changes nothing. */
function marksForwards(timeline: Timeline): Map<string, string> {
  const { machine } = timeline;
  const marks = new Map<string, string>();
  while (machine.ended === undefined) {
    const where = machine.delivery === undefined ? machine.describe(machine.registers.rip) : 'delivered';
    const before = picture(machine);
    const names = Object.entries(FLAG).flatMap(([name, bit]) => undefinedFlags(timeline).filter(({ flag }) => flag === bit).map(({ instruction }) => `${name} ${instruction.text.replace(/\s+/g, ' ')}`));
    expect(picture(machine)).toEqual(before);
    marks.set(where, names.join('; '));
    if (machine.delivery === undefined) timeline.run({ limit: 1, stopOnDelivery: () => true, stopOnFixup: true });
    else while (machine.delivery !== undefined) machine.advance();
  }
  return marks;
}

it('flags that the manual leaves undefined are known with the instruction that did, by what it was run with, and through a fixup', () => {
  for (const distance of [1, 10_000]) {
    const marks = marksForwards(new Timeline(machineOf(SHIFTS, { poison: 'src+0' }), { distance }));
    expect([...marks].map(([where, flags]) => `${where}: ${flags || 'none'}`).join('\n')).toMatchInlineSnapshot(`
      "copy: none
      copy+0x4: none
      copy+0x9: none
      copy+0xc: none
      copy+0x11: none
      copy+0x13: none
      copy+0x18: none
      copy+0x1a: AF shl %cl,%eax
      copy+0x1f: AF shl %cl,%eax
      copy+0x21: AF shl %cl,%eax; OF shl %cl,%eax
      copy+0x23: AF shr %eax
      copy+0x25: AF xor %eax,%eax
      delivered: AF xor %eax,%eax
      copy+0x2d: AF xor %eax,%eax
      copy+0x2e: AF xor %eax,%eax
      copy+0x31: none
      __x86_return_thunk: none"
    `);
  }
});
