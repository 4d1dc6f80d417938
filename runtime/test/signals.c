/* SPDX-License-Identifier: MIT */
/* Signals that are not the library's: whose handler gets them, and how a process then ends. */
#include "tests.h"
#include <sys/mman.h>

static void note_plainly(int signal)
{
	last_signal = signal;
	siglongjmp(*jump_to, 1);
}

static void a_refused_fault_goes_to_the_handler_before(void)
{
	sigjmp_buf place;

	install(SIGSEGV, note_and_jump, 0, SIGUSR2);
	start();
	jump_to = (jmp_buf *)&place;
	numbered_handler.refuses = true;
	if (sigsetjmp(place, 1) == 0) {
		handled_load(bad);
		CHECK(!"handled_load returned");
	}
	CHECK_EQUAL(last_signal, SIGSEGV);
	CHECK(sigismember(&mask_in_handler, SIGUSR2) && sigismember(&mask_in_handler, SIGSEGV) && !sigismember(&mask_in_handler, SIGUSR1));
	/* And again: the jump out has left nothing behind. */
	for (volatile int i = 0; i < 3 * MCSAFE_MAX_DEPTH; i++)
		if (sigsetjmp(place, 1) == 0)
			plain_load(bad);
	CHECK_EQUAL(calls, 1 + 3 * MCSAFE_MAX_DEPTH);
	CHECK_EQUAL(load_or(bad, 3), 3);
}

static void the_handler_before_may_be_a_plain_one(void)
{
	sigjmp_buf place;

	CHECK(signal(SIGSEGV, note_plainly) != SIG_ERR);
	start();
	jump_to = (jmp_buf *)&place;
	if (sigsetjmp(place, 1) == 0)
		plain_load(bad);
	CHECK_EQUAL(last_signal, SIGSEGV);
}

static void the_handler_before_may_resume(void)
{
	install(SIGSEGV, note_and_step, SA_NODEFER, 0);
	start();
	plain_load(bad);
	CHECK_EQUAL(calls, 1);
}

static void a_one_shot_handler_is_called_once(void)
{
	install(SIGSEGV, note_and_step, SA_RESETHAND, 0);
	start();
	plain_load(bad);
	CHECK_EQUAL(calls, 1);
	mprotect(bad, 4096, PROT_NONE);
	plain_load(bad);
}

static void nobody_before_means_death(void)
{
	start();
	plain_load(bad);
}

static void a_bad_division_dies_of_its_own_signal(void)
{
	start();
	plain_divide(1, 0);
}

static void a_fault_cannot_be_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	start();
	plain_load(bad);
}

static void a_sent_signal_can(void)
{
	signal(SIGSEGV, SIG_IGN);
	start();
	CHECK_EQUAL(kill(getpid(), SIGSEGV), 0);
	CHECK_EQUAL(load_or(bad, 3), 3);
}

static void a_sent_signal_kills(void)
{
	start();
	kill(getpid(), SIGBUS);
}

static void shutdown_puts_the_handlers_back(void)
{
	struct sigaction now;

	install(SIGSEGV, note_and_step, 0, 0);
	start();
	start();
	mcsafe_shutdown();
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_sigaction == note_and_step);
	CHECK(sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL);
	start();
	CHECK_EQUAL(load_or(bad, 3), 3);
}

static void own_handler(int signal, siginfo_t *info, void *context)
{
	calls++;
	if (!mcsafe_handle(signal, info, context))
		_exit(2);
}

static void a_program_may_keep_its_own_handler(void)
{
	CHECK_EQUAL(MCSAFE_REGISTER_OBJECT(), 0);
	install(SIGSEGV, own_handler, SA_NODEFER, 0);
	CHECK_EQUAL(load_or(bad, 3), 3);
	CHECK_EQUAL(nested_load(bad), 14 << 8 | 13);
	CHECK_EQUAL(calls, 3);
}

void test_signals(void)
{
	TEST(a_refused_fault_goes_to_the_handler_before);
	TEST(the_handler_before_may_be_a_plain_one);
	TEST(the_handler_before_may_resume);
	TEST_DIES(a_one_shot_handler_is_called_once, SIGSEGV);
	TEST_DIES(nobody_before_means_death, SIGSEGV);
	TEST_DIES(a_bad_division_dies_of_its_own_signal, SIGFPE);
	TEST_DIES(a_fault_cannot_be_ignored, SIGSEGV);
	TEST(a_sent_signal_can);
	TEST_DIES(a_sent_signal_kills, SIGBUS);
	TEST(shutdown_puts_the_handlers_back);
	TEST(a_program_may_keep_its_own_handler);
}
