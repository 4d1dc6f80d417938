/* SPDX-License-Identifier: MIT */
/* Calls a routine with every register given, and keeps every register it comes back with. */
	.text
	.globl	enter, left_by_death, __x86_return_thunk
	.type	enter, @function
/* enter(struct registers *): registers in encoding order, flags behind them; rsp is taken from here. */
enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	movq	%rdi, state(%rip)
	movq	%rsp, own_sp(%rip)
	leaq	-8(%rsp), %rax
	movq	%rax, entry_sp(%rip)
	pushq	16*8(%rdi)
	popfq
	movq	0*8(%rdi), %rax
	movq	1*8(%rdi), %rcx
	movq	2*8(%rdi), %rdx
	movq	3*8(%rdi), %rbx
	movq	5*8(%rdi), %rbp
	movq	6*8(%rdi), %rsi
	movq	8*8(%rdi), %r8
	movq	9*8(%rdi), %r9
	movq	10*8(%rdi), %r10
	movq	11*8(%rdi), %r11
	movq	12*8(%rdi), %r12
	movq	13*8(%rdi), %r13
	movq	14*8(%rdi), %r14
	movq	15*8(%rdi), %r15
	movq	7*8(%rdi), %rdi
	call	*routine(%rip)
	movq	%rdi, kept_di(%rip)
	movq	state(%rip), %rdi
	movq	%rsp, 4*8(%rdi)
	movq	own_sp(%rip), %rsp
	pushfq
	popq	16*8(%rdi)
	movq	%rax, 0*8(%rdi)
	movq	kept_di(%rip), %rax
	movq	%rax, 7*8(%rdi)
	movq	%rcx, 1*8(%rdi)
	movq	%rdx, 2*8(%rdi)
	movq	%rbx, 3*8(%rdi)
	movq	%rbp, 5*8(%rdi)
	movq	%rsi, 6*8(%rdi)
	movq	%r8, 8*8(%rdi)
	movq	%r9, 9*8(%rdi)
	movq	%r10, 10*8(%rdi)
	movq	%r11, 11*8(%rdi)
	movq	%r12, 12*8(%rdi)
	movq	%r13, 13*8(%rdi)
	movq	%r14, 14*8(%rdi)
	movq	%r15, 15*8(%rdi)
/* A fault that nobody took goes on here: its registers have been kept already. */
left_by_death:
	movq	own_sp(%rip), %rsp
	cld
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	enter, . - enter

	.type	__x86_return_thunk, @function
__x86_return_thunk:
	ret
	.size	__x86_return_thunk, . - __x86_return_thunk

	.bss
	.balign	8
	.globl	state, own_sp, entry_sp, routine
state: .skip 8
own_sp: .skip 8
entry_sp: .skip 8
routine: .skip 8
kept_di: .skip 8

	.section .note.GNU-stack,"",@progbits
