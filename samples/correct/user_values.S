/*
 * One value from, and to, user memory. The error is in eax; after a fault the value is 0, not what its register held before.
 *
 *	read_user_u32: rdi = pointer (user); returns eax = 0 or -EFAULT, rdx = the value
 *	write_user_u16: rdi = pointer (user), rsi = the value; returns eax = 0 or -EFAULT
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/smap.h>

	.text

# mcsafe: contract get ptr=rdi value=rdx returns=rax user=ptr
SYM_FUNC_START(read_user_u32)
	ASM_STAC
1:	movl	(%rdi), %edx
	xorl	%eax, %eax
	ASM_CLAC
	RET
2:	movl	$-14, %eax
	xorl	%edx, %edx
	ASM_CLAC
	RET
	_ASM_EXTABLE_UA(1b, 2b)
SYM_FUNC_END(read_user_u32)

# mcsafe: contract put ptr=rdi value=rsi returns=rax user=ptr
SYM_FUNC_START(write_user_u16)
	ASM_STAC
3:	movw	%si, (%rdi)
	xorl	%eax, %eax
	ASM_CLAC
	RET
4:	movl	$-14, %eax
	ASM_CLAC
	RET
	_ASM_EXTABLE_UA(3b, 4b)
SYM_FUNC_END(write_user_u16)
