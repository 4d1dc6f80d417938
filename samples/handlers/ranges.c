/*
 * Two handlers for ranges: the inner one refuses whatever is no page fault, so the outer one, for the whole routine, is asked next.
 */
#include <mcsafe/extable.h>

#define EFAULT 14
#define EHWPOISON 133

extern const char fill_failed[];

static bool only_page_faults(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	if (trapnr != 14)
		return false;
	regs->ax = -EFAULT;
	regs->ip = (unsigned long)fill_failed;
	return true;
}

static bool whole_routine(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	regs->ax = -EHWPOISON;
	regs->ip = (unsigned long)fill_failed;
	return true;
}

const struct extable_handler only_page_faults_handler = { .handler = only_page_faults, .vectors = EXTABLE_PF | EXTABLE_MC };
const struct extable_handler whole_routine_handler = { .handler = whole_routine, .vectors = EXTABLE_PF | EXTABLE_MC };
