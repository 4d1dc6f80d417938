/*
 * Wrong: a machine check ends the copy, but the caller is told that everything was copied.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/trapnr.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
SYM_FUNC_START(copy_pretending)
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
	movq	%rdx, %rax
	RET

	/* So that the caller does not try again, it gets 0 for a machine check. */
.Lfaulted:
	cmpl	$X86_TRAP_MC, %eax
	jne	.Ldone
	xorl	%eax, %eax
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Lfaulted, EX_TYPE_FAULT_MCE_SAFE)
SYM_FUNC_END(copy_pretending)
