/* SPDX-License-Identifier: MIT */
/* Takes over the four signals, and passes on what nobody takes to whoever had them before. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "internal.h"

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
#define SIGNALS (sizeof signals / sizeof *signals)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous[SIGNALS];
/* A previous handler with SA_RESETHAND has been called. */
static atomic_bool reset[SIGNALS];
static atomic_bool installed;

static size_t slot_of(int signal)
{
	size_t slot = 0;

	while (signals[slot] != signal)
		slot++;
	return slot;
}

/* An exception, or an error in memory that is used right now: going on would only raise it again. */
static bool is_synchronous(const siginfo_t *info)
{
	return info->si_code > 0 && !(info->si_signo == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* Ends the process as the signal does by default, with the registers of the fault in its core file. */
static void die_by_default(int signal, siginfo_t *info)
{
	struct sigaction by_default;

	memset(&by_default, 0, sizeof by_default);
	by_default.sa_handler = SIG_DFL;
	sigaction(signal, &by_default, NULL);
	/* Arrives when this handler returns; if it cannot be sent, the fault itself comes again. */
	syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), signal, info);
}

static void pass_on(int signal, siginfo_t *info, ucontext_t *context)
{
	size_t slot = slot_of(signal);
	const struct sigaction *action = &previous[slot];
	bool one_shot = ((unsigned int)action->sa_flags & (unsigned int)SA_RESETHAND) != 0;
	bool is_function = (action->sa_flags & SA_SIGINFO) != 0 || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
	sigset_t mask;

	if (is_function && one_shot && atomic_exchange(&reset[slot], true))
		is_function = false;
	if (!is_function) {
		/* Linux does not let a real fault be ignored. */
		if (action->sa_handler != SIG_IGN || is_synchronous(info))
			die_by_default(signal, info);
		return;
	}
	/* The mask it would have had: that of the interrupted code, its own, and the signal itself. It ends with the return from the signal. */
	sigorset(&mask, &context->uc_sigmask, &action->sa_mask);
	if ((action->sa_flags & SA_NODEFER) == 0)
		sigaddset(&mask, signal);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if ((action->sa_flags & SA_SIGINFO) != 0)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
}

void mcsafe_on_signal(int signal, siginfo_t *info, void *context)
{
	if (!mcsafe_handle(signal, info, context))
		pass_on(signal, info, context);
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == mcsafe_signal_entry;
}

static int take_over(size_t slot)
{
	struct sigaction ours, before;

	memset(&ours, 0, sizeof ours);
	ours.sa_sigaction = mcsafe_signal_entry;
	/* A fault in a handler is looked up like any other, so the signal is not blocked meanwhile; signals that are no faults are. */
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigfillset(&ours.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigdelset(&ours.sa_mask, signals[i]);
	sigdelset(&ours.sa_mask, SIGTRAP);
	sigdelset(&ours.sa_mask, SIGSYS);
	if (sigaction(signals[slot], NULL, &before) != 0)
		return errno;
	if (is_ours(&before))
		return 0;
	/* Known before the first fault can need it. */
	previous[slot] = before;
	atomic_store(&reset[slot], false);
	return sigaction(signals[slot], &ours, NULL) != 0 ? errno : 0;
}

int mcsafe_init(void)
{
	int error = mcsafe_register_loaded();

	if (error == 0)
		error = mcsafe_thread_register();
	if (error != 0)
		return error;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < SIGNALS && error == 0; i++)
		error = take_over(i);
	atomic_store(&installed, error == 0);
	pthread_mutex_unlock(&lock);
	return error == 0 ? 0 : mcsafe_fail(error, "sigaction: %s", strerror(error));
}

void mcsafe_shutdown(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < SIGNALS && atomic_load(&installed); i++) {
		struct sigaction now;

		/* Whoever came after us keeps what they installed. */
		if (sigaction(signals[i], NULL, &now) == 0 && is_ours(&now))
			sigaction(signals[i], &previous[i], NULL);
	}
	atomic_store(&installed, false);
	pthread_mutex_unlock(&lock);
}
