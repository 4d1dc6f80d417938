/*
 * One handler for two places, each with its own error number: the descriptor is the first member of a larger struct, which the handler gets
 * as "self". It unwinds to the caller by the frame pointer, so it does not matter how much of iretq's frame is on the stack already.
 */
#include <mcsafe/extable.h>

#define EFAULT 14
#define EINVAL 22

struct error_return {
	struct extable_handler handler;
	long error;
};

static bool error_return(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	const struct error_return *mine = (const struct error_return *)self;
	const unsigned long *frame = (const unsigned long *)regs->bp;

	regs->ax = mine->error;
	/* leave; ret */
	regs->sp = regs->bp + 16;
	regs->bp = frame[0];
	regs->ip = frame[1];
	return true;
}

/* A selector without a descriptor, one that is not present, one for a stack; a context that cannot be read. */
#define TAKES (EXTABLE_GP | EXTABLE_NP | EXTABLE_SS | EXTABLE_PF | EXTABLE_MC)

const struct error_return bad_segment = { { .handler = error_return, .vectors = TAKES }, -EINVAL };
const struct error_return bad_frame = { { .handler = error_return, .vectors = TAKES }, -EFAULT };
