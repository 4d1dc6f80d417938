/*
 * copy_mc: a copy that survives poisoned memory and page faults.
 *
 *	rdi = destination, rsi = source, rdx = length
 *	returns rax = 0, or the number of the trap that ended the copy (18 = machine check, 14 = page fault)
 *	        rdx = bytes not copied
 *
 * Every load may meet poison, so each has an entry that is safe under a machine check. Stores do not read memory and
 * never raise one; their entries are for page faults alone. The word loop stores each word before it loads the next,
 * so whatever has been counted off in rdx has been stored.
 */
#include <linux/linkage.h>
#include <asm/asm.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rdx
SYM_FUNC_START(copy_mc)
	xorl	%eax, %eax
	cmpq	$8, %rdx
	jb	.Lcopy_tail

.Lcopy_words:
.Lread_word:
	movq	(%rsi), %r8
.Lwrite_word:
	movq	%r8, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	.Lcopy_words

.Lcopy_tail:
	testq	%rdx, %rdx
	jz	.Lcopied
.Lread_byte:
	movb	(%rsi), %r8b
.Lwrite_byte:
	movb	%r8b, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jnz	.Lread_byte

.Lcopied:
	RET

	/* The handler put the trap number into rax; rdx already holds the bytes not copied. */
.Lfaulted:
	RET

	_ASM_EXTABLE_TYPE(.Lread_word, .Lfaulted, EX_TYPE_FAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lread_byte, .Lfaulted, EX_TYPE_FAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lwrite_word, .Lfaulted, EX_TYPE_FAULT)
	_ASM_EXTABLE_TYPE(.Lwrite_byte, .Lfaulted, EX_TYPE_FAULT)
SYM_FUNC_END(copy_mc)
