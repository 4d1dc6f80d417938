/* SPDX-License-Identifier: MIT */
/* Handlers of entries and of ranges: what they see and set, who is asked in which order, and faults of their own. */
#include "tests.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

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

void test_handlers(void)
{
	TEST(a_handler_sees_and_sets_every_register);
	TEST(a_handler_unwinds_a_frame);
	TEST(ranges_are_asked_from_the_innermost_out);
	TEST(a_range_takes_fetches_only_if_it_says_so);
	TEST(a_fault_in_a_handler_is_looked_up);
	TEST(too_deep_goes_to_the_handler_before);
	TEST(a_full_stack_is_a_fault_like_any_other);
	TEST(an_observer_sees_who_took_a_fault);
}
