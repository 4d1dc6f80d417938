/** What a caught fault costs: in a user program with libmcsafe, beside sigsetjmp and siglongjmp, and in the emulated kernel. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machineOf } from '../kernel/program.ts';
import { cpuTime } from './emulated.ts';

const runtime = fileURLToPath(new URL('../../runtime/', import.meta.url));

/** Loads from (%rsi) rcx times, and is brought behind the load each time: by a landing pad, or by a handler that does what the library's bench does. */
const LOOPS = `
#include <mcsafe/extable.h>
	extable_note
SYM_FUNC_START(landing_pad)
1:	movq (%rsi), %rax
2:	decq %rcx
	jnz 1b
	RET
	EXTABLE_TRAPNR(1b, 2b)
SYM_FUNC_END(landing_pad)
SYM_FUNC_START(handler)
3:	call load
	decq %rcx
	jnz 3b
	RET
SYM_FUNC_END(handler)
SYM_FUNC_START_LOCAL(load)
	pushq %rbp
	movq %rsp, %rbp
4:	movq (%rsi), %rax
	popq %rbp
	RET
	EXTABLE_HANDLER(4b, descriptor)
SYM_FUNC_END(load)
unwind:	movq 32(%rdi), %rax
	leaq 16(%rax), %rcx
	movq %rcx, 152(%rdi)
	movq (%rax), %rcx
	movq %rcx, 32(%rdi)
	movq 8(%rax), %rcx
	movq %rcx, 128(%rdi)
	movl $1, %eax
	ret
	EXTABLE_DESCRIPTOR descriptor, unwind, EXTABLE_PF
`;

export type CaughtBy = 'landing_pad' | 'handler';

/** A function that catches `count` faults and gives ns of CPU time for one. */
export function emulatedFaults(by: CaughtBy): (count: number) => number {
  const machine = machineOf(LOOPS, { entry: by, contract: { kind: 'none', arguments: { src: 'rsi' } }, buffers: { src: { access: 'none' } } });
  return (count) => {
    machine.restart();
    machine.registers.set(1, BigInt(count));
    const start = cpuTime();
    const { reason } = machine.run({ limit: 100 * count });
    const spent = cpuTime() - start;
    if (reason !== 'returned' || machine.deliveries.length !== count) throw new Error(`${by}: ${reason} after ${String(machine.deliveries.length)} faults`);
    return spent / count;
  };
}

/** Medians of `make bench` of the library, ns a fault, by what catches it. Built below `folder`. */
export function nativeFaults(folder: string): ReadonlyMap<string, number> {
  const output = execFileSync('make', ['-s', '-C', runtime, `BUILD=${folder}`, 'bench'], { encoding: 'utf8' });
  return new Map([...output.matchAll(/^(\D+?) *(\d+) ns a fault/gm)].map(([, name, ns]) => [name!, Number(ns)]));
}
