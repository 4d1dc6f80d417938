	jmp alias@PLT
	call alias@PLT
	mov alias@GOTPCREL(%rip), %rax
	.weakref alias, target
