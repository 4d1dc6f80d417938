/* SPDX-License-Identifier: MIT */
/* Each kind of fault, and the landing pads of entries. */
#include "tests.h"
#include <sys/mman.h>
#include <sys/syscall.h>

static struct extable_info seen_info;

static bool memory_error_handle(struct pt_regs *regs, const struct extable_handler *self, unsigned long trapnr, const struct extable_info *info)
{
	(void)self;
	seen_info = *info;
	regs->ax = 0x1000 + trapnr;
	return true;
}
const struct extable_handler memory_error_handler = { memory_error_handle, EXTABLE_MC, 0 };

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

void test_faults(void)
{
	TEST(loads_of_every_size_report_the_vector);
	TEST(landing_pads_of_each_class);
	TEST(every_signal_has_its_vectors);
	TEST(memory_errors_are_machine_checks);
}
