/* SPDX-License-Identifier: MIT */
/* The runtime's behaviour, told as small stories. Each runs in a child of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <mcsafe/runtime.h>
#include "check.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define BAD_ADDRESS ((const void *)(0x8000ul << 48 | 8))

extern unsigned long load_or(const void *from, unsigned long otherwise), user_load(const void *from), divide(long a, long b), undefined_instruction(void), misaligned(const void *from),
	bad_selector(unsigned int selector), handled_load(const void *from), ranged_load(const void *from), nested_load(const void *from), deep_load(const void *from), start_recursion(void),
	memory_error(long pid, long tid, long signal, const void *info), plain_load(const void *from), plain_divide(long a, long b), whole_page(void);
extern void every_register(const void *from, unsigned long *out);
extern const char every_register_load[], every_register_resumed[], ranged_pad[], nested_pad[], recursion_ended[], plain_load_end[];
extern unsigned long saved_sp;

static const char *plugin_path;
static char *bad;	/* a page that cannot be read */
static unsigned long good = 0x1122334455667788;

static unsigned long allocations;

#if !SANITIZED
void *__real_malloc(size_t size), *__real_calloc(size_t n, size_t size), *__real_realloc(void *old, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t size) { allocations++; return __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { allocations++; return __real_calloc(n, size); }
void *__wrap_realloc(void *old, size_t size) { allocations++; return __real_realloc(old, size); }
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) { allocations++; return __real_mmap(at, size, protection, flags, file, offset); }
#endif

/* ---- handlers ---- */

static struct pt_regs seen_regs;
static struct extable_info seen_info;
static unsigned long seen_trapnr;

static bool every_register_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	unsigned long *registers = &regs->r15;

	(void)self;
	seen_regs = *regs;
	seen_info = *info;
	seen_trapnr = trapnr;
	for (int i = 0; i < 15; i++)
		registers[i] += 0x1000;
	regs->sp -= 64;
	regs->flags ^= 0x8d5;
	regs->ip = (unsigned long)every_register_resumed;
	errno = 99;
	return true;
}
const struct extable_handler every_register_handler = { every_register_handle, EXTABLE_PF, 0 };

/* A descriptor in a larger struct: what it does is data. */
struct numbered {
	struct extable_handler handler;
	unsigned long answer;
	bool refuses;
};
static bool numbered_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	const struct numbered *numbered = (const struct numbered *)self;
	const unsigned long *frame = (const unsigned long *)regs->bp;

	(void)trapnr;
	(void)info;
	if (numbered->refuses)
		return false;
	regs->sp = regs->bp + 16;
	regs->bp = frame[0];
	regs->ip = frame[1];
	regs->ax = numbered->answer;
	return true;
}
struct numbered numbered_handler = { { numbered_handle, EXTABLE_PF, 0 }, 4242, false };

static bool inner_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	(void)info;
	if (trapnr != 14)
		return false;
	regs->ax = 14;
	regs->ip = (unsigned long)ranged_pad;
	return true;
}
const struct extable_handler inner_handler = { inner_handle, EXTABLE_PF | EXTABLE_GP, 0 };

static bool outer_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	(void)info;
	regs->ax = 0x100 + trapnr;
	regs->ip = (unsigned long)ranged_pad;
	return true;
}
const struct extable_handler outer_handler = { outer_handle, EXTABLE_PF | EXTABLE_GP, 0 };

static bool nested_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	unsigned long value;

	(void)self;
	(void)info;
	regs->ax = trapnr << 8 | MCSAFE_LOAD((const unsigned long *)BAD_ADDRESS, &value);
	regs->ip = (unsigned long)nested_pad;
	return true;
}
const struct extable_handler nested_handler = { nested_handle, EXTABLE_PF, 0 };

static int deepest;
static bool deep_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)regs;
	(void)self;
	(void)trapnr;
	(void)info;
	deepest++;
	deep_load(bad);
	return false;
}
const struct extable_handler deep_handler = { deep_handle, EXTABLE_PF, 0 };

