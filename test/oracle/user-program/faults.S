/*
 * Routines for what the samples do not show: other vectors, entries that do not take a machine check, handlers that refuse, fault
 * themselves, or say what they were told. Assembled both for the emulated kernel and for a user program.
 */
#include <linux/linkage.h>
#include <mcsafe/extable.h>

	extable_note
	.text

/* divide(a, b): rax = vector, or 0x100 + quotient. */
SYM_FUNC_START(divide)
	movq	%rdi, %rax
	cqto
1:	idivq	%rsi
	addq	$0x100, %rax
2:	RET
	EXTABLE_TRAPNR(1b, 2b)
SYM_FUNC_END(divide)

SYM_FUNC_START(undefined_instruction)
	movq	%rdi, %rax
1:	ud2
2:	RET
	EXTABLE_TRAPNR(1b, 2b)
SYM_FUNC_END(undefined_instruction)

/* far_selector(n): loads es with a selector that no descriptor table reaches; rax = vector. */
SYM_FUNC_START(far_selector)
	xorl	%eax, %eax
	orl	$0xf000, %edi
1:	movw	%di, %es
2:	RET
	EXTABLE_TRAPNR(1b, 2b)
SYM_FUNC_END(far_selector)

/* add_or(ptr, x): x + *ptr, or x: not taken by a machine check. */
SYM_FUNC_START(add_or)
	movq	%rsi, %rax
1:	addq	(%rdi), %rax
2:	RET
	EXTABLE(1b, 2b)
SYM_FUNC_END(add_or)

/* add_user(ptr, x): as before, with an entry for user memory. */
SYM_FUNC_START(add_user)
	movq	%rsi, %rax
1:	addq	(%rdi), %rax
2:	RET
	EXTABLE_USER(1b, 2b)
SYM_FUNC_END(add_user)

/* told(dst, x, src): its handler writes what it was told to dst and skips the instruction. */
SYM_FUNC_START(told)
1:	movq	(%rdx), %rax
2:	RET
	EXTABLE_HANDLER(1b, told_handler)
SYM_FUNC_END(told)

/* refused(ptr): the entry's handler refuses, so does the inner range's; the outer one takes page faults. Each leaves its mark in r8. */
SYM_FUNC_START(refused)
	xorl	%r8d, %r8d
1:	movq	(%rdi), %rax
2:	nop
	.globl	refused_on
refused_on:
	RET
3:
	EXTABLE_HANDLER(1b, refusing_handler)
	EXTABLE_RANGE 1b, 2b, refusing_handler
	EXTABLE_RANGE refused, 3b, last_handler
SYM_FUNC_END(refused)

/* nested(ptr, other): the handler loads from other itself, and goes on either way. */
SYM_FUNC_START(nested)
1:	movq	(%rdi), %rax
	.globl	nested_on
nested_on:
	RET
	EXTABLE_HANDLER(1b, nested_handler)
SYM_FUNC_END(nested)

/* registers(ptr): the handler turns every register over. */
SYM_FUNC_START(registers)
1:	movq	(%rdi), %rax
	.globl	registers_on
registers_on:
	RET
	EXTABLE_HANDLER(1b, registers_handler)
SYM_FUNC_END(registers)

/* deep(ptr): the handler faults, and so does its own, and so on. */
SYM_FUNC_START(deep)
1:	movq	(%rdi), %rax
	RET
	EXTABLE_HANDLER(1b, deep_descriptor)
SYM_FUNC_END(deep)
SYM_FUNC_START_LOCAL(deep_handler)
	movl	$16, %eax
	movq	(%rax), %rcx
	movl	$1, %eax
	RET
1:
	EXTABLE_RANGE deep_handler, 1b, deep_descriptor
SYM_FUNC_END(deep_handler)
	EXTABLE_DESCRIPTOR deep_descriptor, deep_handler, EXTABLE_PF
