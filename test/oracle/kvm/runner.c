/*
 * Runs batches of single instructions in a virtual machine, on the plain KVM API: each from a given state of general, segment, control,
 * debug and model-specific registers and of memory, in ring 0 or 3, and reports the state each ended in.
 *
 * The guest has no program of its own: long mode, page tables and descriptor tables are written from here, every vector's handler is
 * one `hlt`, and so is everything behind an instruction. A case is one entry into the guest.
 *
 * The wire format is described in wire.ts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define MAGIC 0x314d564b
#define MAX_PAGES 64
#define MEMORY (4u << 20)
#define TABLES 0x1000u  /* page tables: up to PAGES */
#define PAGES 0x100000u /* the case's pages, in their order */
#define PAGE 4096u
#define BANK_MSR(bank, field) (0x400u + 4 * (bank) + (field))

enum { PRESENT = 1, WRITABLE = 2, EXECUTABLE = 4, USER = 8, RESERVED = 16 };

struct header {
  uint32_t magic, pages, cases, pad;
};

struct page {
  uint64_t address, flags;
  uint8_t bytes[PAGE];
};

struct segment {
  uint64_t base;
  uint32_t limit;
  uint16_t selector, attributes; /* as the descriptor has them: type 0-3, s 4, dpl 5-6, p 7, avl 12, l 13, db 14, g 15 */
};

struct case_in {
  uint64_t gpr[16], rip, rflags;
  struct segment segments[8]; /* es cs ss ds fs gs ldtr tr */
  uint64_t gdt_base, gdt_limit, idt_base, idt_limit;
  uint64_t cr0, cr2, cr4, cr8, efer, xcr0, dr[6];
  uint64_t machine_check[4]; /* status, address, misc, mcg_status; all zero: none */
  uint32_t msrs, patches;
};

struct case_out {
  uint32_t reason, detail;
  uint64_t gpr[16], rip, rflags;
  struct segment segments[8];
  uint64_t gdt_base, gdt_limit, idt_base, idt_limit;
  uint64_t cr0, cr2, cr3, cr4, cr8, efer, xcr0, dr[6];
  uint32_t msrs, ranges;
};

static uint8_t *memory;
static struct page *pages;
static uint32_t page_count;
static uint32_t next_table = TABLES;
static int vcpu;
static struct kvm_run *run;
static volatile sig_atomic_t ticks;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(2);
}

static void on_tick(int signal) {
  (void)signal;
  ticks++;
}

static void *need(const uint8_t **at, const uint8_t *end, size_t size) {
  const uint8_t *here = *at;
  if ((size_t)(end - here) < size) {
    fprintf(stderr, "the batch is cut short\n");
    exit(2);
  }
  *at += size;
  return (void *)here;
}

static uint64_t *table_at(uint64_t *entry) {
  if (!(*entry & 1)) {
    if (next_table == PAGES) fail("too many page tables");
    *entry = next_table | 0x27; /* present, writable, user, accessed */
    next_table += PAGE;
  }
  return (uint64_t *)(memory + (*entry & ~0xfffull));
}

static void map(uint64_t address, uint64_t physical, uint64_t flags) {
  uint64_t *table = (uint64_t *)(memory + TABLES);
  for (int shift = 39; shift > 12; shift -= 9) table = table_at(&table[(address >> shift) & 511]);
  /* Accessed and dirty are set from the beginning, so that nothing changes by itself. */
  uint64_t entry = physical | 0x60;
  if (flags & PRESENT) entry |= 1;
  if (flags & WRITABLE) entry |= 2;
  if (flags & USER) entry |= 4;
  if (!(flags & EXECUTABLE)) entry |= 1ull << 63;
  if (flags & RESERVED) entry |= 1ull << 51;
  table[(address >> 12) & 511] = entry;
}

static uint8_t *at_linear(uint64_t address, uint64_t size) {
  for (uint32_t i = 0; i < page_count; i++)
    if (address >= pages[i].address && address - pages[i].address < PAGE && size <= PAGE - (address - pages[i].address))
      return memory + PAGES + i * PAGE + (address - pages[i].address);
  fprintf(stderr, "a patch lies outside the pages\n");
  exit(2);
}