static bool overflow_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	(void)trapnr;
	(void)info;
	regs->ip = (unsigned long)recursion_ended;
	regs->ax = 1;
	return true;
}
const struct extable_handler overflow_handler = { overflow_handle, EXTABLE_PF, 0 };

static bool memory_error_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	seen_info = *info;
	regs->ax = 0x1000 + trapnr;
	return true;
}
const struct extable_handler memory_error_handler = { memory_error_handle, EXTABLE_MC, 0 };

static bool fetch_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	(void)trapnr;
	(void)info;
	regs->ip = *(const unsigned long *)regs->sp;
	regs->sp += 8;
	regs->ax = 6;
	return true;
}
struct extable_handler fetch_handler = { fetch_handle, EXTABLE_PF, 0 };

/* ---- stories ---- */

static void start(void)
{
	CHECK_EQUAL(mcsafe_init(), 0);
}

static void loads_of_every_size_report_the_vector(void)
{
	unsigned char byte = 1;
	unsigned short word = 1;
	unsigned int dword = 1;
	unsigned long qword = 1;

	start();
	CHECK_EQUAL(MCSAFE_LOAD(&good, &qword), 0);
	CHECK_EQUAL(qword, good);
	CHECK_EQUAL(MCSAFE_LOAD((unsigned long *)bad, &qword), 14);
	CHECK_EQUAL(MCSAFE_LOAD((unsigned char *)bad + 1, &byte), 14);
	CHECK_EQUAL(MCSAFE_LOAD((unsigned short *)bad, &word), 14);
	CHECK_EQUAL(MCSAFE_LOAD((unsigned int *)bad, &dword), 14);
	CHECK_EQUAL(byte | word | dword | qword, 0);
	CHECK_EQUAL(MCSAFE_LOAD((const unsigned long *)BAD_ADDRESS, &qword), 13);
}

static void landing_pads_of_each_class(void)
{
	start();
	CHECK_EQUAL(load_or(bad, 3), 3);
	CHECK_EQUAL(load_or(&good, 3), good);
	CHECK(!mcsafe_user_access_failed());
	CHECK_EQUAL(user_load(bad), 77);
	CHECK(mcsafe_user_access_failed());
	CHECK(!mcsafe_user_access_failed());
}

static void every_signal_has_its_vectors(void)
{
	FILE *file = tmpfile();
	const char *beyond;

	start();
	CHECK_EQUAL(divide(7, 2), 0x103);
	CHECK_EQUAL(divide(7, 0), 0);
	CHECK_EQUAL(undefined_instruction(), 6);
	CHECK_EQUAL(misaligned(&good), 17);
	CHECK_EQUAL(bad_selector(0x1234), 13);
	CHECK(file != NULL && ftruncate(fileno(file), 4096) == 0);
	beyond = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(file), 0);
	CHECK(beyond != MAP_FAILED);
	CHECK_EQUAL(load_or(beyond + 4096, 3), 3);
}

static void a_handler_sees_and_sets_every_register(void)
{
	unsigned long out[17];
	static const char number_in_order[15] = { 15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7 };

	start();
	errno = 5;
	every_register(bad + 8, out);
	CHECK_EQUAL(errno, 5);
	CHECK_EQUAL(seen_trapnr, 14);
	CHECK_EQUAL(seen_info.error_code & ~4ul, 0);
	CHECK_EQUAL(seen_info.addr, bad + 8);
	CHECK_EQUAL(seen_info.addr_kind, EXTABLE_ADDR_LINEAR);
	for (int i = 0; i < 15; i++) {
		unsigned long before = number_in_order[i] == 7 ? (unsigned long)bad + 8 : 0x100ul + (unsigned long)number_in_order[i];

		CHECK_EQUAL((&seen_regs.r15)[i], before);
		CHECK_EQUAL(out[(int)number_in_order[i]], before + 0x1000);
	}
	CHECK_EQUAL(seen_regs.orig_ax, -1);
	CHECK_EQUAL(seen_regs.ip, every_register_load);
	CHECK_EQUAL(seen_regs.sp, saved_sp);
	CHECK_EQUAL(seen_regs.cs, 0x33);
	CHECK_EQUAL(seen_regs.flags & 0xcd5, 0xcd5);
	CHECK_EQUAL(out[4], saved_sp - 64);
	CHECK_EQUAL(out[16] & 0xcd5, 0xcd5 ^ 0x8d5);
}

