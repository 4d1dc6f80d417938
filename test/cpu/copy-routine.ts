/**
 * An unrolled copy of the kind the kernel had in 2015: 64-byte blocks of four loads, four stores, twice; then words; then bytes. Each load
 * has an entry; `rdx` counts what is not stored yet, so a fixup has nothing to correct.
 */
import type { ShortRunEntry } from '../../machine/cpu/short-runs/plan.ts';
import { assembled } from './assembled.ts';
import type { Assembled } from './assembled.ts';

const LOADS = Array.from({ length: 10 }, (_, i) => `load${String(i)}`);

function block(): string {
  const half = (at: number): string => {
    const words = [0, 1, 2, 3].map((i) => ({ offset: 8 * (at + i), register: `%r${String(8 + i)}`, label: LOADS[at + i]! }));
    return [
      ...words.map(({ offset, register, label }) => `${label}:\tmovq ${String(offset)}(%rsi), ${register}`),
      ...words.map(({ offset, register }) => `\tmovq ${register}, ${String(offset)}(%rdi)`),
      '\tsubq $32, %rdx',
    ].join('\n');
  };
  return `${half(0)}\n${half(4)}`;
}

/** The routine's text; labels are plain, so that a C program can name them. */
export const COPY_TEXT = `
	.text
	.globl copy
	.type copy, @function
copy:	cmpq $64, %rdx
	jb words
blocks:
${block()}
	leaq 64(%rsi), %rsi
	leaq 64(%rdi), %rdi
	cmpq $64, %rdx
	jae blocks
words:	cmpq $8, %rdx
	jb bytes
load8:	movq (%rsi), %r8
	movq %r8, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	subq $8, %rdx
	jmp words
bytes:	testq %rdx, %rdx
	jz done
load9:	movb (%rsi), %al
	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jnz load9
done:	xorl %eax, %eax
	ret
failed:	movq %rdx, %rax
	ret
	.size copy, . - copy
	.globl failed, bytes, ${LOADS.join(', ')}
	.section .note.GNU-stack,"",@progbits
`;

/** `retry`: a fault of a wide load goes on byte by byte, and faults again. */
export function copyRoutine(retry = false): Assembled & { readonly table: readonly ShortRunEntry[] } {
  const program = assembled(COPY_TEXT);
  const landing = (label: string): string => (retry && label !== LOADS.at(-1) ? 'bytes' : 'failed');
  return { ...program, table: LOADS.map((label) => ({ insn: program.at(label), fixup: program.at(landing(label)), vectors: [14, 18] })) };
}
