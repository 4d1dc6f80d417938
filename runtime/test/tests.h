/* SPDX-License-Identifier: MIT */
/* What the files of the test share: routines that fault, memory that does, and handlers of the program's own. */
#ifndef TESTS_H
#define TESTS_H

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <mcsafe/runtime.h>
#include "check.h"

#define BAD_ADDRESS ((const void *)(0x8000ul << 48 | 8))

/* In routines.S. */
extern unsigned long load_or(const void *from, unsigned long otherwise), user_load(const void *from), divide(long a, long b), undefined_instruction(void), misaligned(const void *from),
	bad_selector(unsigned int selector), handled_load(const void *from), ranged_load(const void *from), nested_load(const void *from), deep_load(const void *from), start_recursion(void),
	memory_error(long pid, long tid, long signal, const void *info), plain_load(const void *from), plain_divide(long a, long b), whole_page(void);
extern void every_register(const void *from, unsigned long *out);
extern const char every_register_load[], every_register_resumed[], ranged_pad[], nested_pad[], recursion_ended[], plain_load_end[];
extern unsigned long saved_sp;

/* A page that cannot be read, a word that can, and an object to load. */
extern char *bad;
extern unsigned long good;
extern const char *plugin_path;

/* A descriptor in a larger struct: what it does is data. */
struct numbered {
	struct extable_handler handler;
	unsigned long answer;
	bool refuses;
};
extern struct numbered numbered_handler;

/* The library as most programs start it. */
void start(void);

/* Signal handlers of the program's own note the signal; then they jump to `jump_to` if it is set, or make `bad` readable. */
extern jmp_buf *volatile jump_to;
extern volatile sig_atomic_t last_signal, calls;
extern sigset_t mask_in_handler;
void note_and_jump(int signal, siginfo_t *info, void *context);
void note_and_step(int signal, siginfo_t *info, void *context);
void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags, int blocked);

/* Each runs the tests of its file. */
void test_faults(void);
void test_handlers(void);
void test_signals(void);
void test_registration(void);

#endif
