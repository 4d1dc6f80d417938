/*
 * Loads that survive a fault, in plain C: MCSAFE_LOAD of mcsafe/extable.h is inline assembly with an exception-table entry of its own. The
 * header is made to be copied; it needs nothing but the table behind it.
 */
#include <mcsafe/extable.h>

/* Copies n bytes; returns the bytes not copied. A word that cannot be read is tried again byte by byte, so nothing in front of the fault is lost. */
unsigned long copy_mc_inline(unsigned char *dst, const unsigned char *src, unsigned long n)
{
	while (n >= sizeof(unsigned long)) {
		unsigned long word;

		if (MCSAFE_LOAD((const unsigned long *)src, &word))
			break;
		*(unsigned long *)dst = word;
		src += sizeof word;
		dst += sizeof word;
		n -= sizeof word;
	}
	for (; n > 0; n--) {
		unsigned char byte;

		if (MCSAFE_LOAD(src, &byte))
			break;
		*dst = byte;
		src++;
		dst++;
	}
	return n;
}
