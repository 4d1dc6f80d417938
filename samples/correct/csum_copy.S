/*
 * Copies and sums: 16-bit words and a last byte. A fault is said by the sum 0, which all ones to begin with can never give.
 *
 *	rdi = source (user), rsi = destination, edx = length; returns eax = a 32-bit sum that folds to the Internet checksum
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/smap.h>

	.text

# mcsafe: contract csum src=rdi dst=rsi n=edx returns=rax user=src
# mcsafe: sweep exceptions=1
SYM_FUNC_START(csum_and_copy)
	ASM_STAC
	movl	$-1, %eax
	movl	%edx, %ecx
	shrl	$1, %ecx
	jz	.Llast
.Lword:
1:	movzwl	(%rdi), %r9d
2:	movw	%r9w, (%rsi)
	addl	%r9d, %eax
	adcl	$0, %eax
	addq	$2, %rdi
	addq	$2, %rsi
	decl	%ecx
	jnz	.Lword
.Llast:
	testb	$1, %dl
	jz	.Lsummed
3:	movzbl	(%rdi), %r9d
4:	movb	%r9b, (%rsi)
	addl	%r9d, %eax
	adcl	$0, %eax
.Lsummed:
	ASM_CLAC
	RET

5:	xorl	%eax, %eax
	jmp	.Lsummed
	_ASM_EXTABLE_UA(1b, 5b)
	_ASM_EXTABLE_UA(2b, 5b)
	_ASM_EXTABLE_UA(3b, 5b)
	_ASM_EXTABLE_UA(4b, 5b)
SYM_FUNC_END(csum_and_copy)
