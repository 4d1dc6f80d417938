/* SPDX-License-Identifier: MIT */
/*
 * Runs routines with exception tables as a user program does, under libmcsafe. A line of standard input is a case: the routine's name, its
 * flags and its registers (hexadecimal, encoding order, rsp ignored); a line of standard output is what came of it, in the words of
 * outcome.ts. Addresses of code are marked with @, for the reader to name.
 *
 * What an unprivileged program cannot raise is a machine check. Its place is taken by a page behind the end of a file, whose SIGBUS is
 * handed on with the code that Linux gives for poison.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <mcsafe/runtime.h>

#define PAGE 4096ul
#define GOOD (2 * PAGE)
#define AREAS 4
#define AREA(index) (0x7e0000000000ul + (index) * 0x100000ul)
#define FLAGS 0xcd5ul

#define ROUTINES(X) X(copy_mc) X(clear_bytes) X(get_word) X(copy_counting) X(sum_words) X(copy_words) X(move_words) X(fold_bytes) X(copy_mc_inline) \
	X(load_es) X(return_to) X(divide) X(undefined_instruction) X(far_selector) X(add_or) X(add_user) X(told) X(refused) X(nested) X(registers) X(deep)
#define DECLARE(name) extern const char name[];
ROUTINES(DECLARE)
#define ROW(name) { #name, name },
static const struct { const char *name, *code; } routines[] = { ROUTINES(ROW) };

struct registers { uint64_t gpr[16], flags; };
extern struct registers *state;
extern uint64_t own_sp, entry_sp;
extern const char *routine, left_by_death[];
void enter(struct registers *registers);

static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static uint8_t base[AREAS][GOOD];
static char path[1 << 16];
static size_t path_used;
static unsigned int exceptions;
/* Of a fault that nobody took; 0 if there was none. */
static uint64_t died_at;

struct second_table { struct extable_handler handler; unsigned long pad; };

/* Of the second table of asm/asm.h. */
bool go_to_own_pad(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)trapnr;
	(void)info;
	regs->ip = ((const struct second_table *)(const void *)self)->pad;
	return true;
}

static void observe(const struct mcsafe_event *event)
{
	static const char takers[] = "NLHR";

	if (event->accepted)
		exceptions++;
	else if (event->taker == MCSAFE_NOBODY)
		exceptions += event->depth;	/* those around it do not come to an end either */
	if (path_used + 100 < sizeof path)
		path_used += (size_t)sprintf(path + path_used, " %u%c%u:%u@%lx:@%lx", event->depth, takers[event->taker], event->accepted, event->trapnr, event->ip, event->target);
}

static void die(int signal, siginfo_t *info, void *where)
{
	greg_t *registers = ((ucontext_t *)where)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	if (died_at != 0 || own_sp == 0)
		_exit(3);
	for (int i = 0; i < 16; i++)
		state->gpr[i] = (uint64_t)registers[order[i]];
	state->flags = (uint64_t)registers[REG_EFL];
	died_at = (uint64_t)registers[REG_RIP];
	registers[REG_RIP] = (greg_t)left_by_death;
	registers[REG_EFL] &= ~0x400l;
}

static void bus_error(int signal, siginfo_t *info, void *where)
{
	uintptr_t bad = AREA(1) + PAGE + GOOD;

	if (info->si_code == BUS_ADRERR && (uintptr_t)info->si_addr - bad < PAGE) {
		info->si_code = BUS_MCEERR_AR;
		info->si_addr_lsb = 12;
	}
	if (!mcsafe_handle(signal, info, where))
		die(signal, info, where);
}

static void on_signal(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigaction(signal, &action, NULL);
}

static void map(uint64_t address, size_t size, int protection, int file)
{
	if (mmap((void *)address, size, protection, MAP_PRIVATE | MAP_FIXED_NOREPLACE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0) == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

/* Areas: a page that is not there, two that are, and one that is not there, poisoned, not there, or cannot be written. */
static void prepare(void)
{
	int file = memfd_create("poison", 0);

	if (file < 0 || ftruncate(file, (off_t)GOOD) != 0) {
		perror("memfd_create");
		exit(2);
	}
	for (unsigned int area = 0; area < AREAS; area++) {
		uint8_t *good = (uint8_t *)(AREA(area) + PAGE);

		map(AREA(area), PAGE, PROT_NONE, -1);
		if (area == 1) {
			map(AREA(area) + PAGE, GOOD + PAGE, PROT_READ | PROT_WRITE, file);
		} else {
			map(AREA(area) + PAGE, GOOD, PROT_READ | PROT_WRITE, -1);
			map(AREA(area) + PAGE + GOOD, PAGE, area == 3 ? PROT_READ : PROT_NONE, -1);
		}
		for (size_t i = 0; i < GOOD; i++)
			base[area][i] = good[i] = (uint8_t)(i * 37 + (i >> 8) * 11 + area);
	}
}

static void print_number(uint64_t value)
{
	/* The stack lies elsewhere in a kernel. */
	if (value - (entry_sp - 0x2000) < 0x2100)
		printf(" sp%+" PRId64, (int64_t)(value - entry_sp));
	else
		printf(" %" PRIx64, value);
}

static void print_changes(void)
{
	for (unsigned int area = 0; area < AREAS; area++) {
		uint8_t *good = (uint8_t *)(AREA(area) + PAGE);

		if (memcmp(good, base[area], GOOD) == 0)
			continue;
		for (size_t i = 0; i < GOOD; i++) {
			size_t start = i;

			while (i < GOOD && good[i] != base[area][i])
				i++;
			if (i == start)
				continue;
			printf(" %" PRIx64 "=", AREA(area) + PAGE + start);
			for (size_t k = start; k < i; k++)
				printf("%02x", good[k]);
		}
		memcpy(good, base[area], GOOD);
	}
}

static void run(char *line)
{
	struct registers registers;
	char *rest = NULL, *name = strtok_r(line, " \n", &rest);

	routine = NULL;
	for (size_t i = 0; i < sizeof routines / sizeof *routines; i++)
		if (name != NULL && strcmp(routines[i].name, name) == 0)
			routine = routines[i].code;
	if (routine == NULL) {
		fprintf(stderr, "no routine %s\n", name == NULL ? "" : name);
		exit(2);
	}
	registers.flags = strtoull(rest, &rest, 16);
	for (int i = 0; i < 16; i++)
		registers.gpr[i] = strtoull(rest, &rest, 16);
	path_used = 0;
	path[0] = '\0';
	exceptions = 0;
	died_at = 0;
	enter(&registers);
	if (died_at != 0)
		printf("died @%" PRIx64, died_at);
	else
		printf("returned");
	printf(" exceptions %u path%s registers", exceptions, path);
	for (int i = 0; i < 16; i++)
		print_number(registers.gpr[i]);
	printf(" flags %" PRIx64 " memory", registers.flags & FLAGS);
	print_changes();
	putchar('\n');
}

int main(void)
{
	static char line[1024];
	static const int others[] = { SIGSEGV, SIGILL, SIGFPE };

	prepare();
	/* What nobody takes arrives at whoever handled the signal before. */
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		on_signal(others[i], die);
	if (mcsafe_init() != 0) {
		fprintf(stderr, "%s\n", mcsafe_last_error());
		return 2;
	}
	on_signal(SIGBUS, bus_error);
	mcsafe_set_observer(observe);
	while (fgets(line, sizeof line, stdin) != NULL)
		run(line);
	return 0;
}
