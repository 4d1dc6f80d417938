/**
 * What each exception-table handler type does to the interrupted registers.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/mm/extable.c, arch/x86/include/asm/extable_fixup_types.h.
 */

import { EX_TYPE, handlerTypeName } from './ex-type.ts';
import { taskSizeMax } from './address-space.ts';
import { decodeMemoryOperand } from './memory-operand.ts';
import type { KernelGeneration } from './kernel-generation.ts';

export { EX_TYPE, handlerTypeName } from './ex-type.ts';

/** The interrupted registers, as a handler sees them in `pt_regs`, and what the caller passed. */
export interface HandlerFrame {
  /** By x86 encoding number 0-15. */
  getRegister(register: number): bigint;
  setRegister(register: number, value: bigint): void;
  /** Vector. */
  readonly trapnr: number;
  readonly errorCode: number;
  /** cr2 for #PF; 0 for everything else, as the kernel's callers pass it. */
  readonly faultAddress: bigint;
  /** Address of the faulting instruction, and its bytes (as many as could be read, up to 15). */
  readonly ip: bigint;
  readonly instructionBytes: Uint8Array;
  /** Guest memory: 8 bytes at `address`, undefined if not mapped. */
  readQuad(address: bigint): bigint | undefined;
  /** Rules of the kernel that runs the handler. */
  readonly generation: KernelGeneration;
  /** 5-level paging: the user half is larger. */
  readonly la57: boolean;
  readonly rflags: bigint;
  /** Writes 4 bytes of guest memory as the kernel would; false if they are not mapped. */
  writeLong(address: bigint, value: number): boolean;
  /** Zeroes the fs selector and base. */
  clearFs(): void;
  /** Puts the FPU into its initial state. */
  resetFpu(): void;
}

/** The entry's fields a handler uses. */
export interface HandledEntry {
  readonly type: number;
  /** Linked address of the landing pad. */
  readonly fixup: bigint;
  /** The landing-pad word as it stands in the table, unrelocated (EX_TYPE_BPF reads it so). */
  readonly fixupWord: number;
  readonly register: number;
  readonly flags: number;
  readonly immediate: number;
}

/** What a handler did. `resumeAt` is set if, and only if, it accepted. */
export interface HandlerOutcome {
  readonly resumeAt?: bigint;
  /** One line: `ax = trapnr; ip = fixup`. */
  readonly effect: string;
  /** Why it refused, or what is fatal about it. */
  readonly refusal?: string;
  /** What the kernel would log. */
  readonly warnings: readonly string[];
}

export interface HandlerType {
  readonly type: number;
  /** `EX_TYPE_COPY` */
  readonly name: string;
  /** What it does, for hovers and listings: one sentence. */
  readonly summary: string;
  /** Registers it may write, besides rip; `reg` stands for the entry's register field. */
  readonly writes: readonly string[];
  run(frame: HandlerFrame, entry: HandledEntry): HandlerOutcome;
}

const RAX = 0, RCX = 1, RDX = 2, RSP = 4;
const FLAG_CLEAR_AX = 1, FLAG_CLEAR_DX = 2;
const GP = 13;
/** MOV r, r/m */
const MOV_LOAD = 0x8b;
const REGISTER_NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const EIO = -5n;

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** The common ending: clear ax or dx if the flags say so, go to the landing pad. */
function toFixup(frame: HandlerFrame, entry: HandledEntry, before: readonly string[] = [], warnings: readonly string[] = []): HandlerOutcome {
  const effects = [...before];
  if (entry.flags & FLAG_CLEAR_AX) {
    frame.setRegister(RAX, 0n);
    effects.push('ax = 0');
  }
  if (entry.flags & FLAG_CLEAR_DX) {
    frame.setRegister(RDX, 0n);
    effects.push('dx = 0');
  }
  effects.push('ip = fixup');
  return { resumeAt: entry.fixup, effect: effects.join('; '), warnings };
}

function setting(frame: HandlerFrame, register: number, value: bigint, text: string): string {
  frame.setRegister(register, unsigned(value));
  return `${REGISTER_NAMES[register] ?? '?'} = ${text}`;
}

/** A #GP in a user access looks like a non-canonical address; newer kernels stay quiet if the address lies in, or just above, the user half. */
function gpWarning(frame: HandlerFrame): readonly string[] {
  if (frame.trapnr !== GP) return [];
  const limit = taskSizeMax(frame.la57);
  const near = (address: bigint): boolean => unsigned(address) <= limit;
  if (frame.generation.quietUaccessGp && (near(frame.faultAddress) || near(frame.faultAddress - 4096n))) return [];
  return ['General protection fault in user access. Non-canonical address?'];
}

function define(type: number, summary: string, writes: readonly string[], run: HandlerType['run']): HandlerType {
  return { type, name: handlerTypeName(type), summary, writes, run };
}

function faultNumber(frame: HandlerFrame, entry: HandledEntry): HandlerOutcome {
  return toFixup(frame, entry, [setting(frame, RAX, BigInt(frame.trapnr), `trapnr (${String(frame.trapnr)})`)]);
}

