/*
 * get_word: reads one 64-bit word through a user pointer.
 *
 *	rdi = user pointer
 *	returns rax = 0 or -EFAULT, rdx = the word, or 0
 *
 * The access to user memory stands between stac and clac; the pointer is checked against the end of the user half first.
 * A machine check here is recoverable because the instruction is a MOV that reads user memory.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/errno.h>
#include <asm/smap.h>

	.text

# mcsafe: contract get ptr=rdi value=rdx returns=rax user=ptr
SYM_FUNC_START(get_word)
	movabsq	$0x7fffffffeff8, %rcx
	cmpq	%rcx, %rdi
	ja	.Lbad_pointer
	ASM_STAC
.Lget:
	movq	(%rdi), %rdx
	ASM_CLAC
	xorl	%eax, %eax
	RET

.Lget_faulted:
	ASM_CLAC
.Lbad_pointer:
	xorl	%edx, %edx
	movq	$-EFAULT, %rax
	RET
	_ASM_EXTABLE_UA(.Lget, .Lget_faulted)
SYM_FUNC_END(get_word)
