/* SPDX-License-Identifier: MIT */
/* Tables and objects that are registered: what is refused, what comes and goes, and that faults then need no memory. */
#include "tests.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

static unsigned long allocations;

/* Set where the test is linked with --wrap for them: not with sanitizers, which have allocators of their own. */
#ifdef COUNTS_ALLOCATIONS
void *__real_malloc(size_t size), *__real_calloc(size_t n, size_t size), *__real_realloc(void *old, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t size) { allocations++; return __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { allocations++; return __real_calloc(n, size); }
void *__wrap_realloc(void *old, size_t size) { allocations++; return __real_realloc(old, size); }
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) { allocations++; return __real_mmap(at, size, protection, flags, file, offset); }
#endif

static void nothing_is_allocated_after_registration(void)
{
	unsigned long before, value;

	start();
	before = allocations;
#ifdef COUNTS_ALLOCATIONS
	CHECK(before > 0);
#endif
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

void test_registration(void)
{
	TEST(nothing_is_allocated_after_registration);
	TEST(bad_tables_are_refused_and_change_nothing);
	TEST(an_object_loaded_later_is_registered_later);
	TEST(threads_fault_while_others_register);
}
