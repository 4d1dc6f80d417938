/*
 * The patches of 2016 wanted both answers: which exception it was, and how much is left. One entry type puts the number into rax.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = 0 or the exception's number, rdx = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rdx trap=rax
# mcsafe: sweep progress=7 exceptions=1
SYM_FUNC_START(copy_with_trap)
	xorl	%eax, %eax
	cmpq	$8, %rdx
	jb	.Lbytes
.Lwords:
1:	movq	(%rsi), %r8
	movq	%r8, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	.Lwords
.Lbytes:
	testq	%rdx, %rdx
	jz	.Ldone
2:	movb	(%rsi), %cl
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jmp	.Lbytes
.Ldone:
	RET
	_ASM_EXTABLE_TYPE(1b, .Ldone, EX_TYPE_FAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(2b, .Ldone, EX_TYPE_FAULT_MCE_SAFE)
SYM_FUNC_END(copy_with_trap)
