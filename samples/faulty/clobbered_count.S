/*
 * Wrong: the handler type puts the vector into ax, and the routine keeps its count there.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
SYM_FUNC_START(copy_clobbering)
	movq	%rdx, %rax
	testq	%rax, %rax
	jz	.Ldone
.Lread:
	movb	(%rsi), %cl
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rax
	jnz	.Lread
.Ldone:
	RET
	/* EX_TYPE_DEFAULT_MCE_SAFE would leave ax alone. */
	_ASM_EXTABLE_TYPE(.Lread, .Ldone, EX_TYPE_FAULT_MCE_SAFE)
SYM_FUNC_END(copy_clobbering)