static void put_segment(struct kvm_segment *to, const struct segment *from) {
  uint16_t a = from->attributes;
  *to = (struct kvm_segment){.base = from->base, .limit = from->limit, .selector = from->selector, .type = a & 15, .s = a >> 4 & 1, .dpl = a >> 5 & 3, .present = a >> 7 & 1,
    .avl = a >> 12 & 1, .l = a >> 13 & 1, .db = a >> 14 & 1, .g = a >> 15 & 1, .unusable = !(a >> 7 & 1)};
}

static struct segment get_segment(const struct kvm_segment *from) {
  struct segment to = {.base = from->base, .limit = from->limit, .selector = from->selector};
  to.attributes = (uint16_t)(from->type | from->s << 4 | from->dpl << 5 | from->present << 7 | from->avl << 12 | from->l << 13 | from->db << 14 | from->g << 15);
  return to;
}

/* es cs ss ds fs gs ldtr tr */
#define SEGMENTS(s) {&(s)->es, &(s)->cs, &(s)->ss, &(s)->ds, &(s)->fs, &(s)->gs, &(s)->ldt, &(s)->tr}

static void put_gpr(struct kvm_regs *to, const uint64_t *from) {
  to->rax = from[0], to->rcx = from[1], to->rdx = from[2], to->rbx = from[3], to->rsp = from[4], to->rbp = from[5], to->rsi = from[6], to->rdi = from[7];
  to->r8 = from[8], to->r9 = from[9], to->r10 = from[10], to->r11 = from[11], to->r12 = from[12], to->r13 = from[13], to->r14 = from[14], to->r15 = from[15];
}

static void get_gpr(uint64_t *to, const struct kvm_regs *from) {
  const uint64_t all[16] = {from->rax, from->rcx, from->rdx, from->rbx, from->rsp, from->rbp, from->rsi, from->rdi,
    from->r8, from->r9, from->r10, from->r11, from->r12, from->r13, from->r14, from->r15};
  memcpy(to, all, sizeof all);
}

static struct {
  struct kvm_msrs head;
  struct kvm_msr_entry entries[64];
} msrs;

/* What is not in the page shared with KVM. */
static void put_rare(const struct case_in *in, const uint64_t *values) {
  struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = in->xcr0}}};
  struct kvm_debugregs debug = {.db = {in->dr[0], in->dr[1], in->dr[2], in->dr[3]}, .dr6 = in->dr[4], .dr7 = in->dr[5]};
  struct kvm_fpu units = {.fcw = 0x37f, .mxcsr = 0x1f80};
  if (ioctl(vcpu, KVM_SET_FPU, &units)) fail("KVM_SET_FPU");
  if (ioctl(vcpu, KVM_SET_XCRS, &xcrs)) fail("KVM_SET_XCRS");
  if (ioctl(vcpu, KVM_SET_DEBUGREGS, &debug)) fail("KVM_SET_DEBUGREGS");
  if (in->msrs > 64) fail("too many model-specific registers");
  msrs.head.nmsrs = in->msrs;
  for (uint32_t i = 0; i < in->msrs; i++) msrs.entries[i] = (struct kvm_msr_entry){.index = (uint32_t)values[2 * i], .data = values[2 * i + 1]};
  if (in->msrs && ioctl(vcpu, KVM_SET_MSRS, &msrs) != (int)in->msrs) fail("KVM_SET_MSRS");
}

static void put_case(const struct case_in *in, const uint64_t *values) {
  struct kvm_regs *regs = &run->s.regs.regs;
  struct kvm_sregs *sregs = &run->s.regs.sregs;
  struct kvm_segment *segments[] = SEGMENTS(sregs);
  put_rare(in, values);
  put_gpr(regs, in->gpr);
  regs->rip = in->rip, regs->rflags = in->rflags;
  for (int i = 0; i < 8; i++) put_segment(segments[i], &in->segments[i]);
  sregs->gdt.base = in->gdt_base, sregs->gdt.limit = (uint16_t)in->gdt_limit;
  sregs->idt.base = in->idt_base, sregs->idt.limit = (uint16_t)in->idt_limit;
  sregs->cr0 = in->cr0, sregs->cr2 = in->cr2, sregs->cr3 = TABLES, sregs->cr4 = in->cr4, sregs->cr8 = in->cr8, sregs->efer = in->efer;
  run->cr8 = in->cr8; /* counts as long as the local APIC is this program's business */
  memset(sregs->interrupt_bitmap, 0, sizeof sregs->interrupt_bitmap);
  memset(&run->s.regs.events, 0, sizeof run->s.regs.events);
  run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
  run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
}

