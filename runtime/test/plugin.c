/* SPDX-License-Identifier: MIT */
/* An object that is loaded at run time, with a table of its own. */
#include <mcsafe/extable.h>

unsigned long plugin_load(const unsigned long *from, unsigned long *to)
{
	return MCSAFE_LOAD(from, to);
}
