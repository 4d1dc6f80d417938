# Offsets of a structure.
	.struct 0
first:	.skip 4
	.balign 8
second:	.quad 0
third:	.struct third + 2
fourth:	.byte 0, 0
sized = . - first
	.text
	mov fourth(%rdi), %eax
	mov second(%rdi), %rax
	mov $sized, %ecx
	.globl second
	.data
	.long first, second, third, fourth
