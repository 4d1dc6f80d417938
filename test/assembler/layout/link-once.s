	.section .text.a, "axG", @progbits, a, comdat
	nop
inside:	ret
	call inside
	.quad inside
	.section .data.a, "awG", @progbits, a, comdat
data:	.quad inside, inside + 1
	.section .text.b, "axG", @progbits, kept
	nop
kept_inside:	ret
	.section .gnu.linkonce.t.x, "ax", @progbits
	nop
old:	ret
	.text
	jmp inside
	lea inside(%rip), %rax
	lea kept_inside(%rip), %rax
	lea old(%rip), %rax
	.quad inside, inside + 8, kept_inside, old
	mov data + 8(%rip), %rax
	.section .info, ""
	.long inside, data
