/* SPDX-License-Identifier: MIT */
/* One fault: from a signal to a vector, through those who may take it, back to registers. Runs in signal handlers. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <ucontext.h>
#include "internal.h"

enum vector { DE = 0, DB = 1, NMI = 2, BP = 3, BR = 5, UD = 6, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14, MF = 16, AC = 17, MC = 18, XF = 19, CP = 21 };

/* #DB, NMI, #BP and #DF are never offered. */
#define NEVER_OFFERED (1u << DB | 1u << NMI | 1u << BP | 1u << DF)
/* Bit of a page fault's error code: an instruction fetch. */
#define ERROR_FETCH 0x10
/* Of siginfo, as Linux numbers them; old headers lack some. */
#define CODE_MCEERR_AR 4
#define CODE_BOUNDS 3
#define CODE_CONTROL 10

THREAD_LOCAL volatile sig_atomic_t depth;
THREAD_LOCAL volatile sig_atomic_t user_access_failed;
static _Atomic(void (*)(const struct mcsafe_event *)) observer;

void mcsafe_set_observer(void (*to)(const struct mcsafe_event *event))
{
	atomic_store(&observer, to);
}

bool mcsafe_user_access_failed(void)
{
	bool failed = user_access_failed;

	user_access_failed = 0;
	return failed;
}

/* ucontext register numbers in the order of struct pt_regs, up to di. */
static const unsigned char order[] = { REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11, REG_R10, REG_R9, REG_R8, REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI };

_Static_assert(sizeof(struct pt_regs) == 168, "struct pt_regs is the kernel's");

static void load(struct pt_regs *regs, const ucontext_t *context)
{
	const greg_t *from = context->uc_mcontext.gregs;
	unsigned long *to = &regs->r15;
	unsigned long selectors = (unsigned long)from[REG_CSGSFS];

	for (size_t i = 0; i < sizeof order; i++)
		to[i] = (unsigned long)from[order[i]];
	regs->orig_ax = -1ul;
	regs->ip = (unsigned long)from[REG_RIP];
	regs->sp = (unsigned long)from[REG_RSP];
	regs->flags = (unsigned long)from[REG_EFL];
	/* cs is the lowest of four 16-bit fields, ss the highest. */
	regs->cs = selectors & 0xffff;
	regs->ss = selectors >> 48;
}

static void store(ucontext_t *context, const struct pt_regs *regs)
{
	greg_t *to = context->uc_mcontext.gregs;
	const unsigned long *from = &regs->r15;
	unsigned long selectors = (unsigned long)to[REG_CSGSFS];

	for (size_t i = 0; i < sizeof order; i++)
		to[order[i]] = (greg_t)from[i];
	to[REG_RIP] = (greg_t)regs->ip;
	to[REG_RSP] = (greg_t)regs->sp;
	to[REG_EFL] = (greg_t)regs->flags;
	to[REG_CSGSFS] = (greg_t)((selectors & 0x0000ffffffff0000) | (regs->cs & 0xffff) | (regs->ss & 0xffff) << 48);
}

/*
 * Which exception a signal stands for, or -1 if it is none: somebody sent it. Linux notes the vector of the last exception in the
 * context, except for memory errors, where the signal's code says all.
 */
static int vector_of(int signal, const siginfo_t *info, const ucontext_t *context)
{
	int noted = (int)context->uc_mcontext.gregs[REG_TRAPNO];

	if (info->si_code <= 0)
		return -1;
	switch (signal) {
	case SIGSEGV:
		if (info->si_code == SI_KERNEL)
			return noted == PF || noted == MC ? GP : noted;
		if (info->si_code == CODE_BOUNDS)
			return BR;
		return info->si_code == CODE_CONTROL ? CP : PF;
	case SIGBUS:
		if (info->si_code == CODE_MCEERR_AR)
			return MC;
		if (info->si_code == BUS_ADRALN)
			return AC;
		if (info->si_code == SI_KERNEL)
			return noted == NP ? NP : SS;
		/* A page that could not be read in. Other codes are news of something that went wrong elsewhere. */
		return info->si_code == BUS_ADRERR ? PF : -1;
	case SIGILL:
		return UD;
	case SIGFPE:
		return info->si_code == FPE_INTDIV ? DE : noted == MF || noted == XF ? noted : -1;
	}
	return -1;
}

static struct extable_info info_of(int vector, const siginfo_t *info, const ucontext_t *context)
{
	struct extable_info result = { .error_code = (unsigned long)context->uc_mcontext.gregs[REG_ERR], .addr_kind = EXTABLE_ADDR_NONE };

	if (vector == PF) {
		result.addr = (unsigned long)context->uc_mcontext.gregs[REG_CR2];
		result.addr_kind = EXTABLE_ADDR_LINEAR;
	} else if (vector == MC) {
		result.error_code = 0;
		result.addr = (unsigned long)info->si_addr;
		result.addr_kind = EXTABLE_ADDR_LINEAR;
		result.addr_lsb = (unsigned char)info->si_addr_lsb;
	} else if (!(1u << vector & (1u << TS | 1u << NP | 1u << SS | 1u << GP | 1u << AC | 1u << CP))) {
		result.error_code = 0;
	}
	return result;
}

static void tell(enum mcsafe_taker taker, int vector, bool accepted, unsigned long ip, unsigned long target, unsigned long start, unsigned long end)
{
	void (*to)(const struct mcsafe_event *) = atomic_load_explicit(&observer, memory_order_acquire);
	struct mcsafe_event event = { taker, (unsigned int)vector, (unsigned int)depth, accepted, ip, target, start, end };

	if (to != NULL)
		to(&event);
}

