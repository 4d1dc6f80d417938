/* SPDX-License-Identifier: MIT */
/* The text behind a negative error number, for each thread. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include "internal.h"

THREAD_LOCAL char last_error[512];

int mcsafe_fail(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_error, sizeof last_error, format, arguments);
	va_end(arguments);
	return -error;
}

const char *mcsafe_last_error(void)
{
	return last_error;
}
