/* SPDX-License-Identifier: MIT */
/* The runtime's behaviour, told as small stories. Each runs in a child of its own. */
#include "tests.h"
#include <pthread.h>
#include <sys/mman.h>

int failures;
char *bad;
unsigned long good = 0x1122334455667788;
const char *plugin_path;

void start(void)
{
	CHECK_EQUAL(mcsafe_init(), 0);
}

jmp_buf *volatile jump_to;
volatile sig_atomic_t last_signal, calls;
sigset_t mask_in_handler;

void note_and_jump(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	last_signal = signal;
	calls++;
	pthread_sigmask(SIG_SETMASK, NULL, &mask_in_handler);
	if (jump_to != NULL)
		siglongjmp(*jump_to, 1);
}

void note_and_step(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	last_signal = signal;
	calls++;
	mprotect(bad, 4096, PROT_READ);
}

void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags, int blocked)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | flags;
	sigemptyset(&action.sa_mask);
	if (blocked != 0)
		sigaddset(&action.sa_mask, blocked);
	CHECK(sigaction(signal, &action, NULL) == 0);
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: %s plugin.so\n", arguments[0]);
		return 2;
	}
	plugin_path = arguments[1];
	bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bad == MAP_FAILED)
		return 2;
	test_faults();
	test_handlers();
	test_signals();
	test_registration();
	printf("%s\n", failures == 0 ? "all passed" : "failures");
	return failures != 0;
}
