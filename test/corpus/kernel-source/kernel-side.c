/*
 * The half of the harness that is compiled with the kernel's headers: it fills in the structures that severity.c and extable.c
 * work on, calls them, and stands for what they call in turn.
 */
#include <linux/kernel.h>
#include <linux/extable.h>
#include <linux/sched.h>
#include <asm/processor.h>
#include <asm/mce.h>
#include <asm/traps.h>
#include <asm/extable.h>
#include <asm/extable_fixup_types.h>
#include <asm/cpu_device_id.h>
#include <asm/intel-family.h>
#include <asm/prctl.h>
#include <uapi/asm/vsyscall.h>
#include "internal.h"
#include "case.h"

struct cpuinfo_x86 boot_cpu_data;
struct mca_config mca_cfg;
struct mce_vendor_flags mce_flags;
unsigned int early_recursion_flag;

static struct exception_table_entry entry;
static const struct oracle_case *asked;
static struct oracle_answer *answer;

int mce_severity(struct mce *m, struct pt_regs *regs, char **msg, bool is_excp);

const struct exception_table_entry *search_exception_tables(unsigned long ip)
{
	return (asked->options >> 7 & 1) && ip == ORACLE_TEXT ? &entry : NULL;
}

static unsigned long task_size(void)
{
	return (asked->options >> 6 & 1 ? 1ul << 56 : 1ul << 47) - 4096;
}

bool fault_in_kernel_space(unsigned long address)
{
	return (address & ~4095ul) != VSYSCALL_ADDR && address >= task_size();
}

long copy_from_kernel_nofault(void *dst, const void *src, size_t size)
{
	__builtin_memcpy(dst, src, size);
	return 0;
}

void fpu_reset_from_exception_fixup(void)
{
	answer->fpu_resets++;
}

int _printk(const char *format, ...)
{
	answer->warnings++;
	return 0;
}

void __warn_printk(const char *format, ...)
{
	answer->warnings++;
}

void show_stack_regs(struct pt_regs *regs)
{
}

void oracle_panics(void);

void ex_handler_msr_mce(struct pt_regs *regs, bool wrmsr)
{
	oracle_panics();
}

extern int __start_runtime_ptr_USER_PTR_MAX[] __attribute__((weak)), __stop_runtime_ptr_USER_PTR_MAX[] __attribute__((weak));
extern char __start_data_once[] __attribute__((weak)), __stop_data_once[] __attribute__((weak));

static void patch_user_limit(void)
{
	for (int *at = __start_runtime_ptr_USER_PTR_MAX; at < __stop_runtime_ptr_USER_PTR_MAX; at++)
		*(unsigned long *)((char *)at + *at) = task_size();
}

static unsigned long arch_prctl(int code, unsigned long value)
{
	unsigned long result;

	asm volatile("syscall" : "=a" (result) : "0" (158), "D" (code), "S" (value) : "rcx", "r11", "memory");
	return result;
}

static void load(struct pt_regs *regs)
{
	const unsigned long long *from = asked->registers;

	*regs = (struct pt_regs) {
		.ax = from[0], .cx = from[1], .dx = from[2], .bx = from[3], .sp = from[4], .bp = from[5], .si = from[6], .di = from[7],
		.r8 = from[8], .r9 = from[9], .r10 = from[10], .r11 = from[11], .r12 = from[12], .r13 = from[13], .r14 = from[14], .r15 = from[15],
		.ip = ORACLE_TEXT, .cs = 0x10, .ss = 0x18, .flags = 2,
	};
}

void oracle_severity(const struct oracle_case *a_case, struct oracle_answer *an_answer)
{
	struct pt_regs regs;
	char *message = "";
	struct mce m = {
		.status = a_case->status, .misc = a_case->misc, .addr = a_case->addr, .mcgstatus = a_case->mcgstatus,
		.cs = a_case->cs, .bank = a_case->bank, .ip = ORACLE_TEXT,
	};
	unsigned long long options = a_case->options;

	asked = a_case;
	answer = an_answer;
	entry.data = a_case->data;
	boot_cpu_data.x86_vendor = options & 4 ? X86_VENDOR_AMD : X86_VENDOR_INTEL;
	boot_cpu_data.x86 = 6;
	boot_cpu_data.x86_model = options & 32 ? 0x55 : 0x8f;
	boot_cpu_data.x86_stepping = options >> 8 & 0xf;
	mca_cfg.ser = options & 1;
	mce_flags.overflow_recov = options >> 3 & 1;
	mce_flags.succor = options >> 4 & 1;
	load(&regs);
	answer->severity = mce_severity(&m, &regs, &message, options >> 1 & 1);
	answer->kflags = m.kflags;
	for (int i = 0; i < 63 && message[i]; i++)
		((char *)answer->message)[i] = message[i];
}

void oracle_fixup(const struct oracle_case *a_case, struct oracle_answer *an_answer)
{
	static struct pt_regs regs;
	unsigned long fs = 0;
	unsigned int selector = __USER_DS;
	bool cleared = (a_case->data & EX_DATA_TYPE_MASK) == EX_TYPE_CLEAR_FS;

	asked = a_case;
	answer = an_answer;
	patch_user_limit();
	for (char *at = __start_data_once; at < __stop_data_once; at++)
		*at = 0;
	entry.data = a_case->data;
	entry.fixup = (int)(a_case->fixup - (unsigned long)&entry.fixup);
	load(&regs);
	/* The selector tells whether fs was loaded: a base of 0 may not outlive a context switch where FSGSBASE is missing. */
	if (cleared) {
		arch_prctl(ARCH_GET_FS, (unsigned long)&fs);
		asm volatile("mov %0, %%fs" : : "r" (selector) : "memory");
	}
	answer->handled = fixup_exception(&regs, a_case->trapnr, a_case->error_code, a_case->fault_addr) != 0;
	if (cleared) {
		asm volatile("mov %%fs, %0" : "=r" (selector) : : "memory");
		arch_prctl(ARCH_SET_FS, fs);
		answer->fs_cleared = selector == 0;
	}
	answer->ip = regs.ip;
	const unsigned long registers[] = {
		regs.ax, regs.cx, regs.dx, regs.bx, regs.sp, regs.bp, regs.si, regs.di,
		regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15,
	};
	for (int i = 0; i < 16; i++)
		answer->registers[i] = registers[i];
}
