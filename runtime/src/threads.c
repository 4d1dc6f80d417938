/* SPDX-License-Identifier: MIT */
/* Alternate signal stacks: a fault can be a stack that is full, and handlers nest. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include "internal.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* Room for each handler beside the frame that the kernel pushes, which holds all vector registers. */
#define HANDLER_ROOM 8192
/* What a handler of the program, called for a fault that nobody takes, may want. */
#define PREVIOUS_ROOM 65536

struct stack {
	char *pages;	/* the lowest is a guard */
	size_t size;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

static size_t frame_size(void)
{
	unsigned long size = getauxval(AT_MINSIGSTKSZ);

	return size < 2048 ? 2048 : size;
}

static void release(void *data)
{
	struct stack *stack = data;
	stack_t now;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack->pages + page) {
		stack_t none;

		memset(&none, 0, sizeof none);
		none.ss_flags = SS_DISABLE;
		if (sigaltstack(&none, NULL) != 0)
			return;
	}
	munmap(stack->pages, stack->size);
	free(stack);
}

static void make_key(void)
{
	key_error = pthread_key_create(&key, release);
}

int mcsafe_thread_register(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	struct stack *stack;
	stack_t now, ours;
	int error;

	if (sigaltstack(NULL, &now) != 0)
		return mcsafe_fail(errno, "sigaltstack: %s", strerror(errno));
	if ((now.ss_flags & SS_DISABLE) == 0) {
		if (now.ss_size >= frame_size() + HANDLER_ROOM)
			return 0;
		return mcsafe_fail(ENOMEM, "this thread's alternate signal stack has %zu bytes; %zu are needed", now.ss_size, frame_size() + HANDLER_ROOM);
	}
	pthread_once(&once, make_key);
	if (key_error != 0)
		return mcsafe_fail(key_error, "pthread_key_create: %s", strerror(key_error));
	if ((stack = malloc(sizeof *stack)) == NULL)
		return mcsafe_fail(ENOMEM, "no memory for an alternate stack");
	size = (MCSAFE_MAX_DEPTH + 1) * (frame_size() + HANDLER_ROOM) + PREVIOUS_ROOM;
	stack->size = (size + 2 * page - 1) / page * page;
	stack->pages = mmap(NULL, stack->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack->pages == MAP_FAILED) {
		free(stack);
		return mcsafe_fail(ENOMEM, "no memory for an alternate stack of %zu bytes", size);
	}
	memset(&ours, 0, sizeof ours);
	ours.ss_sp = stack->pages + page;
	ours.ss_size = stack->size - page;
	if (mprotect(stack->pages, page, PROT_NONE) != 0 || sigaltstack(&ours, NULL) != 0)
		error = errno;
	else
		error = pthread_setspecific(key, stack);
	if (error != 0) {
		release(stack);
		return mcsafe_fail(error, "the alternate stack could not be set: %s", strerror(error));
	}
	return 0;
}

int mcsafe_thread_unregister(void)
{
	struct stack *stack;
	stack_t now;

	pthread_once(&once, make_key);
	if (key_error != 0 || (stack = pthread_getspecific(key)) == NULL)
		return 0;
	if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK) != 0)
		return mcsafe_fail(EBUSY, "this thread runs on its alternate stack now");
	pthread_setspecific(key, NULL);
	release(stack);
	return 0;
}
