/*
 * Runs batches of short machine-code cases natively, each from a given register, flag, vector and memory state, and
 * reports the state each ended in together with the signal that ended it.
 *
 * Freestanding and static: while a case runs, fs, gs and every register belong to the case, so nothing here may rely on
 * thread-local storage. Every case is entered by rt_sigreturn and left by a signal (each case ends on an int3 at the latest),
 * so one signal handler does all of it: store what the last case left behind, load the next one into the signal frame, return.
 * A seccomp filter turns every system call that does not come from this file's own code into SIGSYS.
 *
 * The wire format is described in wire.ts.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <ucontext.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <asm/prctl.h>

#define MAX_REGIONS 32
#define OUT_SIZE (1 << 21)
#define OUT_HIGH (OUT_SIZE - (1 << 19))

struct region {
  uint64_t address, size, protection;
  uint8_t *alias;      /* the same pages, always writable */
  const uint8_t *base; /* contents before every case */
};

struct header {
  uint32_t magic, regions, cases, pad;
  uint64_t fs_base, gs_base;
};

struct case_in {
  uint64_t rip, rflags, gpr[16];
  uint8_t fxsave[512];
  uint8_t ymm_high[256];
  uint32_t patches, pad;
};

struct patch {
  uint64_t address, size;
};

struct case_out {
  uint32_t signal, code;
  uint64_t trap, error, cr2;
  uint64_t rip, rflags, gpr[16];
  uint8_t fxsave[512];
  uint8_t ymm_high[256];
  uint32_t ranges, pad;
};

static struct region regions[MAX_REGIONS];
static uint32_t region_count, case_count, next_case;
static const uint8_t *cursor;
static uint64_t fs_base, gs_base;
static uint8_t *out;
static size_t out_used;
static int started;
static uint32_t ticks_of = ~0u;
static uint8_t alternate_stack[1 << 17] __attribute__((aligned(64)));

static long syscall6(long n, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
#define CALL(n, a, b, c) syscall6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)

void *memcpy(void *to, const void *from, size_t n) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return start;
}
void *memset(void *to, int value, size_t n) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return start;
}

static void leave(int status) {
  for (;;) CALL(SYS_exit_group, status, 0, 0);
}

static void fail(const char *what) {
  size_t n = 0;
  while (what[n]) n++;
  CALL(SYS_write, 2, what, n);
  leave(2);
}

static void flush_output(void) {
  size_t done = 0;
  while (done < out_used) {
    long n = CALL(SYS_write, 1, out + done, out_used - done);
    if (n <= 0) leave(3);
    done += (size_t)n;
  }
  out_used = 0;
}

static void emit(const void *bytes, size_t n) {
  memcpy(out + out_used, bytes, n);
  out_used += n;
}

static struct region *region_of(uint64_t address, uint64_t size) {
  for (uint32_t i = 0; i < region_count; i++)
    if (address >= regions[i].address && size <= regions[i].size && address - regions[i].address <= regions[i].size - size) return &regions[i];
  return 0;
}

/* Appends every changed stretch of writable memory and puts the base contents back. */
static uint32_t emit_changes(void) {
  uint32_t ranges = 0;
  for (uint32_t r = 0; r < region_count; r++) {
    struct region *region = &regions[r];
    uint64_t words = region->size / 8;
    uint64_t *now = (uint64_t *)region->alias;
    const uint64_t *before = (const uint64_t *)region->base;
    if (region->protection & PROT_EXEC) continue;
    for (uint64_t i = 0; i < words; i++) {
      if (now[i] == before[i]) continue;
      uint64_t end = i + 1;
      while (end < words && now[end] != before[end]) end++;
      uint64_t address = region->address + i * 8, size = (end - i) * 8;
      emit(&address, 8);
      emit(&size, 8);
      emit(now + i, size);
      memcpy(now + i, before + i, size);
      ranges++;
      i = end;
    }
  }
  return ranges;
}

static void reset_segments(void) {
  __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(0));
  __asm__ volatile("mov %0, %%fs\n\tmov %0, %%gs" : : "r"(0));
  CALL(SYS_arch_prctl, ARCH_SET_FS, fs_base, 0);
  CALL(SYS_arch_prctl, ARCH_SET_GS, gs_base, 0);
}

static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void store_result(int signal, const siginfo_t *info, const ucontext_t *context) {
  size_t at = out_used;
  struct case_out *result = (struct case_out *)(out + at);
  const uint8_t *fp = (const uint8_t *)context->uc_mcontext.fpregs;
  out_used += sizeof *result;
  result->signal = (uint32_t)signal;
  result->code = (uint32_t)info->si_code;
  result->trap = (uint64_t)context->uc_mcontext.gregs[REG_TRAPNO];
  result->error = (uint64_t)context->uc_mcontext.gregs[REG_ERR];
  result->cr2 = (uint64_t)context->uc_mcontext.gregs[REG_CR2];
  result->rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
  result->rflags = (uint64_t)context->uc_mcontext.gregs[REG_EFL];
  for (int i = 0; i < 16; i++) result->gpr[i] = (uint64_t)context->uc_mcontext.gregs[GREG[i]];
  memcpy(result->fxsave, fp, 512);
  uint32_t magic = *(const uint32_t *)(fp + 464);
  uint64_t present = magic == 0x46505853 ? *(const uint64_t *)(fp + 512) : 3;
  if (present & 4) memcpy(result->ymm_high, fp + 576, 256);
  else memset(result->ymm_high, 0, 256);
  if (!(present & 2)) memset(result->fxsave + 160, 0, 256);
  if (!(present & 1)) {
    memset(result->fxsave + 2, 0, 3);
    memset(result->fxsave + 32, 0, 128);
  }
  result->pad = 0;
  uint32_t ranges = emit_changes();
  ((struct case_out *)(out + at))->ranges = ranges;
}