const neverReturns: HandlerType['run'] = () => ({
  effect: 'panic', refusal: 'an MSR access inside the machine-check handler faulted: the kernel panics', warnings: [],
});

/** A refcount that overflowed or was freed: it is set to half of the smallest int, so that it can never reach 0 again. */
function refcount(frame: HandlerFrame, entry: HandledEntry): HandlerOutcome {
  const SATURATED = -0x4000_0000;
  if (!frame.writeLong(frame.getRegister(RCX), SATURATED)) return { effect: 'none', refusal: 'the counter that cx points to is not mapped', warnings: [] };
  return toFixup(frame, entry, ['*(int *)cx = INT_MIN / 2'], ['refcount_t overflow or use after free']);
}

/**
 * EX_TYPE_ZEROPAD: a `mov mem, reg` of 8 bytes that ends exactly at the landing pad and crosses into an unmapped page
 * gets the bytes that are there, zeroes above.
 */
function zeropad(frame: HandlerFrame, entry: HandledEntry): HandlerOutcome {
  const refuse = (refusal: string): HandlerOutcome => ({ effect: 'none', refusal, warnings: [] });
  const operand = decodeMemoryOperand(frame.instructionBytes, frame.ip, (register) => frame.getRegister(register));
  if (operand === undefined || operand.opcode !== MOV_LOAD) return refuse('the instruction is not MOV r64, m64');
  if (operand.operandSize !== 8) return refuse('the operand is not 8 bytes');
  if (frame.ip + BigInt(operand.length) !== entry.fixup) return refuse('the instruction does not end at the landing pad');
  const aligned = operand.address & ~7n;
  if (frame.faultAddress !== unsigned(aligned + 8n)) return refuse('the fault is not on the word after the one that starts the access');
  const word = frame.readQuad(aligned);
  if (word === undefined) return refuse('the word that starts the access is not readable');
  return toFixup(frame, entry, [setting(frame, operand.register, word >> (8n * (operand.address & 7n)), 'the bytes before the page end, zero above')]);
}

/** Registers in the order in which `struct pt_regs` has them, by encoding number: r15 … di (kernel 6.12 asm/ptrace.h). */
const PT_REGS_ORDER = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7];
/** Stands where a register's offset would: a store, which has none to clear. */
const BPF_DONT_CLEAR = 1;

/**
 * EX_TYPE_BPF: the landing-pad word is none. Its low byte is the length of the instruction, which is skipped; the rest is the offset in
 * `pt_regs` of the register it would have loaded, which becomes 0 (kernel 6.12 arch/x86/net/bpf_jit_comp.c, ex_handler_bpf).
 */
function bpf(frame: HandlerFrame, { fixupWord }: HandledEntry): HandlerOutcome {
  const field = fixupWord >>> 8, length = fixupWord & 0xff;
  const register = field % 8 === 0 ? PT_REGS_ORDER[field / 8] : undefined;
  if (register === undefined && field !== BPF_DONT_CLEAR) return { effect: 'none', refusal: `the entry names offset ${String(field)} of pt_regs, which is no register that a program could load`, warnings: [] };
  const cleared = register === undefined ? [] : [setting(frame, register, 0n, '0')];
  return { resumeAt: unsigned(frame.ip + BigInt(length)), effect: [...cleared, `ip + ${String(length)}`].join('; '), warnings: [] };
}

/** Types that the kernel has and the model has not, and why. */
export const OUTSIDE_THE_MODEL: ReadonlyMap<number, string> = new Map([
  [EX_TYPE.ERETU, 'repairs a return to user mode by FRED, which is not modelled'],
]);

