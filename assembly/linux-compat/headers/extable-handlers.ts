/**
 * `mcsafe/extable.h`: entries and ranges that name a handler, for assembly and for C. The same text is installed as
 * runtime/include/mcsafe/extable.h.
 */
export const EXTABLE_HANDLERS_HEADER = String.raw`/* SPDX-License-Identifier: MIT */
/*
 * Exception-table entries that name a handler, and handlers for a range of instructions.
 *
 * An entry is 8 bytes: where the fault is, and where to go, both relative to themselves. The upper two bits of the second word are a
 * class; it is set by addition alone, since a linker can add but not OR. A target must lie within 512 MiB.
 */
#ifndef MCSAFE_EXTABLE_H
#define MCSAFE_EXTABLE_H

/* Classes: what is added to the distance. */
#define EXTABLE_CLASS_PLAIN 0x20000000		/* ip = target */
#define EXTABLE_CLASS_TRAPNR 0x60000000		/* ip = target, ax = vector; safe under a machine check */
#define EXTABLE_CLASS_USER -0x60000000		/* ip = target, a failed user access is noted */
#define EXTABLE_CLASS_HANDLER -0x20000000	/* target is a struct extable_handler */

/* Vectors a handler can take, for the word "vectors" of its descriptor. */
#define EXTABLE_DE (1 << 0)
#define EXTABLE_UD (1 << 6)
#define EXTABLE_NP (1 << 11)
#define EXTABLE_SS (1 << 12)
#define EXTABLE_GP (1 << 13)
#define EXTABLE_PF (1 << 14)
#define EXTABLE_AC (1 << 17)
#define EXTABLE_MC (1 << 18)	/* a machine check is recoverable here */

/* A range with this flag also takes faults of instruction fetch. */
#define EXTABLE_IFETCH 1

#ifdef __ASSEMBLER__

/* Says which layout the table of this object has. */
.macro extable_note
	.pushsection ".note.mcsafe","a",@note
	.balign 4
	.long 7, 8, 1
	.asciz "mcsafe"
	.balign 4
	.long 1, 'H'
	.popsection
.endm

.macro extable_entry from:req, to:req, class:req
	.pushsection "__ex_table","a"
	.balign 4
	.long (\from) - .
	.long (\to) - . + (\class)
	.popsection
.endm

#define EXTABLE(from, to) extable_entry from, to, EXTABLE_CLASS_PLAIN
#define EXTABLE_TRAPNR(from, to) extable_entry from, to, EXTABLE_CLASS_TRAPNR
#define EXTABLE_USER(from, to) extable_entry from, to, EXTABLE_CLASS_USER
#define EXTABLE_HANDLER(from, descriptor) extable_entry from, descriptor, EXTABLE_CLASS_HANDLER

/* [start, end) is handled by the descriptor; end is a label behind the last instruction. */
.macro EXTABLE_RANGE start:req, end:req, descriptor:req, flags=0
	.pushsection "__ex_range","a"
	.balign 4
	.long (\start) - .
	.long (\end) - (\start)
	.long (\descriptor) - .
	.long \flags
	.popsection
.endm

/* A struct extable_handler called "name". */
.macro EXTABLE_DESCRIPTOR name:req, handler:req, vectors:req, flags=0
	.pushsection ".data.extable","aw"
	.balign 8
\name:
	.quad \handler
	.long \vectors, \flags
	.popsection
.endm

#else /* C */

#include <stdbool.h>

#ifndef MCSAFE_NO_PT_REGS
/* The interrupted registers, in the order the kernel's entry code stores them. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};
#endif

enum extable_addr_kind { EXTABLE_ADDR_NONE, EXTABLE_ADDR_LINEAR, EXTABLE_ADDR_PHYSICAL };

/* What the CPU said about this exception. */
struct extable_info {
	unsigned long error_code;	/* 0 where the vector has none */
	unsigned long addr;		/* #PF: cr2. #MC: physical in a kernel, linear in a user program */
	unsigned char addr_kind, addr_lsb;	/* the low addr_lsb bits of addr are not valid */
	unsigned long status;		/* #MC in a kernel: MCi_STATUS */
};

struct extable_handler {
	/* True: handled, go on at regs. False: ask the next. */
	bool (*handler)(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info);
	unsigned int vectors;
	unsigned int flags;
};

#define EXTABLE_STRING_(...) #__VA_ARGS__
#define EXTABLE_STRING(...) EXTABLE_STRING_(__VA_ARGS__)

#define EXTABLE_ENTRY_(from, to, class) \
	".pushsection \"__ex_table\",\"a\"\n\t.balign 4\n\t.long (" #from ") - .\n\t.long (" #to ") - . + " EXTABLE_STRING(class) "\n\t.popsection\n"

/* For use in inline assembly, behind the instruction. */
#define EXTABLE(from, to) EXTABLE_ENTRY_(from, to, EXTABLE_CLASS_PLAIN)
#define EXTABLE_TRAPNR(from, to) EXTABLE_ENTRY_(from, to, EXTABLE_CLASS_TRAPNR)
#define EXTABLE_USER(from, to) EXTABLE_ENTRY_(from, to, EXTABLE_CLASS_USER)
#define EXTABLE_HANDLER(from, descriptor) EXTABLE_ENTRY_(from, descriptor, EXTABLE_CLASS_HANDLER)

/*
 * At file level: all of a function, which must be a symbol of its own (not inline), is handled by a descriptor. How long it is, is only
 * known once it is linked: "mcsafe table --fix" fills that in, and a table without is refused.
 */
#define EXTABLE_RANGE_OF(function, descriptor) __asm__( \
	".pushsection \"__ex_range\",\"a\"\n\t.balign 4\n\t.long " #function " - .\n\t.long 0\n\t.long " #descriptor " - .\n\t.long 0\n\t.popsection")

/* Loads *pointer into *value, of the same size; 0, or the vector of the fault (18 = machine check, 14 = page fault). */
#define MCSAFE_LOAD(pointer, value) ({ \
	unsigned long mcsafe_vector_ = 0; \
	__typeof__(*(value)) mcsafe_value_ = 0; \
	__asm__ volatile("1:\tmov %2, %1\n2:\n" EXTABLE_TRAPNR(1b, 2b) : "+a" (mcsafe_vector_), "+r" (mcsafe_value_) : "m" (*(pointer))); \
	*(value) = mcsafe_value_; \
	mcsafe_vector_; \
})

#endif
#endif
`;