static void put_machine_check(const uint64_t *check) {
  if (!check[0]) return;
  struct kvm_x86_mce mce = {.status = check[0], .addr = check[1], .misc = check[2], .mcg_status = check[3], .bank = 1};
  if (ioctl(vcpu, KVM_X86_SET_MCE, &mce)) fail("KVM_X86_SET_MCE");
}

/* Reason 0: the case did not end in time. */
static uint32_t run_case(const struct case_in *in, const uint64_t *values, uint32_t *detail) {
  put_case(in, values);
  if (in->machine_check[0]) {
    /* An event of its own: registers first, then the machine check on top of them. */
    run->kvm_dirty_regs = 0;
    if (ioctl(vcpu, KVM_SET_SREGS, &run->s.regs.sregs) || ioctl(vcpu, KVM_SET_REGS, &run->s.regs.regs) || ioctl(vcpu, KVM_SET_VCPU_EVENTS, &run->s.regs.events)) fail("registers");
    put_machine_check(in->machine_check);
  }
  int started = ticks;
  *detail = 0;
  for (;;) {
    if (ioctl(vcpu, KVM_RUN, 0) == 0) break;
    if (errno != EINTR && errno != EAGAIN) {
      *detail = (uint32_t)errno;
      return ~0u;
    }
    if (ticks - started > 2) return 0;
    run->kvm_dirty_regs = 0;
  }
  if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR) *detail = run->internal.suberror;
  if (run->exit_reason == KVM_EXIT_FAIL_ENTRY) *detail = (uint32_t)run->fail_entry.hardware_entry_failure_reason;
  return run->exit_reason;
}

static void emit(const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, stdout) != size) fail("write");
}

/* Changed stretches of the pages, in whole 8-byte words; puts the base contents back. */
static uint32_t changes(uint8_t *out, size_t *used) {
  uint32_t ranges = 0;
  for (uint32_t p = 0; p < page_count; p++) {
    uint64_t *now = (uint64_t *)(memory + PAGES + p * PAGE), *before = (uint64_t *)pages[p].bytes;
    if (memcmp(now, before, PAGE) == 0) continue;
    for (uint32_t i = 0; i < PAGE / 8; i++) {
      if (now[i] == before[i]) continue;
      uint32_t end = i + 1;
      while (end < PAGE / 8 && now[end] != before[end]) end++;
      uint64_t head[2] = {pages[p].address + 8 * i, 8 * (end - i)};
      memcpy(out + *used, head, 16);
      memcpy(out + *used + 16, now + i, head[1]);
      *used += 16 + head[1];
      ranges++;
      i = end;
    }
    memcpy(now, before, PAGE);
  }
  return ranges;
}

