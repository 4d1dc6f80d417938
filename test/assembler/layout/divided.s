	div %ecx, %eax
	idivq %rcx, %rax
	divl (%rcx), %eax
	idiv %cl, %al
	divw %cx, %ax
	.comm odd, 5, 6
	.func divided, divided
divided:	ret
	.endfunc
