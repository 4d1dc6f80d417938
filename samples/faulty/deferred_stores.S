/*
 * Wrong: both loads come before both stores, but a fault in the second load counts the first word as copied.
 *
 *	rdi = destination, rsi = source, rdx = length, a multiple of 16; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: sweep n=0..256/16
SYM_FUNC_START(copy_pairs)
	movq	%rdx, %rax
	shrq	$4, %rdx
	jz	.Ldone
.Lfirst:
	movq	(%rsi), %r8
.Lsecond:
	movq	8(%rsi), %r9
	movq	%r8, (%rdi)
	movq	%r9, 8(%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
	subq	$16, %rax
	decq	%rdx
	jnz	.Lfirst
.Ldone:
	RET

	/* The first word was loaded, so it is credited; but nothing of this pair has been stored. */
.Lsecond_faulted:
	subq	$8, %rax
	RET
	_ASM_EXTABLE_TYPE(.Lfirst, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lsecond, .Lsecond_faulted, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_pairs)
