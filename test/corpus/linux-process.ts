/**
 * A Linux process on the emulated CPU: a static executable in ring 3, its system calls answered here, its exceptions turned into signals as
 * the kernel turns them. Made for running other people's tests of instructions as they are; of Linux it knows what such programs need.
 *
 * Deterministic: time is counted, random numbers are constant.
 */
import { readElf } from '../../assembly/elf/read.ts';
import { FLAG, VECTOR } from '../../machine/cpu/cpu.ts';
import type { CpuExit, CpuProfile } from '../../machine/cpu/cpu.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { USER_CS, USER_SS } from '../oracle/layout.ts';

const RAX = 0, RDX = 2, RSP = 4, RSI = 6, RDI = 7, RCX = 1, R8 = 8, R9 = 9, R10 = 10, R11 = 11;
const SEGMENT = { CS: 1, SS: 2, FS: 4, GS: 5 } as const;
const PAGE = 4096;
const KERNEL = 0xffff_8000_0000_0000n;
const STACK_TOP = 0x7fff_f000_0000n, STACK_SIZE = 0x10_0000;
const MAP_BASE = 0x7000_0000_0000n;
const MSR = { STAR: 0xc000_0081, LSTAR: 0xc000_0082, FMASK: 0xc000_0084 } as const;
/** Selectors that syscall loads: kernel code 0x10; sysret: from 0x23 on. */
const STAR = (0x23n << 48n) | (0x10n << 32n);
/** PG AM WP NE ET MP PE, and FSGSBASE OSXSAVE OSXMMEXCPT OSFXSR PAE: as Linux sets them. */
const CR0 = 0x8005_0033n, CR4 = 0x5_0620n;
const SLICE = 2 ** 24;
const READ = 1, WRITE = 2, EXECUTE = 4;
const MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20;

const SYSCALL = {
  WRITE: 1, FSTAT: 5, MMAP: 9, MPROTECT: 10, MUNMAP: 11, BRK: 12, SIGACTION: 13, SIGPROCMASK: 14, SIGRETURN: 15, WRITEV: 20, GETPID: 39, EXIT: 60,
  UNAME: 63, SIGALTSTACK: 131, ARCH_PRCTL: 158, GETTID: 186, TIME: 201, TGKILL: 234, CLOCK_GETTIME: 228, EXIT_GROUP: 231, NEWFSTATAT: 262, GETRANDOM: 318,
} as const;
const ARCH = { SET_GS: 0x1001, SET_FS: 0x1002, GET_FS: 0x1003, GET_GS: 0x1004 } as const;
const ERROR = { BADF: -9n, INVAL: -22n, NOSYS: -38n, NOTTY: -25n } as const;
const SIGNAL = { ILL: 4, TRAP: 5, BUS: 7, FPE: 8, SEGV: 11 } as const;
const SA = { SIGINFO: 4n, RESTORER: 0x0400_0000n, ONSTACK: 0x0800_0000n, NODEFER: 0x4000_0000n, RESETHAND: 0x8000_0000n } as const;
/** Signal and si_code that Linux makes of an exception (kernel arch/x86/kernel/traps.c, mm/fault.c). */
const SIGNALS: Readonly<Record<number, readonly [signal: number, code: number]>> = {
  [VECTOR.DE]: [SIGNAL.FPE, 1], [VECTOR.DB]: [SIGNAL.TRAP, 2], [VECTOR.BP]: [SIGNAL.TRAP, 0x80], [VECTOR.OF]: [SIGNAL.SEGV, 0x80], [VECTOR.UD]: [SIGNAL.ILL, 2],
  [VECTOR.NP]: [SIGNAL.BUS, 0x80], [VECTOR.SS]: [SIGNAL.BUS, 0x80], [VECTOR.GP]: [SIGNAL.SEGV, 0x80], [VECTOR.AC]: [SIGNAL.BUS, 1], [VECTOR.MF]: [SIGNAL.FPE, 6], [VECTOR.XM]: [SIGNAL.FPE, 6],
};
/** General registers in the order of `struct sigcontext`, by encoding number. */
const SIGCONTEXT = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4] as const;
/** What a signal frame holds behind the return address: `struct ucontext`, then `siginfo_t`; the floating-point state lies above it. */
const UCONTEXT = { CONTEXT: 40, RIP: 40 + 128, FLAGS: 40 + 136, CS: 40 + 144, ERROR: 40 + 152, TRAP: 40 + 160, CR2: 40 + 176, FPSTATE: 40 + 184, MASK: 40 + 256, SIZE: 40 + 256 + 8 } as const;
const SIGINFO_SIZE = 128, FXSAVE_SIZE = 512, RED_ZONE = 128n;

