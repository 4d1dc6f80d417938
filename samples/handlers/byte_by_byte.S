/*
 * copy_words(dst, src, n): copies n bytes and returns the bytes not copied. The word loop needs no arithmetic for faults: the handler
 * of byte_by_byte.c lets a C function copy what is left.
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
# mcsafe: run n=256 poison=src+100
SYM_FUNC_START(copy_words)
	cmpq	$8, %rdx
	jb	.Lrest
.Lread:
	movq	(%rsi), %rax
.Lwrite:
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	.Lread
.Lrest:
	jmp	copy_bytes
	EXTABLE_HANDLER(.Lread, byte_by_byte_handler)
SYM_FUNC_END(copy_words)
