/*
 * A handler for a whole routine: whichever instruction faulted, the routine ends with an error by its own way out, which takes its
 * registers from the stack.
 */
#include <mcsafe/extable.h>

#define EFAULT 14
#define EHWPOISON 133
#define TRAP_MACHINE_CHECK 18

extern const char fold_failed[];

static bool fold(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	if (trapnr == TRAP_MACHINE_CHECK)
		regs->ax = -EHWPOISON;
	else
		regs->ax = -EFAULT;
	regs->ip = (unsigned long)fold_failed;
	return true;
}

const struct extable_handler fold_handler = { .handler = fold, .vectors = EXTABLE_PF | EXTABLE_GP | EXTABLE_MC };