export interface ProcessResult {
  /** What it wrote to descriptors 1 and 2, in order. */
  readonly output: string;
  /** Exit status, the signal that killed it, or what the emulator does not execute. */
  readonly ending: { readonly status: number } | { readonly signal: number; readonly at: bigint } | { readonly stopped: string };
  readonly instructions: bigint;
  /** Texts of instructions that were not executed but answered with SIGILL, with how often. */
  readonly illegal: ReadonlyMap<string, number>;
}

interface Action { readonly handler: bigint; readonly flags: bigint; readonly restorer: bigint }

export interface ProcessOptions {
  readonly profile: CpuProfile;
  readonly arguments?: readonly string[];
  /** An instruction that is not modelled is SIGILL, as on a processor that does not have it; else the end. */
  readonly unsupportedIsIllegal?: boolean;
  /** Instructions after which it is given up. */
  readonly limit?: bigint;
}

class Ended extends Error {
  readonly ending: ProcessResult['ending'];
  constructor(ending: ProcessResult['ending']) {
    super('the process has ended');
    this.ending = ending;
  }
}

const pages = (size: bigint): number => Math.ceil(Number(size) / PAGE) * PAGE;

export class LinuxProcess {
  readonly cpu: WasmCpu;
  readonly #options: ProcessOptions;
  #entry = 0n;
  #break = 0n;
  #mapped = MAP_BASE;
  #output: Uint8Array[] = [];
  readonly #actions = new Map<number, Action>();
  #alternate: { readonly base: bigint; readonly size: bigint } | undefined;
  #illegal = new Map<string, number>();

  constructor(executable: Uint8Array, options: ProcessOptions) {
    this.#options = options;
    this.cpu = createCpu({ profile: options.profile, granule: 'line' });
    const { memory, registers, msrs } = this.cpu;
    memory.map(KERNEL, PAGE, { read: true, write: false, execute: true, user: false });
    memory.write(KERNEL, Uint8Array.of(0xf4));
    msrs.set(MSR.STAR, STAR);
    msrs.set(MSR.LSTAR, KERNEL);
    msrs.set(MSR.FMASK, 0x4_7700n);
    registers.setControl(0, CR0);
    registers.setControl(4, CR4);
    this.#load(executable);
    this.#makeStack();
    registers.setSegment(SEGMENT.CS, USER_CS);
    registers.setSegment(SEGMENT.SS, USER_SS);
    registers.rip = this.#entry;
    registers.rflags = 0x202n;
  }

