/*
 * The half of the harness that is an ordinary program: reads cases, lets the kernel's code answer, writes the answers.
 * The kernel's WARN and BUG execute ud2; their table says which it was.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "case.h"

void oracle_severity(const struct oracle_case *, struct oracle_answer *);
void oracle_fixup(const struct oracle_case *, struct oracle_answer *);

struct bug_entry {
	int address, file;
	unsigned short line, flags;
};
extern char __executable_start[], etext[];
extern struct bug_entry __start___bug_table[], __stop___bug_table[];

/* What the kernel's `current` reads: gs has base 0 in a user program, so a per-cpu variable is simply the variable. */
static unsigned long long fake_task[8192];
void *current_task = fake_task;
void *const_pcpu_hot[8] = { fake_task };

static sigjmp_buf dead;

void oracle_panics(void)
{
	siglongjmp(dead, 1);
}

static void trapped(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	for (struct bug_entry *bug = __start___bug_table; number == SIGILL && bug < __stop___bug_table; bug++) {
		if ((long)&bug->address + bug->address == registers[REG_RIP] && (bug->flags & 1)) {
			registers[REG_RIP] += 2;
			return;
		}
	}
	siglongjmp(dead, 1);
}

int main(void)
{
	static struct oracle_case the_case;
	static char stack[1 << 16];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&alternate, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	/* The kernel patches constants into its code at boot; so does kernel-side.c. */
	if (mprotect(__executable_start, (size_t)(etext - __executable_start), PROT_READ | PROT_WRITE | PROT_EXEC) != 0 ||
	    mmap((void *)ORACLE_TEXT, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    mmap((void *)ORACLE_DATA, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	while (fread(&the_case, sizeof the_case, 1, stdin) == 1) {
		static struct oracle_answer answer;

		memset(&answer, 0, sizeof answer);
		memcpy((void *)ORACLE_TEXT, the_case.text, sizeof the_case.text);
		memcpy((void *)ORACLE_DATA, the_case.word, sizeof the_case.word);
		oracle_severity(&the_case, &answer);
		if (sigsetjmp(dead, 1))
			answer.handled = 2;
		else
			oracle_fixup(&the_case, &answer);
		fwrite(&answer, sizeof answer, 1, stdout);
	}
	return 0;
}