static void a_handler_unwinds_a_frame(void)
{
	start();
	CHECK_EQUAL(handled_load(&good), good);
	CHECK_EQUAL(handled_load(bad), 4242);
}

static jmp_buf *volatile jump_to;
static volatile sig_atomic_t last_signal;
static sigset_t mask_in_handler;
static volatile sig_atomic_t calls;

static void note_and_jump(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	last_signal = signal;
	calls++;
	pthread_sigmask(SIG_SETMASK, NULL, &mask_in_handler);
	if (jump_to != NULL)
		siglongjmp(*jump_to, 1);
}

static void note_and_step(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	last_signal = signal;
	calls++;
	mprotect(bad, 4096, PROT_READ);
}

static void note_plainly(int signal)
{
	last_signal = signal;
	siglongjmp(*jump_to, 1);
}

static void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags, int blocked)
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

static void ranges_are_asked_from_the_innermost_out(void)
{
	start();
	CHECK_EQUAL(ranged_load(bad), 14);
	CHECK_EQUAL(ranged_load(BAD_ADDRESS), 0x10d);
	CHECK_EQUAL(ranged_load(&good), good);
}

static void a_range_takes_fetches_only_if_it_says_so(void)
{
	sigjmp_buf place;

	install(SIGSEGV, note_and_jump, 0, 0);
	start();
	jump_to = (jmp_buf *)&place;
	CHECK_EQUAL(whole_page(), 5);
	CHECK(mprotect((void *)whole_page, 4096, PROT_READ) == 0);
	if (sigsetjmp(place, 1) == 0)
		CHECK(!whole_page());
	CHECK_EQUAL(last_signal, SIGSEGV);
	fetch_handler.flags = EXTABLE_IFETCH;
	CHECK_EQUAL(whole_page(), 6);
}

static void a_fault_in_a_handler_is_looked_up(void)
{
	start();
	CHECK_EQUAL(nested_load(bad), 14 << 8 | 13);
}

static void too_deep_goes_to_the_handler_before(void)
{
	sigjmp_buf place;

	install(SIGSEGV, note_and_jump, 0, 0);
	start();
	jump_to = (jmp_buf *)&place;
	if (sigsetjmp(place, 1) == 0)
		deep_load(bad);
	CHECK_EQUAL(deepest, MCSAFE_MAX_DEPTH);
	CHECK_EQUAL(nested_load(bad), 14 << 8 | 13);
}

static void *overflow(void *unused)
{
	(void)unused;
	CHECK_EQUAL(mcsafe_thread_register(), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(start_recursion(), 1);
	CHECK_EQUAL(mcsafe_thread_unregister(), 0);
	return NULL;
}

static void a_full_stack_is_a_fault_like_any_other(void)
{
	pthread_t thread;
	pthread_attr_t attributes;

	start();
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 1 << 18);
	CHECK(pthread_create(&thread, &attributes, overflow, NULL) == 0);
	pthread_join(thread, NULL);
}