  run(): ProcessResult {
    const limit = this.#options.limit ?? 20_000_000_000n;
    let ending: ProcessResult['ending'] = { stopped: `still running after ${String(limit)} instructions` };
    try {
      while (this.cpu.instructions < limit) this.#take(this.cpu.run(SLICE));
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      ending = error.ending;
    }
    return { output: Buffer.concat(this.#output).toString('latin1'), ending, instructions: this.cpu.instructions, illegal: this.#illegal };
  }

  #load(executable: Uint8Array): void {
    const { entry, segments = [] } = readElf('program', executable);
    this.#entry = entry;
    for (const { type, flags, address, memorySize, bytes } of segments) {
      if (type !== 1) continue;
      const start = address & -4096n;
      this.#map(start, Number(address - start) + memorySize, ((flags & 4) !== 0 ? READ : 0) | ((flags & 2) !== 0 ? WRITE : 0) | ((flags & 1) !== 0 ? EXECUTE : 0));
      this.cpu.memory.write(address, bytes());
      const end = address + BigInt(memorySize);
      if (end > this.#break) this.#break = end;
    }
    this.#break = (this.#break + 0xfffn) & -4096n;
    this.#headers = new DataView(executable.buffer, executable.byteOffset, 64);
    const first = segments.find(({ type }) => type === 1)!;
    this.#headersAt = first.address + this.#headers.getBigUint64(32, true);
  }

  #headers!: DataView;
  #headersAt = 0n;

  #map(address: bigint, size: number, protection: number): void {
    // Pages of x86 that can be written or executed can be read.
    this.cpu.memory.map(address, size, { read: protection !== 0, write: (protection & WRITE) !== 0, execute: (protection & EXECUTE) !== 0, user: true });
  }

  /** Arguments, environment and the auxiliary vector, as execve leaves them (System V ABI, 3.4.1). */
  #makeStack(): void {
    this.#map(STACK_TOP - BigInt(STACK_SIZE), STACK_SIZE, READ | WRITE);
    let at = STACK_TOP - 64n;
    const place = (bytes: Uint8Array): bigint => {
      at = (at - BigInt(bytes.length)) & -16n;
      this.cpu.memory.write(at, bytes);
      return at;
    };
    const text = (value: string): bigint => place(Buffer.from(`${value}\0`, 'latin1'));
    const given = ['program', ...this.#options.arguments ?? []].map(text);
    const random = place(Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 1));
    const auxiliary: readonly (readonly [number, bigint])[] = [
      [3, this.#headersAt], [4, BigInt(this.#headers.getUint16(54, true))], [5, BigInt(this.#headers.getUint16(56, true))], [6, BigInt(PAGE)], [9, this.#entry],
      [11, 1000n], [12, 1000n], [13, 1000n], [14, 1000n], [16, 0x178b_fbffn], [17, 100n], [23, 0n], [25, random], [26, 2n], [0, 0n],
    ];
    const words = [BigInt(given.length), ...given, 0n, 0n, ...auxiliary.flat()].map((word) => BigInt(word));
    if ((words.length & 1) === 1) words.push(0n);
    at = (at - BigInt(8 * words.length)) & -16n;
    const block = new BigUint64Array(words);
    this.cpu.memory.write(at, new Uint8Array(block.buffer));
    this.cpu.registers.set(RSP, at);
  }

  #take(exit: CpuExit): void {
    switch (exit.kind) {
      case 'limit': return;
      case 'halt': {
        this.#systemCall();
        return;
      }
      case 'exception': {
        this.#exception(exit);
        return;
      }
      case 'unsupported': {
        this.#illegal.set(exit.text, (this.#illegal.get(exit.text) ?? 0) + 1);
        if (this.#options.unsupportedIsIllegal !== true) throw new Ended({ stopped: `${exit.text} at 0x${this.cpu.registers.rip.toString(16)}` });
        this.#exception({ kind: 'exception', vector: VECTOR.UD });
        return;
      }
      default: throw new Error(`the process was left with ${exit.kind}`);
    }
  }

  /** The way of syscall back: registers as sysret leaves them. */
  #systemCall(): void {
    const { registers } = this.cpu;
    const number = Number(registers.get(RAX));
    registers.setSegment(SEGMENT.CS, USER_CS);
    registers.setSegment(SEGMENT.SS, USER_SS);
    registers.rip = registers.get(RCX);
    registers.rflags = registers.get(R11);
    if (number === SYSCALL.SIGRETURN) {
      this.#signalReturn();
      return;
    }
    registers.set(RAX, this.#answer(number, [RDI, RSI, RDX, R10, R8, R9].map((register) => registers.get(register))));
  }

  #answer(number: number, [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n]: readonly bigint[]): bigint {
    const { memory, registers } = this.cpu;
    switch (number) {
      case SYSCALL.WRITE: return this.#write(a, b, Number(c));
      case SYSCALL.WRITEV: {
        let done = 0n;
        for (let i = 0n; i < c; i++) done += this.#write(a, this.#quad(b + 16n * i), Number(this.#quad(b + 16n * i + 8n)));
        return done;
      }
      case SYSCALL.FSTAT: case SYSCALL.NEWFSTATAT: {
        // A pipe: what is written is buffered in blocks.
        const to = number === SYSCALL.FSTAT ? b : c;
        const stat = new DataView(new ArrayBuffer(144));
        stat.setUint32(24, 0o010600, true);
        stat.setBigUint64(56, 4096n, true);
        memory.write(to, new Uint8Array(stat.buffer));
        return 0n;
      }
      case SYSCALL.MMAP: return this.#mmap(a, b, Number(c), Number(d), BigInt.asIntN(32, e));
      case SYSCALL.MPROTECT:
        memory.protect(a, pages(b), { read: c !== 0n, write: (Number(c) & WRITE) !== 0, execute: (Number(c) & EXECUTE) !== 0, user: true });
        return 0n;
      case SYSCALL.MUNMAP:
        memory.unmap(a, pages(b));
        return 0n;
      case SYSCALL.BRK: {
        if (a > this.#break && a - this.#break < 0x1000_0000n) {
          const end = (a + 0xfffn) & -4096n;
          this.#map(this.#break, Number(end - this.#break), READ | WRITE);
          this.#break = end;
          return a;
        }
        return this.#break;
      }
      case SYSCALL.SIGACTION: {
        const signal = Number(a);
        const old = this.#actions.get(signal);
        if (c !== 0n) memory.write(c, quads(old?.handler ?? 0n, old?.flags ?? 0n, old?.restorer ?? 0n, 0n));
        if (b !== 0n) this.#actions.set(signal, { handler: this.#quad(b), flags: this.#quad(b + 8n), restorer: this.#quad(b + 16n) });
        return 0n;
      }
      case SYSCALL.SIGPROCMASK:
        if (c !== 0n) memory.write(c, new Uint8Array(8));
        return 0n;
      case SYSCALL.SIGALTSTACK:
        if (a !== 0n) this.#alternate = { base: this.#quad(a), size: this.#quad(a + 16n) };
        return 0n;
      case SYSCALL.GETPID: case SYSCALL.GETTID: return 1234n;
      case SYSCALL.TGKILL: throw new Ended({ signal: Number(c), at: registers.rip });
      case SYSCALL.ARCH_PRCTL:
        switch (Number(a)) {
          case ARCH.SET_FS: registers.setSegmentBase(SEGMENT.FS, b); return 0n;
          case ARCH.SET_GS: registers.setSegmentBase(SEGMENT.GS, b); return 0n;
          case ARCH.GET_FS: memory.write(b, quads(registers.getSegmentBase(SEGMENT.FS))); return 0n;
          case ARCH.GET_GS: memory.write(b, quads(registers.getSegmentBase(SEGMENT.GS))); return 0n;
          default: return ERROR.INVAL;
        }
      case SYSCALL.GETRANDOM:
        memory.write(a, new Uint8Array(Number(b)).fill(0x5a));
        return b;
      case SYSCALL.UNAME:
        for (const [i, field] of ['Linux', 'host', '6.12.0', '#1', 'x86_64', ''].entries()) memory.write(a + BigInt(65 * i), Buffer.from(`${field}\0`));
        return 0n;
      case SYSCALL.TIME:
        if (a !== 0n) memory.write(a, quads(1_700_000_000n));
        return 1_700_000_000n;
      case SYSCALL.CLOCK_GETTIME:
        memory.write(b, quads(1_700_000_000n + this.cpu.instructions / 1_000_000_000n, this.cpu.instructions % 1_000_000_000n));
        return 0n;
      case SYSCALL.EXIT: case SYSCALL.EXIT_GROUP: throw new Ended({ status: Number(a & 0xffn) });
      default: return ERROR.NOSYS;
    }
  }

