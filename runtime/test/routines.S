/* SPDX-License-Identifier: MIT */
/* Routines of the runtime's tests, and their tables. */
#include <mcsafe/extable.h>

	extable_note

.macro function name
	.text
	.globl	\name
	.type	\name, @function
\name:
.endm

.macro done name
	.size	\name, . - \name
.endm

/* load_or(ptr, fallback): *ptr, or fallback. */
function load_or
	movq	%rsi, %rax
1:	movq	(%rdi), %rax
2:	ret
	EXTABLE(1b, 2b)
done load_or

/* user_load(ptr): *ptr, or 77, and the failed access is noted. */
function user_load
	movl	$77, %eax
1:	movq	(%rdi), %rax
2:	ret
	EXTABLE_USER(1b, 2b)
done user_load

/* divide(a, b): the vector, 0x100 + quotient otherwise. */
function divide
	movq	%rdi, %rax
	cqto
1:	idivq	%rsi
	addq	$0x100, %rax
2:	ret
	EXTABLE_TRAPNR(1b, 2b)
done divide

function undefined_instruction
	xorl	%eax, %eax
1:	ud2
2:	ret
	EXTABLE_TRAPNR(1b, 2b)
done undefined_instruction

/* misaligned(ptr): a load with EFLAGS.AC set. */
function misaligned
	xorl	%eax, %eax
	pushfq
	orq	$0x40000, (%rsp)
	popfq
1:	movq	1(%rdi), %rcx
2:	pushfq
	andq	$~0x40000, (%rsp)
	popfq
	ret
	EXTABLE_TRAPNR(1b, 2b)
done misaligned

/* bad_selector(n): loads es. */
function bad_selector
	xorl	%eax, %eax
1:	movw	%di, %es
2:	ret
	EXTABLE_TRAPNR(1b, 2b)
done bad_selector

/* every_register(ptr, out): loads from ptr with known values in all registers and stores what they are afterwards at out[0..16]. */
function every_register
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsi, saved_out(%rip)
	movq	%rsp, saved_sp(%rip)
	movl	$0x100, %eax
	movl	$0x101, %ecx
	movl	$0x102, %edx
	movl	$0x103, %ebx
	movl	$0x105, %ebp
	movl	$0x106, %esi
	movl	$0x108, %r8d
	movl	$0x109, %r9d
	movl	$0x10a, %r10d
	movl	$0x10b, %r11d
	movl	$0x10c, %r12d
	movl	$0x10d, %r13d
	movl	$0x10e, %r14d
	movl	$0x10f, %r15d
	pushq	$0xed7
	popfq
	.globl	every_register_load
every_register_load:
	movq	(%rdi), %rax
	ud2
	.globl	every_register_resumed
every_register_resumed:
	pushfq
	pushq	%rax
	movq	saved_out(%rip), %rax
	popq	(%rax)
	popq	16*8(%rax)
	movq	%rcx, 1*8(%rax)
	movq	%rdx, 2*8(%rax)
	movq	%rbx, 3*8(%rax)
	movq	%rsp, 4*8(%rax)
	movq	%rbp, 5*8(%rax)
	movq	%rsi, 6*8(%rax)
	movq	%rdi, 7*8(%rax)
	movq	%r8, 8*8(%rax)
	movq	%r9, 9*8(%rax)
	movq	%r10, 10*8(%rax)
	movq	%r11, 11*8(%rax)
	movq	%r12, 12*8(%rax)
	movq	%r13, 13*8(%rax)
	movq	%r14, 14*8(%rax)
	movq	%r15, 15*8(%rax)
	movq	saved_sp(%rip), %rsp
	cld
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	EXTABLE_HANDLER(every_register_load, every_register_handler)
done every_register

	.bss
	.balign	8
	.globl	saved_out, saved_sp
saved_out: .skip 8
saved_sp: .skip 8

/* handled_load(ptr): its handler decides. */
function handled_load
	pushq	%rbp
	movq	%rsp, %rbp
