# 16-bit code as compilers write it.
	.code16gcc
	call foo
	callw foo
	push $1
	push %ax
	push %eax
	push %ds
	pop %es
	pushf
	pusha
	enter $1, $2
	leave
	lcall $1, $2
	call *(%bx)
	call *%eax
	jmp *(%bx)
	lret
	ret $4
foo:	ret
	.intel_syntax noprefix
	lea ax, [si+bx]
	lea ax, [di+bp+2]
