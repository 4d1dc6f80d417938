/*
 * Wrong: the entry's label is on the instruction in front of the one that faults, so the fault finds no entry.
 *
 *	rdi = destination, rcx = length; returns rcx = bytes not cleared
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract clear dst=rdi n=rcx returns=rcx
SYM_FUNC_START(clear_string)
	xorl	%eax, %eax
	movq	%rcx, %rdx
	shrq	$3, %rcx
.Lwords:
	rep stosq
.Lrest:
	movl	%edx, %ecx
	andl	$7, %ecx
.Lbytes:
	/* The label belongs here: on the rep stosb, not on the movs in front of it. */
	rep stosb
	RET
.Lwords_faulted:
	andl	$7, %edx
	leaq	(%rdx,%rcx,8), %rcx
.Ldone:
	RET
	_ASM_EXTABLE_UA(.Lwords, .Lwords_faulted)
	_ASM_EXTABLE_UA(.Lrest, .Ldone)
SYM_FUNC_END(clear_string)
