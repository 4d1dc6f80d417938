/*
 * Wrong: the non-temporal stores are not fenced before the routine returns, so others may not see them yet.
 *
 *	rdi = destination, rsi = source, rdx = length, a multiple of 8; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: sweep n=0..256/8
SYM_FUNC_START(copy_streaming)
	movq	%rdx, %rax
	shrq	$3, %rdx
	jz	.Ldone
.Lread:
	movq	(%rsi), %rcx
	movnti	%rcx, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rax
	decq	%rdx
	jnz	.Lread
	/* An sfence belongs here. */
.Ldone:
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_streaming)
