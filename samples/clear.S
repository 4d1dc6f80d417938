/*
 * clear_bytes: zeroes user memory and says how much it could not.
 *
 *	rdi = user pointer, rcx = length
 *	returns rcx = bytes not cleared
 *
 * Whole words first, the rest a byte at a time. A fault in the word loop goes on with bytes from where it was, so not one byte in front
 * of the bad page stays as it was. Stores read nothing: poison never stops this routine, only pages that cannot be written do.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/smap.h>

	.text

# mcsafe: contract clear dst=rdi n=rcx returns=rcx user=dst
# mcsafe: run n=200
SYM_FUNC_START(clear_bytes)
	ASM_STAC
	xorl	%eax, %eax
	cmpq	$8, %rcx
	jb	.Lclear_tail
.Lclear_words:
	movq	%rax, (%rdi)
	addq	$8, %rdi
	subq	$8, %rcx
	cmpq	$8, %rcx
	jae	.Lclear_words

.Lclear_tail:
	testq	%rcx, %rcx
	jz	.Lcleared
.Lclear_byte:
	movb	%al, (%rdi)
	incq	%rdi
	decq	%rcx
	jnz	.Lclear_byte
.Lcleared:
	ASM_CLAC
	RET
	_ASM_EXTABLE_UA(.Lclear_words, .Lclear_tail)
	_ASM_EXTABLE_UA(.Lclear_byte, .Lcleared)
SYM_FUNC_END(clear_bytes)