static void load_case(ucontext_t *context) {
  const struct case_in *in = (const struct case_in *)cursor;
  uint8_t *fp = (uint8_t *)context->uc_mcontext.fpregs;
  cursor += sizeof *in;
  context->uc_mcontext.gregs[REG_RIP] = (long long)in->rip;
  context->uc_mcontext.gregs[REG_EFL] = (long long)in->rflags;
  for (int i = 0; i < 16; i++) context->uc_mcontext.gregs[GREG[i]] = (long long)in->gpr[i];
  /* ss in the top 16 bits, cs in the lowest: a far return may have changed them. */
  context->uc_mcontext.gregs[REG_CSGSFS] = 0x002b000000000033;
  /* Bytes 416 on are the kernel's. */
  memcpy(fp, in->fxsave, 416);
  if (*(uint32_t *)(fp + 464) == 0x46505853) {
    uint64_t *header = (uint64_t *)(fp + 512);
    uint64_t available = *(uint64_t *)(fp + 472);
    header[0] = available & 7;
    if (available & 4) memcpy(fp + 576, in->ymm_high, 256);
  }
  for (uint32_t i = 0; i < in->patches; i++) {
    const struct patch *p = (const struct patch *)cursor;
    struct region *region = region_of(p->address, p->size);
    if (!region || (region->protection & PROT_EXEC)) fail("a patch lies outside the data regions\n");
    memcpy(region->alias + (p->address - region->address), p + 1, p->size);
    cursor += sizeof *p + ((p->size + 7) & ~7ull);
  }
}

static void on_signal(int signal, siginfo_t *info, void *frame) {
  ucontext_t *context = frame;
  /* rt_sigreturn leaves ID and NT as they are now. */
  __asm__ volatile("pushq $0x202\n\tpopfq" : : : "cc", "memory");
  if (signal == SIGVTALRM) {
    /* A case is given up when it used two ticks of the timer, which counts its own time only. */
    if (!started || ticks_of != next_case) {
      ticks_of = next_case;
      return;
    }
  }
  reset_segments();
  if (started) {
    store_result(signal, info, context);
    if (out_used > OUT_HIGH) flush_output();
  }
  started = 1;
  if (next_case == case_count) {
    flush_output();
    leave(0);
  }
  next_case++;
  load_case(context);
}

__asm__(".text\nrestorer: mov $15, %eax\n\tsyscall\n");
extern void restorer(void);
extern char __executable_start[], etext[];

struct kernel_sigaction {
  void (*handler)(int, siginfo_t *, void *);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};

static void install(int signal) {
  struct kernel_sigaction action = {on_signal, SA_SIGINFO | SA_ONSTACK | 0x04000000, restorer, ~0ul};
  if (syscall6(SYS_rt_sigaction, signal, (long)&action, 0, 8, 0, 0) != 0) fail("rt_sigaction\n");
}

static void confine(void) {
  uint64_t from = (uint64_t)__executable_start, to = (uint64_t)etext;
  if (from >> 32 != to >> 32) fail("text crosses 4 GiB\n");
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(from >> 32), 0, 4),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)from, 0, 2),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)to, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  syscall6(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
  if (syscall6(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&program, 0, 0, 0) != 0) fail("seccomp filters are not available\n");
}

static const uint8_t *read_input(void) {
  size_t size = 1 << 26, used = 0;
  uint8_t *buffer = (uint8_t *)syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (;;) {
    if (used == size) fail("the batch is larger than 64 MiB\n");
    long n = CALL(SYS_read, 0, buffer + used, size - used);
    if (n < 0) fail("read\n");
    if (n == 0) return buffer;
    used += (size_t)n;
  }
}

__attribute__((used)) static void start(void) {
  const uint8_t *input = read_input();
  const struct header *header = (const struct header *)input;
  if (header->magic != 0x31524f4d) fail("not a batch\n");
  if (header->regions > MAX_REGIONS) fail("too many regions\n");
  cursor = input + sizeof *header;
  region_count = header->regions;
  case_count = header->cases;
  fs_base = header->fs_base;
  gs_base = header->gs_base;
  for (uint32_t i = 0; i < region_count; i++) {
    struct region *region = &regions[i];
    memcpy(region, cursor, 24);
    cursor += 24;
    region->base = cursor;
    cursor += region->size;
    long file = CALL(SYS_memfd_create, "region", 0, 0);
    if (file < 0 || CALL(SYS_ftruncate, file, region->size, 0) != 0) fail("memfd_create\n");
    region->alias = (uint8_t *)syscall6(SYS_mmap, 0, (long)region->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    memcpy(region->alias, region->base, region->size);
    long at = syscall6(SYS_mmap, (long)region->address, (long)region->size, (long)region->protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, file, 0);
    if (at != (long)region->address) fail("a region's address is taken\n");
    CALL(SYS_close, file, 0, 0);
  }
  out = (uint8_t *)syscall6(SYS_mmap, 0, OUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack, .ss_flags = 0};
  CALL(SYS_sigaltstack, &stack, 0, 0);
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGVTALRM};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) install(signals[i]);
  confine();
  struct itimerval timer = {{0, 10000}, {0, 10000}};
  CALL(SYS_setitimer, ITIMER_VIRTUAL, &timer, 0);
  __asm__ volatile("int3");
  fail("unreachable\n");
}

__asm__(".globl _start\n_start: xor %ebp, %ebp\n\tand $-64, %rsp\n\tcall start\n\thlt\n");
