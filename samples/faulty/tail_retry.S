/*
 * Wrong: after a machine check the landing pad goes over the same bytes again, so the same poison is read twice.
 * On CPUs that cannot recover from poison in rep movsb the second time is the end.
 *
 *	rdi = destination, rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
SYM_FUNC_START(copy_retrying)
	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
.Lwords:
	rep movsq
	movl	%edx, %ecx
.Lbytes:
	rep movsb
.Ldone:
	movq	%rcx, %rax
	RET

	/* What is left of the words, byte by byte: right for a page fault, a second machine check for poison. */
.Lwords_faulted:
	leaq	(%rdx,%rcx,8), %rcx
	jmp	.Lbytes
	_ASM_EXTABLE_TYPE(.Lwords, .Lwords_faulted, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lbytes, .Ldone, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_retrying)
