/* SPDX-License-Identifier: MIT */
/* Handlers of faults.S. */
#include <mcsafe/extable.h>

extern const char nested_on[], registers_on[], refused_on[];

static bool told(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	unsigned long *out = (unsigned long *)regs->di;

	out[0] = trapnr;
	/* A machine check names a physical address in a kernel and a linear one here, in other units; a page fault's is the same. */
	out[1] = trapnr == 14 ? info->addr : 0;
	out[2] = trapnr == 14 ? info->addr_kind : info->addr_kind != EXTABLE_ADDR_NONE;
	/*
	 * Who was interrupted is another matter in a kernel: the bit for user mode is masked. So is, for addresses in the kernel's half, the one
	 * that says whether the page is there: Linux always tells user programs that it is.
	 */
	out[3] = info->error_code & ~(info->addr >> 63 != 0 ? 5ul : 4ul);
	out[4] = (unsigned long)regs->si;
	out[5] = self->vectors;
	regs->ip += 3;
	return true;
}

static bool refusing(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	if (trapnr == 14)
		regs->r8 = regs->r8 * 16 + 1;
	return false;
}

static bool last(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	if (trapnr != 14)
		return false;
	regs->r8 = regs->r8 * 16 + 2;
	regs->ip = (unsigned long)refused_on;
	return true;
}

static bool nested(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	unsigned long value = 0;

	regs->ax = MCSAFE_LOAD((const unsigned long *)regs->si, &value);
	regs->dx = value;
	regs->ip = (unsigned long)nested_on;
	return true;
}

static bool registers(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	unsigned long *field = &regs->r15;

	for (unsigned int i = 0; i < 15; i++)
		field[i] = ~field[i] + i;
	regs->flags ^= 0x8d5;
	regs->ip = (unsigned long)registers_on;
	return true;
}

#define TAKES (EXTABLE_PF | EXTABLE_GP | EXTABLE_MC)
const struct extable_handler told_handler = { .handler = told, .vectors = TAKES };
const struct extable_handler refusing_handler = { .handler = refusing, .vectors = EXTABLE_PF | EXTABLE_GP };
const struct extable_handler last_handler = { .handler = last, .vectors = EXTABLE_PF | EXTABLE_GP };
const struct extable_handler nested_handler = { .handler = nested, .vectors = EXTABLE_PF | EXTABLE_GP };
const struct extable_handler registers_handler = { .handler = registers, .vectors = TAKES };
