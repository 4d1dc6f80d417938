/*
 * A handler that returns from the routine that faulted: it unwinds one frame and gives the caller an error.
 */
#include <mcsafe/extable.h>

#define EFAULT 14

static bool return_directly(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	const unsigned long *frame = (const unsigned long *)regs->bp;

	/* leave; ret */
	regs->sp = regs->bp + 16;
	regs->bp = frame[0];
	regs->ip = frame[1];
	regs->ax = -EFAULT;
	return true;
}

const struct extable_handler return_directly_handler = { .handler = return_directly, .vectors = EXTABLE_PF | EXTABLE_MC };
