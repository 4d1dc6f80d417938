# A name that is assigned again and again; uses that are kept mean what it stood for by then.
	.set i, 0
	.rept 3
	.set i, i + 1
	.byte i
	.endr
	.set .Lkept, i
	.set i, 40
	.quad .Lkept, i
	.set reg, %rax
	movq reg, %rbx
	.set reg, %rcx
	movq reg, 8(reg)
	jmp .Li_end
	.set i, .Li_end
	.quad i
	.set i, 5
	.set i, 6
	.quad i, outside + i
	.set shown, 1
	.set shown, 2
	.globl shown
	.set shown, 3
	.set named, 1
	.size named, 4
	.set named, 2
	.type named, @object
	.set named, 3
.Li_end:
	.long i, .Li_end - .Lkept
