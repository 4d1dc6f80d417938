/* SPDX-License-Identifier: MIT */
/* Nanoseconds for a load from a page that cannot be read: caught by the table, by a handler, and by sigsetjmp and siglongjmp. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <mcsafe/runtime.h>

#define ROUNDS 7
#define FAULTS 100000

extern unsigned long load_or(const void *from, unsigned long otherwise), handled_load(const void *from), plain_load(const void *from);

/* Descriptors that routines.S names; only the first is used here. */
static bool unwind(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	const unsigned long *frame = (const unsigned long *)regs->bp;

	(void)self;
	(void)trapnr;
	(void)info;
	regs->sp = regs->bp + 16;
	regs->bp = frame[0];
	regs->ip = frame[1];
	return true;
}
#define DESCRIPTOR(name) const struct extable_handler name = { unwind, EXTABLE_PF, 0 }
DESCRIPTOR(numbered_handler);
DESCRIPTOR(every_register_handler);
DESCRIPTOR(inner_handler);
DESCRIPTOR(outer_handler);
DESCRIPTOR(nested_handler);
DESCRIPTOR(deep_handler);
DESCRIPTOR(overflow_handler);
DESCRIPTOR(memory_error_handler);
DESCRIPTOR(fetch_handler);

static char *bad;
static sigjmp_buf place;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(place, 1);
}

static void by_table(void)
{
	load_or(bad, 3);
}

static void by_handler(void)
{
	handled_load(bad);
}

static void by_jump(void)
{
	if (sigsetjmp(place, 1) == 0)
		plain_load(bad);
}

static double nanoseconds(void (*fault)(void))
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < FAULTS; i++)
		fault();
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / FAULTS;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

int main(void)
{
	double table[ROUNDS], handler[ROUNDS], jumped[ROUNDS];
	struct sigaction action;

	bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bad == MAP_FAILED)
		return 2;
	memset(&action, 0, sizeof action);
	action.sa_handler = jump;
	sigaction(SIGSEGV, &action, NULL);
	/* In turn, so that all three meet the same machine. */
	for (int i = 0; i < ROUNDS; i++) {
		mcsafe_shutdown();
		jumped[i] = nanoseconds(by_jump);
		if (mcsafe_init() != 0) {
			fprintf(stderr, "%s\n", mcsafe_last_error());
			return 1;
		}
		table[i] = nanoseconds(by_table);
		handler[i] = nanoseconds(by_handler);
	}
	qsort(table, ROUNDS, sizeof *table, compare);
	qsort(handler, ROUNDS, sizeof *handler, compare);
	qsort(jumped, ROUNDS, sizeof *jumped, compare);
	printf("landing pad         %6.0f ns a fault (%.0f to %.0f)\n", table[ROUNDS / 2], table[0], table[ROUNDS - 1]);
	printf("handler in C        %6.0f ns a fault (%.0f to %.0f)\n", handler[ROUNDS / 2], handler[0], handler[ROUNDS - 1]);
	printf("sigsetjmp/siglongjmp%6.0f ns a fault (%.0f to %.0f)\n", jumped[ROUNDS / 2], jumped[0], jumped[ROUNDS - 1]);
	return 0;
}
