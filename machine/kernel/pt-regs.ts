/**
 * The frame an exception leaves on the stack, as the kernel's entry code completes it: `struct pt_regs` in guest memory.
 * Sources: SDM 3A 6.14 (stack frame in 64-bit mode); kernel 6.12 arch/x86/include/asm/ptrace.h, arch/x86/entry/entry_64.S.
 */
import { FLAG, VECTOR } from '../cpu/cpu.ts';
import type { Cpu } from '../cpu/cpu.ts';

/** The fields in the order they lie in memory, 8 bytes each; `cs` and `ss` are selectors. */
export const PT_REGS = [
  'r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi', 'orig_ax', 'rip', 'cs', 'rflags', 'rsp', 'ss',
] as const;
export type PtRegsField = (typeof PT_REGS)[number];

/** Bytes of a frame. */
export const PT_REGS_SIZE = 8 * PT_REGS.length;

/** Encoding numbers of the general registers among the fields. */
const NUMBER: Partial<Record<PtRegsField, number>> = {
  rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r8: 8, r9: 9, r10: 10, r11: 11, r12: 12, r13: 13, r14: 14, r15: 15,
};

const CS = 1, SS = 2;
const NO_SYSTEM_CALL = 0xffff_ffff_ffff_ffffn;

/** Exceptions that are faults: their frames have RF set, so that a breakpoint on the instruction does not strike again (SDM 3B 17.3.1.1). */
const FAULTS: ReadonlySet<number> = new Set([VECTOR.DE, VECTOR.BR, VECTOR.UD, VECTOR.NM, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.MF, VECTOR.AC, VECTOR.XM, VECTOR.VE, VECTOR.CP]);

/** The flags that an exception pushes; `software`: it is a trap, or raised by `int n`. */
export function pushedFlags({ registers }: Cpu, vector: number, software: boolean): bigint {
  return !software && FAULTS.has(vector) ? registers.rflags | BigInt(FLAG.RF) : registers.rflags;
}

/** The current registers as the frame of an exception. */
export function frameBytes(cpu: Cpu, vector: number, software: boolean): Uint8Array {
  const { registers } = cpu;
  const bytes = new Uint8Array(PT_REGS_SIZE);
  const view = new DataView(bytes.buffer);
  PT_REGS.forEach((field, index) => {
    const number = NUMBER[field];
    const value = number !== undefined ? registers.get(number)
      : field === 'rip' ? registers.rip
        : field === 'rflags' ? pushedFlags(cpu, vector, software)
          : field === 'orig_ax' ? NO_SYSTEM_CALL : BigInt(registers.getSegment(field === 'cs' ? CS : SS));
    view.setBigUint64(8 * index, value, true);
  });
  return bytes;
}

/** One field of a frame. */
export function frameField(bytes: Uint8Array, field: PtRegsField): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(8 * PT_REGS.indexOf(field), true);
}

/** Flags that iretq takes from the frame in ring 0; the rest is fixed or not modelled. RF ends with the next instruction, so it is not kept. */
const IRET_FLAGS = BigInt(FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.IF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.AC | FLAG.ID);

/** Loads every general register and the flags from a frame; rip only if `resume`. */
export function loadFrame({ registers }: Cpu, bytes: Uint8Array, resume: boolean): void {
  for (const [field, number] of Object.entries(NUMBER)) registers.set(number, frameField(bytes, field as PtRegsField));
  registers.rflags = (frameField(bytes, 'rflags') & IRET_FLAGS) | 2n;
  if (resume) registers.rip = frameField(bytes, 'rip');
}

const KERNEL_CS = 0x10n, USER_CS = 0x33n;
const KERNEL_SS: readonly bigint[] = [0x18n, 0n];

/** Why `iretq` with this frame would fault; undefined if it would not (SDM 2A, IRET). */
export function iretFault(bytes: Uint8Array, la57: boolean): string | undefined {
  const cs = frameField(bytes, 'cs') & 0xffffn;
  if (cs === USER_CS) return 'the frame returns to user mode, and no user program runs here';
  if (cs !== KERNEL_CS) return `#GP(0x${(cs & ~3n).toString(16)}): cs 0x${cs.toString(16)} in the frame is no kernel code segment`;
  const ss = frameField(bytes, 'ss') & 0xffffn;
  if (!KERNEL_SS.includes(ss)) return `#GP(0x${(ss & ~3n).toString(16)}): ss 0x${ss.toString(16)} in the frame is no kernel data segment`;
  const ip = frameField(bytes, 'rip');
  if (!canonical(ip, la57)) return `#GP(0): ip 0x${ip.toString(16)} in the frame is not canonical`;
  return undefined;
}

/** Whether the upper bits of `address` are copies of the highest address bit that is translated. */
export function canonical(address: bigint, la57: boolean): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(la57 ? 57 : 48, address)) === address;
}
