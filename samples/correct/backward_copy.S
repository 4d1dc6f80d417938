/*
 * A copy from the last byte to the first, for a destination that overlaps the end of the source. What a fault leaves is not a prefix, so
 * the routine promises no count: all, or an error.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = 0 or -EFAULT
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax answer=error
# mcsafe: sweep exceptions=1
SYM_FUNC_START(copy_backwards)
	movq	%rdx, %rcx
	jrcxz	.Lcopied
	leaq	-1(%rsi,%rcx), %rsi
	leaq	-1(%rdi,%rcx), %rdi
	std
1:	rep movsb
	cld
.Lcopied:
	xorl	%eax, %eax
	RET

2:	cld
	movq	$-14, %rax
	RET
	_ASM_EXTABLE(1b, 2b)
SYM_FUNC_END(copy_backwards)