/** One row a type. */
export const HANDLER_TYPES: readonly HandlerType[] = [
  define(EX_TYPE.DEFAULT, 'goes to the landing pad', [], (frame, entry) => toFixup(frame, entry)),
  define(EX_TYPE.FAULT, 'puts the trap number into ax and goes to the landing pad', ['rax'], faultNumber),
  define(EX_TYPE.UACCESS, 'goes to the landing pad; warns if the fault is a #GP (a non-canonical address)', [], (frame, entry) => toFixup(frame, entry, [], gpWarning(frame))),
  define(EX_TYPE.COPY, 'puts the trap number into ax and goes to the landing pad; warns if the fault is a #GP', ['rax'],
    (frame, entry) => ({ ...faultNumber(frame, entry), warnings: gpWarning(frame) })),
  define(EX_TYPE.CLEAR_FS, 'loads fs with the null selector and goes to the landing pad', ['fs'], (frame, entry) => {
    frame.clearFs();
    return toFixup(frame, entry, ['fs = 0']);
  }),
  define(EX_TYPE.FPU_RESTORE, 'puts the FPU into its initial state and goes to the landing pad', ['fpu'], (frame, entry) => {
    frame.resetFpu();
    return toFixup(frame, entry, ['FPU = init'], ['Bad FPU state detected, reinitializing FPU registers.']);
  }),
  define(EX_TYPE.BPF, 'skips the instruction of a BPF program and clears the register it would have loaded; the entry names no landing pad', ['reg'], bpf),
  define(EX_TYPE.WRMSR, 'warns and goes to the landing pad', [], (frame, entry) => toFixup(frame, entry, [], ['unchecked MSR access error: WRMSR'])),
  define(EX_TYPE.RDMSR, 'warns, clears ax and dx and goes to the landing pad', ['rax', 'rdx'], (frame, entry) =>
    toFixup(frame, entry, [setting(frame, RAX, 0n, '0'), setting(frame, RDX, 0n, '0')], ['unchecked MSR access error: RDMSR'])),
  define(EX_TYPE.WRMSR_SAFE, 'puts -EIO into the entry\'s register and goes to the landing pad', ['reg'], (frame, entry) =>
    toFixup(frame, entry, [setting(frame, entry.register, EIO, '-EIO')])),
  define(EX_TYPE.RDMSR_SAFE, 'clears ax and dx, puts -EIO into the entry\'s register and goes to the landing pad', ['rax', 'rdx', 'reg'], (frame, entry) =>
    toFixup(frame, entry, [setting(frame, RAX, 0n, '0'), setting(frame, RDX, 0n, '0'), setting(frame, entry.register, EIO, '-EIO')])),
  define(EX_TYPE.WRMSR_IN_MCE, 'panics', [], neverReturns),
  define(EX_TYPE.RDMSR_IN_MCE, 'panics', [], neverReturns),
  define(EX_TYPE.DEFAULT_MCE_SAFE, 'goes to the landing pad; the only difference from DEFAULT is that a machine check here is recoverable', [], (frame, entry) => toFixup(frame, entry)),
  define(EX_TYPE.FAULT_MCE_SAFE, 'puts the trap number into ax and goes to the landing pad; a machine check here is recoverable', ['rax'], faultNumber),
  define(EX_TYPE.POP_REG, 'pops one word, puts the immediate into the entry\'s register and goes to the landing pad', ['rsp', 'reg'], (frame, entry) =>
    toFixup(frame, entry, [
      setting(frame, RSP, frame.getRegister(RSP) + 8n, 'sp + 8'),
      setting(frame, entry.register, BigInt(entry.immediate), String(entry.immediate)),
    ])),
  define(EX_TYPE.IMM_REG, 'puts the immediate into the entry\'s register and goes to the landing pad', ['reg'], (frame, entry) =>
    toFixup(frame, entry, [setting(frame, entry.register, BigInt(entry.immediate), String(entry.immediate))])),
  define(EX_TYPE.FAULT_SGX, 'puts the trap number with bit 30 set into ax and goes to the landing pad', ['rax'], (frame, entry) =>
    toFixup(frame, entry, [setting(frame, RAX, BigInt(frame.trapnr) | 0x40000000n, `trapnr (${String(frame.trapnr)}) | 0x40000000`)])),
  define(EX_TYPE.UCOPY_LEN, 'computes the bytes left, cx = immediate * cx + reg, and goes to the landing pad', ['rcx'], (frame, entry) =>
    toFixup(frame, entry, [
      setting(frame, RCX, BigInt(entry.immediate) * frame.getRegister(RCX) + frame.getRegister(entry.register), `${String(entry.immediate)} * cx + ${REGISTER_NAMES[entry.register] ?? '?'}`),
    ], gpWarning(frame))),
  define(EX_TYPE.EXT, 'flags a user-access error to the C code around and goes to the landing pad (4.6 to 5.7)', [], (frame, entry) => toFixup(frame, entry, ['uaccess_err = 1'])),
  define(EX_TYPE.REFCOUNT, 'saturates the counter that cx points to and goes to the landing pad (4.14 to 5.4)', [], refcount),
  define(EX_TYPE.ZEROPAD, 'gives a load that crosses into an unmapped page the bytes that are there, zeroes above, and goes to the landing pad', ['reg'], zeropad),
];

const byType = new Map(HANDLER_TYPES.map((handler) => [handler.type, handler]));

/** The handler for `type`; undefined for NONE, for those in {@link OUTSIDE_THE_MODEL}, and for types that are unknown. */
export function handlerType(type: number): HandlerType | undefined {
  return byType.get(type);
}

/** Registers that the handler of an entry writes, besides rip, by name; `reg` where the entry does not say which. */
export function registersWritten({ type, register, flags }: { readonly type: number; readonly register: number; readonly flags: number }): readonly string[] {
  const handler = byType.get(type);
  if (handler === undefined) return [];
  if (type === EX_TYPE.BPF) return handler.writes;
  const named = REGISTER_NAMES[register] ?? '?';
  const written = handler.writes.map((name) => (name !== 'reg' ? name : named.startsWith('r') ? named : `r${named}`));
  return [...new Set([...((flags & FLAG_CLEAR_AX) === 0 ? [] : ['rax']), ...((flags & FLAG_CLEAR_DX) === 0 ? [] : ['rdx']), ...written])];
}
