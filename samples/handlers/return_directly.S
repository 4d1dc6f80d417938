/*
 * sum_words(src, n): the sum of n 64-bit words, or -EFAULT. No landing pad: the handler returns to the caller by itself.
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text

# mcsafe: contract none src=rdi n=rsi returns=rax
# mcsafe: run n=32 poison=src+64
SYM_FUNC_START(sum_words)
	pushq	%rbp
	movq	%rsp, %rbp
	xorl	%eax, %eax
	testq	%rsi, %rsi
	jz	.Lsummed
.Lload:
	addq	(%rdi), %rax
	addq	$8, %rdi
	decq	%rsi
	jnz	.Lload
.Lsummed:
	popq	%rbp
	RET
	EXTABLE_HANDLER(.Lload, return_directly_handler)
SYM_FUNC_END(sum_words)
