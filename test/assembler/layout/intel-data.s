# Expressions of directives in Intel syntax, and names for registers.
	.intel_syntax noprefix
	.set acc, xmm17
	vaddss xmm0, xmm1, acc
	nop
	jmp $
	jmp $+2
	mov eax, [$+4]
	lea rax, [rip+$]
	.data
	.long $, $-4
	.long 8 mod 5, 9 shl 6, not 3, 7 and 3
	.att_syntax
	.long sh + 1
	.local sh
	.comm sh, 80, 8
	.text
	movl $sh@SIZE, %eax
	movl $sh@SIZE - 8, %eax
