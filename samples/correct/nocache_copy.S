/*
 * A copy past the cache: words by movnti, fenced on every way out, then bytes. Each word is stored before the next is loaded.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: sweep exceptions=1
SYM_FUNC_START(copy_nocache)
	movq	%rdx, %rax
	cmpq	$8, %rax
	jb	.Ltail
.Lnext:
1:	movq	(%rsi), %r8
2:	movnti	%r8, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rax
	cmpq	$8, %rax
	jae	.Lnext
.Ltail:
	testq	%rax, %rax
	jz	.Ldone
3:	movb	(%rsi), %cl
4:	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rax
	jmp	.Ltail
.Ldone:
	sfence
	RET
	_ASM_EXTABLE_TYPE(1b, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(3b, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE(2b, .Ldone)
	_ASM_EXTABLE(4b, .Ldone)
SYM_FUNC_END(copy_nocache)
