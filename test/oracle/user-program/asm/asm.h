/* SPDX-License-Identifier: MIT */
/* asm/asm.h for user programs: the kernel's macros make entries that libmcsafe reads. */
#ifndef MCSAFE_USER_ASM_H
#define MCSAFE_USER_ASM_H
#include <mcsafe/extable.h>

#define EX_TYPE_DEFAULT EXTABLE_CLASS_PLAIN
#define EX_TYPE_UACCESS EXTABLE_CLASS_USER
#define EX_TYPE_FAULT EXTABLE_CLASS_TRAPNR
#define EX_TYPE_FAULT_MCE_SAFE EXTABLE_CLASS_TRAPNR
#define _ASM_EXTABLE_TYPE(from, to, type) extable_entry from, to, type
#define _ASM_EXTABLE(from, to) EXTABLE(from, to)
#define _ASM_EXTABLE_UA(from, to) EXTABLE_USER(from, to)

/*
 * The second table of the 2015 patches, of landing pads for machine checks alone: the plain entry refuses those, so a range of the
 * instruction's first byte is asked, whose handler finds the landing pad behind its descriptor.
 */
#define _ASM_MCEXTABLE(from, to) second_table from, to
.macro second_table from:req, to:req
	.pushsection ".data.extable","aw"
	.balign 8
8881:	.quad go_to_own_pad
	.long EXTABLE_MC, 0
	.quad \to
	.popsection
	.pushsection "__ex_range","a"
	.balign 4
	.long (\from) - .
	.long 1
	.long (8881b) - .
	.long 0
	.popsection
.endm
#endif