  #write(descriptor: bigint, from: bigint, size: number): bigint {
    if (descriptor !== 1n && descriptor !== 2n) return ERROR.BADF;
    this.#output.push(this.cpu.memory.read(from, size));
    return BigInt(size);
  }

  #mmap(hint: bigint, size: bigint, protection: number, flags: number, descriptor: bigint): bigint {
    if (size === 0n || size > 0x2000_0000n || ((flags & MAP_ANONYMOUS) === 0 && descriptor >= 0n)) return ERROR.INVAL;
    let at = hint;
    if ((flags & MAP_FIXED) === 0) {
      at = this.#mapped;
      this.#mapped += BigInt(pages(size)) + 0x10000n;
    }
    this.#map(at, pages(size), protection);
    return at;
  }

  #quad(address: bigint): bigint {
    const bytes = this.cpu.memory.read(address, 8);
    return bytes.length < 8 ? 0n : new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  /** Builds the frame of a signal (kernel struct rt_sigframe) and enters its handler. */
  #exception(exit: Extract<CpuExit, { kind: 'exception' }>): void {
    const { registers, memory } = this.cpu;
    const canonicalPage = exit.vector === VECTOR.PF;
    const [signal, code] = canonicalPage ? [SIGNAL.SEGV, ((exit.errorCode ?? 0) & 1) === 0 ? 1 : 2] : SIGNALS[exit.vector] ?? [SIGNAL.SEGV, 0x80];
    const action = this.#actions.get(signal);
    if (action === undefined || action.handler <= 1n) throw new Ended({ signal, at: registers.rip });
    if ((action.flags & SA.RESETHAND) !== 0n) this.#actions.delete(signal);
    let top = registers.get(RSP) - RED_ZONE;
    const other = this.#alternate;
    if (other !== undefined && (action.flags & SA.ONSTACK) !== 0n && (top < other.base || top >= other.base + other.size)) top = other.base + other.size;
    const floating = (top - BigInt(FXSAVE_SIZE)) & -64n;
    const frame = ((floating - BigInt(8 + UCONTEXT.SIZE + SIGINFO_SIZE)) & -16n) - 8n;
    const context = frame + 8n, info = context + BigInt(UCONTEXT.SIZE);
    const words = new DataView(new ArrayBuffer(UCONTEXT.SIZE));
    SIGCONTEXT.forEach((register, i) => { words.setBigUint64(UCONTEXT.CONTEXT + 8 * i, registers.get(register), true); });
    words.setBigUint64(UCONTEXT.RIP, registers.rip, true);
    words.setBigUint64(UCONTEXT.FLAGS, registers.rflags | (exit.software === true ? 0n : BigInt(FLAG.RF)), true);
    words.setUint16(UCONTEXT.CS, USER_CS, true);
    words.setUint16(UCONTEXT.CS + 6, USER_SS, true);
    words.setBigUint64(UCONTEXT.ERROR, BigInt(exit.errorCode ?? 0), true);
    words.setBigUint64(UCONTEXT.TRAP, BigInt(exit.vector), true);
    words.setBigUint64(UCONTEXT.CR2, canonicalPage ? exit.address ?? 0n : 0n, true);
    words.setBigUint64(UCONTEXT.FPSTATE, floating, true);
    const state = new Uint8Array(FXSAVE_SIZE);
    for (let i = 0; i < 16; i++) state.set(registers.getXmm(i), 160 + 16 * i);
    new DataView(state.buffer).setUint32(24, registers.mxcsr, true);
    const facts = new DataView(new ArrayBuffer(SIGINFO_SIZE));
    facts.setInt32(0, signal, true);
    facts.setInt32(8, code, true);
    facts.setBigUint64(16, canonicalPage ? exit.address ?? 0n : exit.vector === VECTOR.DE || exit.vector === VECTOR.UD || exit.vector === VECTOR.DB ? registers.rip : 0n, true);
    const written = memory.write(floating, state) + memory.write(context, new Uint8Array(words.buffer)) + memory.write(info, new Uint8Array(facts.buffer)) + memory.write(frame, quads(action.restorer));
    if (written !== FXSAVE_SIZE + UCONTEXT.SIZE + SIGINFO_SIZE + 8) throw new Ended({ signal: SIGNAL.SEGV, at: registers.rip });
    registers.set(RSP, frame);
    registers.set(RDI, BigInt(signal));
    registers.set(RSI, info);
    registers.set(RDX, context);
    registers.set(RAX, 0n);
    registers.rip = action.handler;
    registers.rflags &= ~BigInt(FLAG.DF | FLAG.TF | FLAG.RF);
  }

  #signalReturn(): void {
    const { registers, memory } = this.cpu;
    const bytes = memory.read(registers.get(RSP), UCONTEXT.SIZE);
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    SIGCONTEXT.forEach((register, i) => { registers.set(register, words.getBigUint64(UCONTEXT.CONTEXT + 8 * i, true)); });
    registers.rip = words.getBigUint64(UCONTEXT.RIP, true);
    registers.rflags = words.getBigUint64(UCONTEXT.FLAGS, true) & ~BigInt(FLAG.RF);
    const state = memory.read(words.getBigUint64(UCONTEXT.FPSTATE, true), FXSAVE_SIZE);
    for (let i = 0; i < 16; i++) registers.setXmm(i, state.subarray(160 + 16 * i, 176 + 16 * i));
  }
}

function quads(...values: bigint[]): Uint8Array {
  const block = new BigUint64Array(values.length);
  values.forEach((value, i) => { block[i] = BigInt.asUintN(64, value); });
  return new Uint8Array(block.buffer);
}
