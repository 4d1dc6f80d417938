/*
 * Wrong: the length is a 64-bit argument, but only its lower half is looked at: 4 GiB and more come out as little or nothing.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
SYM_FUNC_START(copy_short)
	testl	%edx, %edx
	jz	.Ldone
.Lread:
	movb	(%rsi), %cl
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decl	%edx
	jnz	.Lread
.Ldone:
	movl	%edx, %eax
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_short)
