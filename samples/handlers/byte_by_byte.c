/*
 * A handler that goes on in C: instead of a landing pad that works out what is left, the routine's caller gets the answer of a
 * function that copies the rest a byte at a time. The handler only arranges that this function is called in the routine's place.
 */
#include <mcsafe/extable.h>

/* Bytes that could not be copied. */
unsigned long copy_bytes(unsigned char *dst, const unsigned char *src, unsigned long n)
{
	for (; n > 0; n--, dst++, src++) {
		unsigned char byte;

		if (MCSAFE_LOAD(src, &byte))
			break;
		*dst = byte;
	}
	return n;
}

static bool byte_by_byte(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	/* The routine keeps its arguments in these registers, and has pushed nothing: its return address is on top of the stack. */
	regs->ip = (unsigned long)copy_bytes;
	return true;
}

const struct extable_handler byte_by_byte_handler = { .handler = byte_by_byte, .vectors = EXTABLE_PF | EXTABLE_MC };