1:	movq	(%rdi), %rax
	popq	%rbp
	ret
	EXTABLE_HANDLER(1b, numbered_handler)
done handled_load

/* ranged_load(ptr): an inner range, an outer one. */
function ranged_load
	xorl	%eax, %eax
1:	movq	(%rdi), %rax
2:	nop
	.globl	ranged_pad
ranged_pad:
	ret
3:
	EXTABLE_RANGE 1b, 2b, inner_handler
	EXTABLE_RANGE ranged_load, 3b, outer_handler
done ranged_load

/* nested_load(ptr): the handler meets a fault itself. */
function nested_load
1:	movq	(%rdi), %rax
	.globl	nested_pad
nested_pad:
	ret
	EXTABLE_HANDLER(1b, nested_handler)
done nested_load

/* deep_load(ptr): the handler calls this again, without end. */
function deep_load
1:	movq	(%rdi), %rax
	ret
	EXTABLE_HANDLER(1b, deep_handler)
done deep_load

/* recurse(): until the stack is full. */
function recurse
1:	subq	$64, %rsp
	call	recurse
	addq	$64, %rsp
	ret
2:
	EXTABLE_RANGE 1b, 2b, overflow_handler
done recurse

/* start_recursion(): 1 once the handler has put things back. */
function start_recursion
	movq	%rsp, saved_sp(%rip)
	pushq	%rbp
	call	recurse
	.globl	recursion_ended
recursion_ended:
	movq	saved_sp(%rip), %rsp
	ret
done start_recursion

/* memory_error(pid, tid, signal, info): sends a signal to itself; a range takes it as a machine check, which the plain entry does not. */
function memory_error
	movl	$297, %eax
	movq	%rcx, %r10
1:	syscall
2:	nop
	ret
3:
	EXTABLE(2b, 2b)
	EXTABLE_RANGE 2b, 3b, memory_error_handler
done memory_error

/* plain_load(ptr): no table knows it. */
function plain_load
	movq	(%rdi), %rax
	.globl	plain_load_end
plain_load_end:
	ret
done plain_load

/* plain_divide(a, b): no table knows it. */
function plain_divide
	movq	%rdi, %rax
	cqto
	idivq	%rsi
	ret
done plain_divide

/* On a page of its own, so that it can be made unreadable. */
	.balign	4096
function whole_page
	movl	$5, %eax
	ret
1:
	EXTABLE_RANGE whole_page, 1b, fetch_handler, 0
done whole_page
	.balign	4096

/* Tables that must be refused; nobody registers them but a test. */
.macro bad name
	.section .rodata.bad,"a"
	.balign 4
	.globl	\name, \name\()_end
\name:
.endm
.macro entry from, to, class
	.long (\from) - .
	.long (\to) - . + (\class)
.endm
.macro range from, length, descriptor
	.long (\from) - .
	.long \length
	.long (\descriptor) - .
	.long 0
.endm

bad	odd_table
	.long	1, 2, 3
odd_table_end:
bad	data_entry
	entry	saved_out, load_or, EXTABLE_CLASS_PLAIN
data_entry_end:
bad	data_target
	entry	load_or, saved_out, EXTABLE_CLASS_PLAIN
data_target_end:
bad	no_descriptor
	entry	load_or, saved_out, EXTABLE_CLASS_HANDLER
no_descriptor_end:
bad	twice
	entry	load_or, load_or, EXTABLE_CLASS_PLAIN
	entry	load_or, user_load, EXTABLE_CLASS_PLAIN
twice_end:
bad	empty_range
	range	load_or, 0, inner_handler
empty_range_end:
bad	far_range
	range	load_or, 0x7fffffff, inner_handler
far_range_end:
bad	same_ranges
	range	load_or, 4, inner_handler
	range	load_or, 4, outer_handler
same_ranges_end:
bad	crossing_ranges
	range	load_or, 4, inner_handler
	range	load_or + 2, 4, outer_handler
crossing_ranges_end:

	.section .note.GNU-stack,"",@progbits