static bool takes(const struct extable_handler *descriptor, int vector)
{
	return (descriptor->vectors & ~NEVER_OFFERED) >> vector & 1;
}

struct fault {
	ucontext_t *context;
	struct pt_regs regs;
	struct extable_info info;
	unsigned long ip;
	int vector;
};

static bool ask(struct fault *fault, const struct extable_handler *descriptor, const struct range *range)
{
	bool accepted = descriptor->handler(&fault->regs, descriptor, (unsigned long)fault->vector, &fault->info);

	tell(range == NULL ? MCSAFE_ENTRY_HANDLER : MCSAFE_RANGE_HANDLER, fault->vector, accepted, fault->ip, (unsigned long)descriptor->handler,
	     range == NULL ? fault->ip : range->start, range == NULL ? 0 : range->end);
	/* Who refuses goes on being asked at the same place; other registers stay as a handler left them for the next. */
	if (accepted)
		store(fault->context, &fault->regs);
	else
		fault->regs.ip = fault->ip;
	return accepted;
}

/* A landing pad. Does without struct pt_regs: three registers at most change. */
static bool land(struct fault *fault, enum entry_class class, uintptr_t target)
{
	greg_t *registers = fault->context->uc_mcontext.gregs;

	registers[REG_RIP] = (greg_t)target;
	if (class == CLASS_TRAPNR)
		registers[REG_RAX] = fault->vector;
	else if (class == CLASS_USER)
		user_access_failed = 1;
	tell(MCSAFE_LANDING_PAD, fault->vector, true, fault->ip, target, fault->ip, 0);
	return true;
}

/* Copies what a search finds, so that no snapshot is held while handlers run. */
static bool next_range(uintptr_t ip, const struct range *after, struct range *found)
{
	const struct snapshot *snapshot = mcsafe_snapshot_get();
	const struct range *range = snapshot == NULL ? NULL : mcsafe_find_range(snapshot, ip);

	/* Ranges around one are larger, or start earlier. */
	while (range != NULL && after != NULL && range->start >= after->start && range->end <= after->end)
		range = range->outer < 0 ? NULL : &snapshot->ranges[range->outer];
	if (range != NULL)
		*found = *range;
	mcsafe_snapshot_put();
	return range != NULL;
}

static bool find_entry(uintptr_t ip, struct entry *found)
{
	const struct snapshot *snapshot = mcsafe_snapshot_get();
	const struct entry *entry = snapshot == NULL ? NULL : mcsafe_find_entry(snapshot, ip);

	if (entry != NULL)
		*found = *entry;
	mcsafe_snapshot_put();
	return entry != NULL;
}

static bool offer(struct fault *fault)
{
	/* Of the instruction itself; one that runs into a bad page faults while it is fetched too, but was reached. */
	bool fetch = fault->vector == PF && (fault->info.error_code & ERROR_FETCH) != 0 && fault->info.addr == fault->ip;
	struct entry entry;
	struct range range, inner;
	bool found;

	found = find_entry(fault->ip, &entry);
	/* As in a kernel, a machine check is recoverable only where an entry says so. */
	if (found && entry.class != CLASS_HANDLER && (fault->vector != MC || entry.class == CLASS_TRAPNR))
		return land(fault, entry.class, entry.target);
	load(&fault->regs, fault->context);
	if (found && entry.class == CLASS_HANDLER && takes((const struct extable_handler *)entry.target, fault->vector) && ask(fault, (const struct extable_handler *)entry.target, NULL))
		return true;
	for (bool more = next_range(fault->ip, NULL, &range); more; inner = range, more = next_range(fault->ip, &inner, &range)) {
		const struct extable_handler *descriptor = range.descriptor;

		if (takes(descriptor, fault->vector) && (!fetch || (descriptor->flags & EXTABLE_IFETCH) != 0) && ask(fault, descriptor, &range))
			return true;
	}
	tell(MCSAFE_NOBODY, fault->vector, false, fault->ip, 0, fault->ip, 0);
	return false;
}

/*
 * A handler that never returned, because it jumped out, leaves the depth too high. That shows: this signal runs on the alternate stack
 * but interrupted something that did not.
 */
static bool is_outermost(const ucontext_t *context)
{
	uintptr_t bottom = (uintptr_t)context->uc_stack.ss_sp, sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP], here = (uintptr_t)&bottom;
	size_t size = context->uc_stack.ss_size;

	return (context->uc_stack.ss_flags & SS_DISABLE) == 0 && here - bottom < size && sp - bottom >= size;
}

bool mcsafe_handle(int signal, const void *siginfo, void *ucontext)
{
	const siginfo_t *info = siginfo;
	int saved_errno = errno;
	struct fault fault;
	int vector = vector_of(signal, info, ucontext);
	bool accepted = false;

	if (vector < 0 || (NEVER_OFFERED >> vector & 1) != 0)
		return false;
	fault.context = ucontext;
	fault.vector = vector;
	fault.ip = (unsigned long)fault.context->uc_mcontext.gregs[REG_RIP];
	fault.info = info_of(vector, info, ucontext);
	if (is_outermost(fault.context))
		depth = 0;
	depth++;
	if (depth <= MCSAFE_MAX_DEPTH)
		accepted = offer(&fault);
	else
		tell(MCSAFE_NOBODY, vector, false, fault.ip, 0, fault.ip, 0);
	depth--;
	errno = saved_errno;
	return accepted;
}
