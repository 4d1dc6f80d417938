/*
 * A copy to user memory as the CPU likes it: one `rep movsb` where that is fast (ERMS), words and then bytes elsewhere. The kernel patches
 * the jump away, and stac and clac in, at boot.
 *
 *	rdi = destination (user), rsi = source, rdx = length; returns rax = bytes not copied
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/smap.h>

	.text

# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax user=dst
# mcsafe: sweep progress=0 exceptions=2 faults=none,pf-write,pf-write-byte
SYM_FUNC_START(copy_to_user_string)
	ASM_STAC
	movq	%rdx, %rcx
	ALTERNATIVE "jmp .Lby_words", "", X86_FEATURE_ERMS
.Lby_bytes:
1:	rep movsb
2:	movq	%rcx, %rax
	ASM_CLAC
	RET

.Lby_words:
	shrq	$3, %rcx
	andl	$7, %edx
3:	rep movsq
	movl	%edx, %ecx
	jmp	.Lby_bytes

	/* rcx words are left, and rdx bytes behind them: the word that faulted may have bytes that do not. */
4:	leaq	(%rdx,%rcx,8), %rcx
	jmp	.Lby_bytes
	_ASM_EXTABLE_UA(1b, 2b)
	_ASM_EXTABLE_UA(3b, 4b)
SYM_FUNC_END(copy_to_user_string)
