# The bench's five kernels; the same text runs natively, under qemu-x86_64 and in the emulator.
	.text
	.globl alu, copy_words, rep_copy, checksum, fib

# A dependent chain. rdi = iterations
alu:	xorl %eax, %eax
1:	addq %rdi, %rax
	xorq %rdi, %rax
	leaq 3(%rax,%rdi), %rax
	decq %rdi
	jnz 1b
	ret

# Copies rdx bytes from rsi to rdi by words, rcx times
copy_words:
2:	xorl %eax, %eax
1:	movq (%rsi,%rax), %r8
	movq %r8, (%rdi,%rax)
	addq $8, %rax
	cmpq %rdx, %rax
	jb 1b
	decq %rcx
	jnz 2b
	ret

# The same by rep movsb
rep_copy:
	movq %rcx, %r9
	movq %rsi, %r10
	movq %rdi, %r11
1:	movq %r10, %rsi
	movq %r11, %rdi
	movq %rdx, %rcx
	rep movsb
	decq %r9
	jnz 1b
	ret

# A checksum of rdx bytes at rsi with a branch a byte, rcx times
checksum:
	xorl %eax, %eax
2:	xorl %r8d, %r8d
1:	movzbl (%rsi,%r8), %r9d
	testb $1, %r9b
	jz 3f
	addq %r9, %rax
	rolq $3, %rax
3:	xorq %r9, %rax
	incq %r8
	cmpq %rdx, %r8
	jb 1b
	decq %rcx
	jnz 2b
	ret

# rdi = n
fib:	cmpq $2, %rdi
	jae 1f
	movq %rdi, %rax
	ret
1:	pushq %rbx
	pushq %rdi
	decq %rdi
	call fib
	movq %rax, %rbx
	popq %rdi
	subq $2, %rdi
	call fib
	addq %rbx, %rax
	popq %rbx
	ret
	.section .note.GNU-stack,"",@progbits
