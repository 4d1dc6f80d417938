/* SPDX-License-Identifier: MIT */
/*
 * Exception tables for user programs: SIGSEGV, SIGBUS, SIGILL and SIGFPE are looked up in __ex_table and __ex_range of every registered
 * object; landing pads, descriptors and ranges of <mcsafe/extable.h> then mean what they mean in a kernel. See runtime/README.md.
 *
 * Functions that return an int return 0, or a negative error number; mcsafe_last_error() says more.
 */
#ifndef MCSAFE_RUNTIME_H
#define MCSAFE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <mcsafe/extable.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Faults inside handlers inside handlers ... deeper than this go to whoever handled the signal before. */
#define MCSAFE_MAX_DEPTH 8

/* Registers every loaded object, takes over the four signals and gives this thread an alternate stack. May be called again. */
int mcsafe_init(void);
/* Puts back the handlers that were installed before mcsafe_init. Tables stay registered. */
void mcsafe_shutdown(void);

/* Registers all objects that are loaded now and have tables: finds their sections by the section headers of their files. */
int mcsafe_register_loaded(void);
/*
 * Registers the tables of one object; either may be empty. They are checked whole first: an error leaves what was registered untouched.
 * Tables of the same object that were registered before are replaced.
 */
int mcsafe_register(const void *extable, const void *extable_end, const void *ranges, const void *ranges_end);
/* Before dlclose. No thread may be running code of that object. */
int mcsafe_unregister(const void *extable, const void *ranges);

/* The tables of the object this is compiled into; needs no section headers, and keeps the tables alive under --gc-sections. */
extern const char __start___ex_table[] __attribute__((weak, visibility("hidden")));
extern const char __stop___ex_table[] __attribute__((weak, visibility("hidden")));
extern const char __start___ex_range[] __attribute__((weak, visibility("hidden")));
extern const char __stop___ex_range[] __attribute__((weak, visibility("hidden")));
#define MCSAFE_REGISTER_OBJECT() mcsafe_register(__start___ex_table, __stop___ex_table, __start___ex_range, __stop___ex_range)
#define MCSAFE_UNREGISTER_OBJECT() mcsafe_unregister(__start___ex_table, __start___ex_range)

/*
 * Gives the calling thread an alternate signal stack, unless it has one that is large enough; it is freed when the thread ends.
 * A thread without one is served too, on its own stack, as long as that has room.
 */
int mcsafe_thread_register(void);
/* Frees it earlier. */
int mcsafe_thread_unregister(void);

/*
 * For programs with signal handlers of their own, with the three arguments of a SA_SIGINFO handler: true if the fault was taken; return
 * from the handler then. Async-signal-safe.
 */
bool mcsafe_handle(int signal, const void *siginfo, void *ucontext);

/* Whether an entry of class "user" was taken in this thread since the last call. */
bool mcsafe_user_access_failed(void);

enum mcsafe_taker { MCSAFE_NOBODY, MCSAFE_LANDING_PAD, MCSAFE_ENTRY_HANDLER, MCSAFE_RANGE_HANDLER };

/* One step of a fault: somebody was asked, or (MCSAFE_NOBODY) nobody is left. */
struct mcsafe_event {
	enum mcsafe_taker taker;
	unsigned int trapnr;
	unsigned int depth;		/* 1, or more inside handlers */
	bool accepted;
	unsigned long ip;		/* of the fault */
	unsigned long target;		/* landing pad, or the handler's function */
	unsigned long start, end;	/* the range; start is ip and end is 0 for entries */
};

/* Is told each step of each fault, inside the signal handler, so it must be async-signal-safe. NULL for none. */
void mcsafe_set_observer(void (*observer)(const struct mcsafe_event *event));

/* What the last call of this thread that failed ran into: what, where, and what to do. */
const char *mcsafe_last_error(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
