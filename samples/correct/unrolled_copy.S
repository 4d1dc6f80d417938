/*
 * A copy unrolled by four: loads first, then stores, 32 bytes a round, then words, then bytes. A fault among the loads or stores of a round
 * finishes it byte by byte, so the count is exact.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: sweep exceptions=2
SYM_FUNC_START(copy_unrolled)
	movq	%rdx, %rax
	cmpq	$32, %rax
	jb	.Lwords
.Lround:
10:	movq	(%rsi), %r8
11:	movq	8(%rsi), %r9
12:	movq	16(%rsi), %r10
13:	movq	24(%rsi), %r11
20:	movq	%r8, (%rdi)
21:	movq	%r9, 8(%rdi)
22:	movq	%r10, 16(%rdi)
23:	movq	%r11, 24(%rdi)
	addq	$32, %rsi
	addq	$32, %rdi
	subq	$32, %rax
	cmpq	$32, %rax
	jae	.Lround
.Lwords:
	cmpq	$8, %rax
	jb	.Lbytes
14:	movq	(%rsi), %r8
24:	movq	%r8, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rax
	jmp	.Lwords

	/* Where a wide access faulted, rsi, rdi and rax still stand at its round's start: the bytes in front of the fault follow here. */
.Lbytes:
	testq	%rax, %rax
	jz	.Ldone
15:	movb	(%rsi), %cl
25:	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rax
	jmp	.Lbytes
.Ldone:
	RET

	_ASM_EXTABLE(20b, .Lbytes)
	_ASM_EXTABLE(21b, .Lbytes)
	_ASM_EXTABLE(22b, .Lbytes)
	_ASM_EXTABLE(23b, .Lbytes)
	_ASM_EXTABLE(24b, .Lbytes)
	_ASM_EXTABLE(25b, .Ldone)
	_ASM_EXTABLE(15b, .Ldone)
	_ASM_EXTABLE(10b, .Lbytes)
	_ASM_EXTABLE(11b, .Lbytes)
	_ASM_EXTABLE(12b, .Lbytes)
	_ASM_EXTABLE(13b, .Lbytes)
	_ASM_EXTABLE(14b, .Lbytes)
SYM_FUNC_END(copy_unrolled)
