/* SPDX-License-Identifier: MIT */
/*
 * Where the four signals arrive. Linux clears DF, TF and RF for a signal handler but leaves AC and NT as the program had them,
 * and compiled code expects them clear.
 */
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

	.text
	.globl	mcsafe_signal_entry
	.hidden	mcsafe_signal_entry
	.hidden	mcsafe_on_signal
	.type	mcsafe_signal_entry, @function
mcsafe_signal_entry:
	_CET_ENDBR
	pushfq
	andq	$~0x44000, (%rsp)
	popfq
	jmp	mcsafe_on_signal
	.size	mcsafe_signal_entry, . - mcsafe_signal_entry

	.section .note.GNU-stack,"",@progbits
