/*
 * Wrong: the landing pad forgets clac, so the caller goes on with access to user memory open.
 *
 *	rdi = destination, rsi = user source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/smap.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax user=src
SYM_FUNC_START(copy_leaving_ac)
	ASM_STAC
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
	ASM_CLAC
.Lfaulted:
	movq	%rdx, %rax
	RET
	_ASM_EXTABLE_UA(.Lread, .Lfaulted)
SYM_FUNC_END(copy_leaving_ac)
