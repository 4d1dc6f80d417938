/*
 * Entry code: the last steps back to interrupted code, a segment register and the frame for iretq. Both come from a context that others can
 * write to, so both can fault, where the kernel has nobody to return an error to. The handler of entry.c makes a return with an error
 * of each, from wherever the stack then is.
 *
 *	rdi = context: ip, cs, flags, sp, ss as iretq wants them, then the selector for es; 8 bytes each
 *	load_es returns rax = 0 or -EINVAL; return_to comes back only with rax = -EFAULT
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text

# mcsafe: contract none src=rdi returns=rax
# mcsafe: run n=48 poison=none
SYM_FUNC_START(load_es)
	pushq	%rbp
	movq	%rsp, %rbp
.Lload:
	movw	40(%rdi), %es
	xorl	%eax, %eax
	popq	%rbp
	RET
	EXTABLE_HANDLER(.Lload, bad_segment)
SYM_FUNC_END(load_es)

# mcsafe: contract none src=rdi returns=rax
# mcsafe: run n=48 poison=none
SYM_FUNC_START(return_to)
	pushq	%rbp
	movq	%rsp, %rbp
.Lframe:
	pushq	32(%rdi)
	pushq	24(%rdi)
	pushq	16(%rdi)
	pushq	8(%rdi)
	pushq	(%rdi)
	iretq
.Lend:
	EXTABLE_RANGE .Lframe, .Lend, bad_frame
SYM_FUNC_END(return_to)
