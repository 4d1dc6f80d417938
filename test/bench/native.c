/*
 * Runs one kernel on the real CPU (or under qemu-x86_64) and prints the CPU time of a call in nanoseconds.
 *   native KERNEL CALLS A B C D      a kernel with its arguments; `src` and `dst` stand for buffers
 *   native short-clean|short-guard|short-two CALLS   copies of 256 bytes with an exception table in a SIGSEGV handler
 *   native sweep LEAST MOST OFFSETS   every fault position of copies of these lengths, at so many destination offsets, each one checked
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

typedef uint64_t kernel(uint64_t, uint64_t, uint64_t, uint64_t);
extern kernel alu, copy_words, rep_copy, checksum, fib, copy;
extern char load0[], load1[], load2[], load3[], load4[], load5[], load6[], load7[], load8[], load9[], failed[], bytes[];

static const struct { const char *name; kernel *run; } kernels[] = {
	{ "alu", alu }, { "copy_words", copy_words }, { "rep_copy", rep_copy }, { "checksum", checksum }, { "fib", fib },
};
static char *const entries[] = { load0, load1, load2, load3, load4, load5, load6, load7, load8, load9 };
static int retry;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	(void)info;
	for (unsigned i = 0; i < sizeof entries / sizeof *entries; i++)
		if ((char *)registers[REG_RIP] == entries[i]) {
			registers[REG_RIP] = (greg_t)(retry && i < 9 ? bytes : failed);
			return;
		}
	(void)signal;
	_exit(3);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static char *buffer(void)
{
	/* 64 KiB between two guard pages. */
	char *all = mmap(NULL, 0x12000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(all + 0x1000, 0x10000, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 0x10000; i++) all[0x1000 + i] = (char)((i * 37 + 11) & 0x7f);
	return all + 0x1000;
}

/*
 * One case: the source ends in front of a page that is not there after `k` bytes of `n`. What the routine says is done must be done, and
 * nothing else of the destination's page may have changed. Returns the bytes left.
 */
static uint64_t checked(char *src, char *dst, uint64_t n, uint64_t k, uint64_t offset)
{
	static const char zero[0x1000];
	char *from = src + 0x10000 - k, *to = dst + offset;
	uint64_t left = copy((uint64_t)to, (uint64_t)from, n, 0), done = n - left;
	if (left > n || done > k || memcmp(to, from, done) != 0 || memcmp(dst, zero, offset) != 0 || memcmp(to + done, zero, 0x1000 - offset - done) != 0) {
		fprintf(stderr, "n %lu, fault at %lu, offset %lu: %lu left\n", n, k, offset, left);
		exit(1);
	}
	memset(to, 0, done);
	return left;
}

static void sweep(char *src, char *dst, uint64_t least, uint64_t most, uint64_t offsets)
{
	uint64_t cases = 0, left = 0;
	memset(dst, 0, 0x1000);
	double start = now();
	for (uint64_t offset = 0; offset < offsets; offset++)
		for (uint64_t n = least; n <= most; n++)
			for (uint64_t k = 0; k < n; k++, cases++) left += checked(src, dst, n, k, offset);
	printf("%.3f %lu\n", (now() - start) / cases, left);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigaction(SIGSEGV, &action, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 3) return 2;
	char *src = buffer(), *dst = buffer();
	uint64_t calls = strtoull(argv[2], NULL, 0), sum = 0;
	if (strcmp(argv[1], "sweep") == 0 && argc == 5) {
		catch_faults();
		sweep(src, dst, calls, strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0));
		return 0;
	}
	if (strncmp(argv[1], "short-", 6) == 0) {
		catch_faults();
		int guard = strcmp(argv[1], "short-clean") != 0;
		retry = strcmp(argv[1], "short-two") == 0;
		double start = now();
		for (uint64_t i = 0; i < calls; i++)
			sum += copy((uint64_t)(dst + 64), (uint64_t)(guard ? src + 0x10000 - i % 256 : src + 128), 256, 0);
		printf("%.3f %lu\n", (now() - start) / calls, sum);
		return 0;
	}
	uint64_t a[4];
	for (int i = 0; i < 4; i++) {
		const char *text = 3 + i < argc ? argv[3 + i] : "0";
		a[i] = strcmp(text, "src") == 0 ? (uint64_t)src : strcmp(text, "dst") == 0 ? (uint64_t)dst : strtoull(text, NULL, 0);
	}
	for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++)
		if (strcmp(argv[1], kernels[i].name) == 0) {
			double start = now();
			for (uint64_t c = 0; c < calls; c++) sum += kernels[i].run(a[0], a[1], a[2], a[3]);
			printf("%.3f %lu\n", (now() - start) / calls, sum);
			return 0;
		}
	return 2;
}
