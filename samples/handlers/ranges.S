/*
 * move_words(dst, src, n): copies n bytes, a multiple of 8; returns 0 or a negative error number. Not one instruction has an entry of its own:
 * a range covers the loop, another the whole routine.
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text
	.globl	fill_failed

# mcsafe: contract none dst=rdi src=rsi n=rdx returns=rax
# mcsafe: run n=256 poison=src+64
SYM_FUNC_START(move_words)
	shrq	$3, %rdx
	jz	.Ldone
.Lloop:
	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	decq	%rdx
	jnz	.Lloop
.Lloop_end:
.Ldone:
	xorl	%eax, %eax
	RET
fill_failed:
	RET
.Lend:
	EXTABLE_RANGE .Lloop, .Lloop_end, only_page_faults_handler
	EXTABLE_RANGE move_words, .Lend, whole_routine_handler
SYM_FUNC_END(move_words)
