/*
 * copy_counting: a copy for a kernel with two tables, one for page faults and one for machine checks, as the first patches of 2015
 * proposed them: each table has landing pads of its own, and these say in rax what happened.
 *
 *	rdi = destination, rsi = source, rdx = length
 *	returns rax = 0, or the vector of the fault (14, 18); rdx = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rdx
ENTRY(copy_counting)
	testq	%rdx, %rdx
	jz	.Ldone
.Lread:
	movb	(%rsi), %cl
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jnz	.Lread
.Ldone:
	xorl	%eax, %eax
	ret

.Lpage_fault:
	movl	$14, %eax
	ret

.Lmachine_check:
	movl	$18, %eax
	ret
	_ASM_EXTABLE(.Lread, .Lpage_fault)
	_ASM_MCEXTABLE(.Lread, .Lmachine_check)
ENDPROC(copy_counting)
