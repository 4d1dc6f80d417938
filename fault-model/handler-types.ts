/**
 * What each exception-table handler type does to the interrupted registers.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/mm/extable.c, arch/x86/include/asm/extable_fixup_types.h.
 */

/** EX_TYPE_* numbers, with the aliases that only set the immediate left out. */
export const EX_TYPE = {
  NONE: 0, DEFAULT: 1, FAULT: 2, UACCESS: 3, COPY: 4, CLEAR_FS: 5, FPU_RESTORE: 6, BPF: 7, WRMSR: 8, RDMSR: 9,
  WRMSR_SAFE: 10, RDMSR_SAFE: 11, WRMSR_IN_MCE: 12, RDMSR_IN_MCE: 13, DEFAULT_MCE_SAFE: 14, FAULT_MCE_SAFE: 15,
  POP_REG: 16, IMM_REG: 17, FAULT_SGX: 18, UCOPY_LEN: 19, ZEROPAD: 20, ERETU: 21,
} as const;

const names = new Map<number, string>(Object.entries(EX_TYPE).map(([name, number]) => [number, `EX_TYPE_${name}`]));

/** `EX_TYPE_DEFAULT_MCE_SAFE`, or `EX_TYPE 77 (unknown)`. */
export function handlerTypeName(type: number): string {
  return names.get(type) ?? `EX_TYPE ${String(type)} (unknown)`;
}

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

function gpWarning(frame: HandlerFrame): readonly string[] {
  return frame.trapnr === GP ? ['General protection fault in user access. Non-canonical address?'] : [];
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

/**
 * EX_TYPE_ZEROPAD: a `mov mem, reg` of 8 bytes that ends exactly at the landing pad and crosses into an unmapped page
 * gets the bytes that are there, zeroes above.
 */
function zeropad(frame: HandlerFrame, entry: HandledEntry): HandlerOutcome {
  const refuse = (refusal: string): HandlerOutcome => ({ effect: 'none', refusal, warnings: [] });
  const bytes = frame.instructionBytes;
  const rex = (bytes[0]! & 0xf0) === 0x40 ? bytes[0]! : 0;
  if (bytes[rex === 0 ? 0 : 1] !== 0x8b) return refuse('the instruction is not MOV r64, m64');
  if ((rex & 8) === 0) return refuse('the operand is not 8 bytes');
  const modrm = bytes[2]!;
  const mod = modrm >> 6;
  const hasSib = (modrm & 7) === 4;
  const sibBase = hasSib ? bytes[3]! & 7 : 0;
  const displacement = mod === 1 ? 1 : mod === 2 || (mod === 0 && (hasSib ? sibBase : modrm & 7) === 5) ? 4 : 0;
  const length = 3 + (hasSib ? 1 : 0) + displacement;
  if (mod === 3) return refuse('the instruction does not access memory');
  if (frame.ip + BigInt(length) !== entry.fixup) return refuse('the instruction does not end at the landing pad');
  const base = effectiveAddress(frame, rex, modrm, hasSib ? bytes[3]! : undefined, bytes.subarray(hasSib ? 4 : 3, length), frame.ip + BigInt(length));
  const aligned = base & ~7n;
  if (frame.faultAddress !== aligned + 8n) return refuse('the fault is not on the word after the one that starts the access');
  const word = frame.readQuad(aligned);
  if (word === undefined) return refuse('the word that starts the access is not readable');
  const register = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  return toFixup(frame, entry, [setting(frame, register, word >> (8n * (base & 7n)), 'the bytes before the page end, zero above')]);
}

function effectiveAddress(frame: HandlerFrame, rex: number, modrm: number, sib: number | undefined, displacement: Uint8Array, next: bigint): bigint {
  let offset = 0n;
  for (let i = displacement.length - 1; i >= 0; i--) offset = (offset << 8n) | BigInt(displacement[i]!);
  offset = BigInt.asIntN(8 * displacement.length, offset);
  const mod = modrm >> 6;
  if (sib === undefined) {
    const base = (modrm & 7) === 5 && mod === 0 ? next : frame.getRegister((modrm & 7) | ((rex & 1) << 3));
    return unsigned(base + offset);
  }
  const base = (sib & 7) === 5 && mod === 0 ? 0n : frame.getRegister((sib & 7) | ((rex & 1) << 3));
  const indexNumber = ((sib >> 3) & 7) | ((rex & 2) << 2);
  const index = indexNumber === 4 ? 0n : frame.getRegister(indexNumber);
  return unsigned(base + (index << BigInt(sib >> 6)) + offset);
}

/** One row a type. BPF, ERETU and the 32-bit halves of POP_REG act on things outside kernel assembly and refuse with that reason. */
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
  define(EX_TYPE.ZEROPAD, 'gives a load that crosses into an unmapped page the bytes that are there, zeroes above, and goes to the landing pad', ['reg'], zeropad),
];

const byType = new Map(HANDLER_TYPES.map((handler) => [handler.type, handler]));

/** The handler for `type`; undefined for NONE and for types whose effect lies outside the model (BPF, ERETU) or that are unknown. */
export function handlerType(type: number): HandlerType | undefined {
  return byType.get(type);
}
