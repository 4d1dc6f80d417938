/*
 * fold_bytes(src, n): n bytes folded into one word by exclusive or, or a negative error number. It reads memory in two loops and names no
 * place that may fault: one range covers the routine from its first instruction to its last.
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text
	.globl	fold_failed

# mcsafe: contract none src=rdi n=rsi returns=rax
# mcsafe: run n=100 poison=src+64
SYM_FUNC_START(fold_bytes)
	pushq	%rbx
	xorl	%ebx, %ebx
	cmpq	$8, %rsi
	jb	.Lbytes
.Lwords:
	xorq	(%rdi), %rbx
	addq	$8, %rdi
	subq	$8, %rsi
	cmpq	$8, %rsi
	jae	.Lwords
.Lbytes:
	testq	%rsi, %rsi
	jz	.Lfolded
	movzbl	(%rdi), %eax
	xorq	%rax, %rbx
	incq	%rdi
	decq	%rsi
	jmp	.Lbytes
.Lfolded:
	movq	%rbx, %rax
fold_failed:
	popq	%rbx
	RET
.Lend:
	EXTABLE_RANGE fold_bytes, .Lend, fold_handler
SYM_FUNC_END(fold_bytes)