static void report(const struct case_in *in, uint32_t reason, uint32_t detail) {
  static uint8_t memory_changes[2 * MAX_PAGES * PAGE];
  struct kvm_regs regs;
  struct kvm_sregs sregs;
  struct kvm_debugregs debug;
  struct kvm_xcrs xcrs = {0};
  if (ioctl(vcpu, KVM_GET_REGS, &regs) || ioctl(vcpu, KVM_GET_SREGS, &sregs) || ioctl(vcpu, KVM_GET_DEBUGREGS, &debug) || ioctl(vcpu, KVM_GET_XCRS, &xcrs)) fail("reading registers");
  struct kvm_segment *segments[] = SEGMENTS(&sregs);
  struct case_out result = {.reason = reason, .detail = detail, .rip = regs.rip, .rflags = regs.rflags, .gdt_base = sregs.gdt.base, .gdt_limit = sregs.gdt.limit,
    .idt_base = sregs.idt.base, .idt_limit = sregs.idt.limit, .cr0 = sregs.cr0, .cr2 = sregs.cr2, .cr3 = sregs.cr3, .cr4 = sregs.cr4, .cr8 = sregs.cr8,
    .efer = sregs.efer, .xcr0 = xcrs.xcrs[0].value, .dr = {debug.db[0], debug.db[1], debug.db[2], debug.db[3], debug.dr6, debug.dr7}, .msrs = in->msrs};
  get_gpr(result.gpr, &regs);
  for (int i = 0; i < 8; i++) result.segments[i] = get_segment(segments[i]);
  size_t used = 0;
  result.ranges = changes(memory_changes, &used);
  emit(&result, sizeof result);
  if (in->msrs && ioctl(vcpu, KVM_GET_MSRS, &msrs) != (int)in->msrs) fail("KVM_GET_MSRS");
  for (uint32_t i = 0; i < in->msrs; i++) {
    uint64_t value = msrs.entries[i].data;
    emit(&value, 8);
  }
  emit(memory_changes, used);
}

static void open_machine(void) {
  static struct {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[256];
  } cpuid = {.head = {.nent = 256}};
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) fail("/dev/kvm");
  int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm < 0) fail("KVM_CREATE_VM");
  memory = mmap(0, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (uint64_t)memory};
  if (memory == MAP_FAILED || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region)) fail("guest memory");
  ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
  vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (vcpu < 0 || size < 0) fail("KVM_CREATE_VCPU");
  run = mmap(0, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (run == MAP_FAILED) fail("mmap of the vcpu");
  if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) || ioctl(vcpu, KVM_SET_CPUID2, &cpuid)) fail("cpuid");
  uint64_t banks = 0;
  if (ioctl(kvm, KVM_X86_GET_MCE_CAP_SUPPORTED, &banks) == 0) {
    uint64_t capability = (banks & ~0xffull) | 4;
    if (ioctl(vcpu, KVM_X86_SETUP_MCE, &capability) == 0) {
      struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
      } control = {.head = {.nmsrs = 1}, .entry = {.index = BANK_MSR(1, 0), .data = ~0ull}};
      ioctl(vcpu, KVM_SET_MSRS, &control);
    }
  }
  ioctl(vcpu, KVM_GET_SREGS, &run->s.regs.sregs);
}

int main(void) {
  static uint8_t input[64u << 20];
  size_t size = 0;
  for (ssize_t n; (n = read(0, input + size, sizeof input - size)) > 0;) size += (size_t)n;
  const uint8_t *at = input, *end = input + size;
  const struct header *header = need(&at, end, sizeof *header);
  if (header->magic != MAGIC || header->pages > MAX_PAGES) {
    fprintf(stderr, "not a batch\n");
    return 2;
  }
  open_machine();
  next_table = TABLES + PAGE;
  page_count = header->pages;
  pages = need(&at, end, page_count * sizeof *pages);
  for (uint32_t i = 0; i < page_count; i++) {
    memcpy(memory + PAGES + i * PAGE, pages[i].bytes, PAGE);
    map(pages[i].address, PAGES + i * PAGE, pages[i].flags);
  }
  struct sigaction action = {.sa_handler = on_tick};
  struct itimerval timer = {{0, 100000}, {0, 100000}};
  sigaction(SIGALRM, &action, 0);
  setitimer(ITIMER_REAL, &timer, 0);
  for (uint32_t i = 0; i < header->cases; i++) {
    const struct case_in *in = need(&at, end, sizeof *in);
    const uint64_t *values = need(&at, end, 16 * (size_t)in->msrs);
    for (uint32_t p = 0; p < in->patches; p++) {
      const uint64_t *patch = need(&at, end, 16);
      const uint8_t *bytes = need(&at, end, (patch[1] + 7) & ~7ull);
      memcpy(at_linear(patch[0], patch[1]), bytes, patch[1]);
    }
    uint32_t detail;
    uint32_t reason = run_case(in, values, &detail);
    report(in, reason, detail);
  }
  if (fflush(stdout)) fail("write");
  return 0;
}