static void memory_errors_are_machine_checks(void)
{
	siginfo_t info;

	start();
	memset(&info, 0, sizeof info);
	info.si_signo = SIGBUS;
	info.si_code = BUS_MCEERR_AR;
	info.si_addr = bad + 64;
	info.si_addr_lsb = 12;
	CHECK_EQUAL(memory_error(getpid(), syscall(SYS_gettid), SIGBUS, &info), 0x1000 + 18);
	CHECK_EQUAL(seen_info.addr, bad + 64);
	CHECK_EQUAL(seen_info.addr_lsb, 12);
	CHECK_EQUAL(seen_info.addr_kind, EXTABLE_ADDR_LINEAR);
	CHECK_EQUAL(seen_info.error_code, 0);
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

static void nothing_is_allocated_after_registration(void)
{
	unsigned long before, value;

	start();
	before = allocations;
	CHECK(SANITIZED || before > 0);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQUAL(load_or(bad, 3), 3);
		CHECK_EQUAL(handled_load(bad), 4242);
		CHECK_EQUAL(MCSAFE_LOAD((unsigned long *)bad, &value), 14);
	}
	CHECK_EQUAL(allocations, before);
}

static void bad_tables_are_refused_and_change_nothing(void)
{
#define REFUSED(name, as, text) do { \
	extern const char name[], name##_end[]; \
	CHECK_EQUAL(as(name, name##_end), -EINVAL); \
	if (strstr(mcsafe_last_error(), text) == NULL) { puts(mcsafe_last_error()); CHECK(!text); } \
} while (0)
#define AS_ENTRIES(start, end) mcsafe_register(start, end, NULL, NULL)
#define AS_RANGES(start, end) mcsafe_register(NULL, NULL, start, end)
	start();
	REFUSED(odd_table, AS_ENTRIES, "has 12 bytes, no multiple of 8");
	REFUSED(odd_table, AS_RANGES, "has 12 bytes, no multiple of 16");
	REFUSED(data_entry, AS_ENTRIES, "entry 0 is for an instruction at");
	REFUSED(data_target, AS_ENTRIES, "which is no code of this object");
	REFUSED(no_descriptor, AS_ENTRIES, "which is no code");
	REFUSED(twice, AS_ENTRIES, "two entries for the instruction");
	REFUSED(empty_range, AS_RANGES, "mcsafe table --fix");
	REFUSED(far_range, AS_RANGES, "is no code of this object");
	REFUSED(same_ranges, AS_RANGES, "two ranges are the same");
	REFUSED(crossing_ranges, AS_RANGES, "only in part");
	CHECK_EQUAL(mcsafe_register(bad + 8, bad, NULL, NULL), -EINVAL);
	CHECK_EQUAL(mcsafe_register(bad, bad + 8, NULL, NULL), -EINVAL);
	CHECK(strstr(mcsafe_last_error(), "belongs to no loaded object") != NULL);
	CHECK_EQUAL(mcsafe_unregister(bad, NULL), -ENOENT);
	CHECK_EQUAL(load_or(bad, 3), 3);
}

static struct mcsafe_event events[8];
static unsigned int event_count;

static void observe(const struct mcsafe_event *event)
{
	if (event_count < 8)
		events[event_count++] = *event;
}

static void an_observer_sees_who_took_a_fault(void)
{
	start();
	mcsafe_set_observer(observe);
	load_or(bad, 3);
	ranged_load(BAD_ADDRESS);
	nested_load(bad);
	mcsafe_set_observer(NULL);
	load_or(bad, 3);
	CHECK_EQUAL(event_count, 5);
	CHECK(events[0].taker == MCSAFE_LANDING_PAD && events[0].accepted && events[0].trapnr == 14 && events[0].depth == 1);
	CHECK(events[1].taker == MCSAFE_RANGE_HANDLER && !events[1].accepted && events[1].target == (unsigned long)inner_handle);
	CHECK(events[2].taker == MCSAFE_RANGE_HANDLER && events[2].accepted && events[2].start == (unsigned long)ranged_load);
	CHECK(events[3].taker == MCSAFE_LANDING_PAD && events[3].depth == 2);
	CHECK(events[4].taker == MCSAFE_ENTRY_HANDLER && events[4].depth == 1 && events[4].ip == (unsigned long)nested_load);
}

typedef unsigned long plugin_load_function(const unsigned long *from, unsigned long *to);

static plugin_load_function *open_plugin(void **plugin)
{
	plugin_load_function *load;

	*plugin = dlopen(plugin_path, RTLD_NOW);
	CHECK(*plugin != NULL);
	*(void **)&load = dlsym(*plugin, "plugin_load");
	CHECK(load != NULL);
	return load;
}

static void an_object_loaded_later_is_registered_later(void)
{
	sigjmp_buf place;
	unsigned long value;
	void *plugin;
	plugin_load_function *volatile load;

	install(SIGSEGV, note_and_jump, 0, 0);
	start();
	jump_to = (jmp_buf *)&place;
	for (volatile int i = 0; i < 3; i++) {
		load = open_plugin(&plugin);
		if (i == 0) {
			if (sigsetjmp(place, 1) == 0)
				load((unsigned long *)bad, &value);
			CHECK_EQUAL(calls, 1);
		}
		CHECK_EQUAL(mcsafe_register_loaded(), 0);
		CHECK_EQUAL(load((unsigned long *)bad, &value), 14);
		dlclose(plugin);
	}
	CHECK_EQUAL(calls, 1);
	CHECK_EQUAL(load_or(bad, 3), 3);
}

static atomic_bool stop;

static void *fault_without_end(void *data)
{
	unsigned long *count = data, value;

	if (*count % 2 == 0)
		CHECK_EQUAL(mcsafe_thread_register(), 0);
	*count = 0;
	while (!atomic_load(&stop)) {
		CHECK_EQUAL(load_or(bad, *count), *count);
		CHECK_EQUAL(MCSAFE_LOAD((unsigned long *)bad, &value), 14);
		CHECK_EQUAL(handled_load(bad), 4242);
		CHECK_EQUAL(ranged_load(BAD_ADDRESS), 0x10d);
		++*count;
	}
	return NULL;
}

static void threads_fault_while_others_register(void)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	unsigned long counts[THREADS], value;
	plugin_load_function *load;
	void *plugin;

	start();
	load = open_plugin(&plugin);
	for (unsigned long i = 0; i < THREADS; i++) {
		counts[i] = i;
		CHECK(pthread_create(&threads[i], NULL, fault_without_end, &counts[i]) == 0);
	}
	for (int i = 0; i < 300; i++) {
		CHECK_EQUAL(mcsafe_register_loaded(), 0);
		CHECK_EQUAL(load((unsigned long *)bad, &value), 14);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(counts[i] > 0);
	}
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
	TEST(loads_of_every_size_report_the_vector);
	TEST(landing_pads_of_each_class);
	TEST(every_signal_has_its_vectors);
	TEST(a_handler_sees_and_sets_every_register);
	TEST(a_handler_unwinds_a_frame);
	TEST(a_refused_fault_goes_to_the_handler_before);
	TEST(the_handler_before_may_be_a_plain_one);
	TEST(the_handler_before_may_resume);
	TEST_DIES(a_one_shot_handler_is_called_once, SIGSEGV);
	TEST_DIES(nobody_before_means_death, SIGSEGV);
	TEST_DIES(a_bad_division_dies_of_its_own_signal, SIGFPE);
	TEST_DIES(a_fault_cannot_be_ignored, SIGSEGV);
	TEST(a_sent_signal_can);
	TEST_DIES(a_sent_signal_kills, SIGBUS);
	TEST(ranges_are_asked_from_the_innermost_out);
	TEST(a_range_takes_fetches_only_if_it_says_so);
	TEST(a_fault_in_a_handler_is_looked_up);
	TEST(too_deep_goes_to_the_handler_before);
	TEST(a_full_stack_is_a_fault_like_any_other);
	TEST(memory_errors_are_machine_checks);
	TEST(shutdown_puts_the_handlers_back);
	TEST(a_program_may_keep_its_own_handler);
	TEST(nothing_is_allocated_after_registration);
	TEST(bad_tables_are_refused_and_change_nothing);
	TEST(an_observer_sees_who_took_a_fault);
	TEST(an_object_loaded_later_is_registered_later);
	TEST(threads_fault_while_others_register);
	printf("%s\n", failures == 0 ? "all passed" : "failures");
	return failures != 0;
}
