/**
 * Where the user half of the address space ends.
 * Sources: kernel 6.12 arch/x86/include/asm/page_64.h (TASK_SIZE_MAX), arch/x86/mm/fault.c (fault_in_kernel_space).
 */

/** Highest user address plus one: with 4-level and with 5-level paging (kernel TASK_SIZE_MAX). */
export function taskSizeMax(la57: boolean): bigint {
  return (la57 ? 1n << 56n : 1n << 47n) - 4096n;
}

/** The vsyscall page: its address lies in the kernel half, but user code calls into it. */
const VSYSCALL_PAGE = 0xffff_ffff_ff60_0000n;

/** Whether the kernel calls `address` one of its own (`fault_in_kernel_space`). */
export function inKernelSpace(address: bigint, la57: boolean): boolean {
  return address >= taskSizeMax(la57) && (address & ~0xfffn) !== VSYSCALL_PAGE;
}
