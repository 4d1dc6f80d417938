/* SPDX-License-Identifier: MIT */
/* A test runner of a few lines: each test is a child, so that a test may be about how a process dies. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition); fflush(stdout); _exit(1); } } while (0)
#define CHECK_EQUAL(actual, expected) do { \
	long actual_ = (long)(actual), expected_ = (long)(expected); \
	if (actual_ != expected_) { printf("  %s:%d: %s is %#lx, not %#lx\n", __FILE__, __LINE__, #actual, (unsigned long)actual_, (unsigned long)expected_); fflush(stdout); _exit(1); } \
} while (0)

extern int failures;

/* Runs `body` in a child that must end by `signal`, or with status 0 if that is 0. */
static inline void run_test(const char *name, void (*body)(void), int signal)
{
	int status;
	pid_t child;

	fflush(stdout);
	if ((child = fork()) == 0) {
		alarm(60);
		body();
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (signal == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == 0 : WIFSIGNALED(status) && WTERMSIG(status) == signal) {
		printf("ok %s\n", name);
	} else {
		printf("FAILED %s (%s %d)\n", name, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		failures++;
	}
	fflush(stdout);
}

#define TEST(name) run_test(#name, name, 0)
#define TEST_DIES(name, signal) run_test(#name, name, signal)

#endif
