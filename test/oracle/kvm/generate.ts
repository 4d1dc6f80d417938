/**
 * Random cases of ring 0: one instruction of a `Code`, and a state in which its checks come out one way or the other.
 */
import { Mnemonic, Register, RegisterExt } from 'iced-x86';
import { refusal } from '../../../machine/cpu/refused.ts';
import { CODES } from '../codes.ts';
import type { CodeFacts } from '../codes.ts';
import { decodeForm, steer } from '../generate.ts';
import type { Form } from '../generate.ts';
import { compose } from '../operands.ts';
import type { Patch } from '../case.ts';
import type { HostCpu } from '../native.ts';
import type { Random } from '../random.ts';
import { DEFAULT_CASE, DEFAULT_CR0, DEFAULT_CR4, DEFAULT_EFER } from './case.ts';
import type { RingCase } from './case.ts';
import {
  FRAME_STACK, GDT, HANDLERS, INTERRUPTS, KERNEL_CODE, KERNEL_DATA, KERNEL_READ_ONLY, KERNEL_STACK, PAGE, RING_PAGES, SELECTOR, USER_CODE, USER_DATA, USER_READ_ONLY, USER_STACK,
} from './layout.ts';
import type { RingPage } from './layout.ts';

type Draft = { -readonly [K in keyof RingCase]: RingCase[K] } & { gpr: bigint[]; segments: number[]; patches: Patch[]; dr: bigint[] };

/** What of the other side decides which cases make sense. */
export interface RingHost {
  readonly vendor: HostCpu['vendor'];
  /** KVM has no help from the processor, see kvm.ts. */
  readonly software: boolean;
}

export interface RingQuestion {
  readonly code: CodeFacts;
  readonly state: RingCase;
  /** General registers whose values are the host's own: clocks, identity, random numbers. */
  readonly ignored: readonly number[];
}


const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, R11 = 11;
const CR4 = { TSD: 4n, DE: 8n, PCE: 1n << 8n, OSFXSR: 1n << 9n, UMIP: 1n << 11n, FSGSBASE: 1n << 16n, PCIDE: 1n << 17n, OSXSAVE: 1n << 18n, SMEP: 1n << 20n, SMAP: 1n << 21n } as const;
const CR0 = { MP: 2n, EM: 4n, TS: 8n, NE: 32n, WP: 1n << 16n } as const;
const FLAGS = { IF: 0x200n, DF: 0x400n, IOPL: 0x3000n, NT: 0x4000n, AC: 0x4_0000n, ARITHMETIC: 0x8d5n } as const;

const code = (names: readonly string[]): CodeFacts[] => names.map((name) => CODES.find((one) => one.name === name) ?? missing(name));

function missing(name: string): never {
  throw new Error(`there is no Code ${name}`);
}

/** Besides what only ring 0 may do: what depends on what only ring 0 can set. */
const RING_NAMES = /^(Mov_Sreg_|Mov_.*_Sreg|Pop[wq]_[FG]S|Push[wq]_[FG]S|L[sfg]s_|Retf|Iret|Jmp_m16|Call_m16|Lar_|Lsl_|Ver[rw]_|S[gi]dt_|Sldt_|Str_|Smsw_|Popf|Pushf|Cli|Sti|Int_imm8|Int3|Int1|Syscall|Sysret|Rd[fg]sbase|Wr[fg]sbase|Rdtsc|Rdpmc|Rdpid|Xgetbv|Cpuid|Serialize|Rdrand|Rdseed|Rdpkru|Wrpkru)/;
/** What waits or has devices behind it. */
const NOT_ASKED = /^(Monitor|Mwait|Sysexit|Sysenter|Loadall|Rdpru|In_|Ins[bwd]|Out_|Outs)/;

export const RING_CODES: readonly CodeFacts[] = CODES.filter(({ info, name, features }) =>
  refusal(features) === undefined && !NOT_ASKED.test(name) && (info.isPrivileged || info.mustBeCpl0 || RING_NAMES.test(name)));

/** Ordinary accesses of all sorts: what they raise depends on pages, rings, CR0.WP, SMAP and AC. */
export const ACCESS_CODES: readonly CodeFacts[] = code([
  'Mov_r8_rm8', 'Mov_r64_rm64', 'Mov_rm32_r32', 'Mov_rm64_r64', 'Mov_rm16_imm16', 'Add_rm64_r64', 'Add_r32_rm32', 'Xchg_rm64_r64', 'Cmpxchg_rm32_r32', 'Xadd_rm64_r64', 'Not_rm8', 'Test_rm64_r64',
  'Push_rm64', 'Pop_rm64', 'Push_r64', 'Pop_r64', 'Call_rm64', 'Jmp_rm64', 'Retnq', 'Movsb_m8_m8', 'Movsq_m64_m64', 'Stosd_m32_EAX', 'Lodsw_AX_m16', 'Cmpsb_m8_m8', 'Scasq_RAX_m64',
  'Movzx_r32_rm8', 'Movnti_m64_r64', 'Bts_rm64_r64', 'Shl_rm32_CL', 'Cmp_rm8_imm8', 'Leaveq', 'Pushfq', 'Popfq',
]);

/** Instructions of the units that CR0, CR4 and XCR0 switch. */
export const UNIT_CODES: readonly CodeFacts[] = code([
  'Movaps_xmm_xmmm128', 'Movups_xmmm128_xmm', 'Movdqa_xmm_xmmm128', 'Movdqu_xmmm128_xmm', 'Pxor_xmm_xmmm128', 'Movd_xmm_rm32', 'Movq_rm64_xmm', 'Movntdq_m128_xmm', 'Ldmxcsr_m32', 'Stmxcsr_m32',
  'Movq_mm_mmm64', 'Pxor_mm_mmm64', 'Movd_mm_rm32', 'Movntq_m64_mm', 'Emms', 'Movq2dq_xmm_mm', 'Wait', 'Fnstcw_m2byte', 'Fldcw_m2byte', 'Fninit', 'Fxsave_m512byte', 'Fxrstor_m512byte',
  'VEX_Vmovdqu_ymm_ymmm256', 'VEX_Vpxor_ymm_ymm_ymmm256', 'VEX_Vzeroupper', 'VEX_Vmovaps_xmm_xmmm128', 'Xsave_mem', 'Xrstor_mem', 'Crc32_r32_rm32', 'Popcnt_r64_rm64', 'Prefetcht0_m8', 'Sfence', 'Lfence',
  'VEX_Andn_r64_r64_rm64', 'Movnti_m32_r32',
]);

/** Model-specific registers that are compared. */
const MSRS: readonly number[] = [0x174, 0x175, 0x176, 0x277, 0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102];
const UNLISTED: readonly number[] = [0x1234_5678, 0x4000_00ff, 0xc000_0ff0, 0xffff_ffff, 0xdead];

const littleEndian = (value: bigint, size = 8): Uint8Array => Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

function canonical(random: Random): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(48, random.value()));
}

const DATA_PAGES: readonly RingPage[] = [KERNEL_DATA, KERNEL_READ_ONLY, USER_DATA, USER_READ_ONLY, KERNEL_STACK, USER_STACK, KERNEL_CODE, USER_CODE];

/** A linear address for an access of `size` bytes: in a page, across the border to the next, or nowhere. */
function target(random: Random, size: number, ring: number): bigint {
  const own = ring === 0 ? KERNEL_DATA : USER_DATA;
  const dice = random.below(100);
  if (dice < 40) return own.address + BigInt(random.below(2 * PAGE - size) & ~7);
  const page = random.chance(20) ? random.pick(RING_PAGES) : random.pick(DATA_PAGES);
  if (dice < 60) return page.address + BigInt(random.below(PAGE - size));
  if (dice < 85) return page.address + BigInt(PAGE) - BigInt(random.below(size + 1));
  if (dice < 92) return page.address - BigInt(random.below(size + 1));
  if (dice < 96) return random.pick([0x8000_0000_0000_0000n, 0x0000_8000_0000_0000n, 0xffff_7fff_ffff_fff8n, 0x0000_7fff_ffff_fffcn, 0x1234_5678_9abc_def0n]);
  return canonical(random);
}

function selector(random: Random): number {
  const dice = random.below(100);
  if (dice < 8) return random.below(4);
  if (dice < 16) return (random.below(6) << 3) | 4 | random.below(4);
  if (dice < 18) return random.below(0x1_0000);
  return (random.below(GDT.length + 2) << 3) | random.below(4);
}

const codeSelector = (random: Random): number => (random.chance(60) ? random.pick([0x10, 0x10, 0x33, 0x33, 0x98, 0xa0, 0xa3, 0xc8, 0xcb, 0x9b]) : selector(random));

const dataSelector = (random: Random): number => (random.chance(40) ? random.pick([0, 0x18, 0x18, 0x2b, 0x2b, 0x70, 0x7b]) : selector(random));

function codeTarget(random: Random): bigint {
  const dice = random.below(10);
  if (dice < 5) return KERNEL_CODE.address + BigInt(random.below(PAGE));
  if (dice < 8) return USER_CODE.address + BigInt(random.below(PAGE));
  return dice === 8 ? canonical(random) : random.value();
}

/** The state before anything about the instruction is known. */
function draft(random: Random, ring: number, host: RingHost): Draft {
  // Where ring 3 is run by a host's kernel in a ring 3 of its own, the first two are that kernel's, and alignment checks end where it steps in.
  const owned = ring === 3 && host.software ? FLAGS.IOPL | FLAGS.NT | FLAGS.AC : 0n;
  const flags = 2n | (random.u64() & FLAGS.ARITHMETIC) | (random.chance(50) ? FLAGS.AC : 0n) | (random.chance(50) ? FLAGS.IF : 0n) | (random.chance(20) ? random.u64() & FLAGS.IOPL : 0n)
    | (random.chance(5) ? FLAGS.NT : 0n) | (random.chance(5) ? FLAGS.DF : 0n);
  const gpr = Array.from({ length: 16 }, () => random.value());
  const stack = ring === 0 ? KERNEL_STACK : USER_STACK;
  gpr[RSP] = stack.address + BigInt(0x100 + (random.below(PAGE - 0x200) & ~7));
  let cr0 = DEFAULT_CR0, cr4 = DEFAULT_CR4;
  if (random.chance(40)) cr0 ^= CR0.WP;
  if (random.chance(40)) cr4 ^= CR4.SMAP;
  if (random.chance(40)) cr4 ^= CR4.SMEP;
  const page = ring === 0 ? KERNEL_CODE : USER_CODE;
  return {
    ...DEFAULT_CASE, rip: page.address + BigInt(random.chance(4) ? PAGE - 1 - random.below(8) : 0x100 + random.below(0x800)), rflags: flags & ~owned, gpr,
    segments: ring === 0 ? [0, SELECTOR.KERNEL_CS, SELECTOR.KERNEL_DS, 0, 0, 0] : [0, SELECTOR.USER_CS, SELECTOR.USER_DS, 0, 0, 0],
    fsBase: canonical(random), gsBase: canonical(random), cr0, cr4, cr2: random.value(), cr8: 0n, patches: [], dr: [...DEFAULT_CASE.dr], msrs: [],
  };
}

/** What a case's exceptions are delivered through. */
const DELIVERY: readonly RingPage[] = [FRAME_STACK, INTERRUPTS, HANDLERS];

/** Not over {@link DELIVERY}. */
function put(state: Draft, address: bigint, bytes: Uint8Array): void {
  const last = address + BigInt(bytes.length - 1);
  const mapped = (at: bigint): boolean => RING_PAGES.some((page) => !DELIVERY.includes(page) && at >= page.address && at < page.address + BigInt(PAGE));
  if (bytes.length > 0 && mapped(address) && mapped(last)) state.patches.push({ address, bytes });
}

/** Operand size by the `Code`'s name. */
function slotSize(name: string): number {
  if (/^(Retfw|Iretw|Popw_)|m1616$/.test(name)) return 2;
  return /^(Retfd|Iretd)|m1632$/.test(name) ? 4 : 8;
}

/** What far transfers and segment loads find in memory at `at`. */
function farOperand(random: Random, state: Draft, name: string, at: bigint, vendor: string): void {
  const size = slotSize(name);
  const slots = (values: readonly bigint[]): Uint8Array => Uint8Array.from(values.flatMap((value) => [...littleEndian(value, size)]));
  if (/^Retf/.test(name)) put(state, at, slots([codeTarget(random), BigInt(codeSelector(random)), USER_STACK.address + 64n, BigInt(dataSelector(random))]));
  else if (/^Iret/.test(name)) put(state, at, slots([codeTarget(random), BigInt(codeSelector(random)), random.value() & ~0x100n, random.chance(70) ? canonical(random) : random.value(), BigInt(dataSelector(random))]));
  else if (/^L[gi]dt/.test(name)) put(state, at, new Uint8Array([...littleEndian(BigInt(random.below(0x1_0000)), 2), ...littleEndian(random.chance(60) ? canonical(random) : random.value())]));
  else if (/_m16(16|32|64)$/.test(name)) {
    // AMD's processors take a 64-bit far pointer for a 32-bit one.
    const offset = size === 8 && vendor === 'amd' ? 4 : size;
    const branch = /^(Jmp|Call)/.test(name);
    put(state, at, new Uint8Array([...littleEndian(branch ? codeTarget(random) : random.value(), offset), ...littleEndian(BigInt(branch ? codeSelector(random) : dataSelector(random)), 2)]));
  } else if (/^(Lldt|Ltr)/.test(name)) put(state, at, littleEndian(BigInt(systemSelector(random)), 2));
  else if (/^(Pop[wq]_|Mov_Sreg|Lar|Lsl|Ver)/.test(name)) put(state, at, littleEndian(BigInt(dataSelector(random)), 2));
  else if (/^Invpcid/.test(name)) put(state, at, new Uint8Array([...littleEndian(random.chance(60) ? BigInt(random.below(4)) : random.value()), ...littleEndian(random.value())]));
}

const systemSelector = (random: Random): number => (random.chance(70) ? random.pick([0, 0x50, 0x60, 0x40, 0xe8, 0xf8, 0x108, 0x130, 0x148, 0x53, 0x63, 0x54]) : selector(random));

const number = (register: Register): number => RegisterExt.number(RegisterExt.fullRegister(register));

function msrCase(random: Random, state: Draft): void {
  const index = random.chance(85) ? random.pick(MSRS) : random.pick(UNLISTED);
  state.gpr[RCX] = BigInt(index) | (random.chance(30) ? random.u64() & ~0xffff_ffffn : 0n);
  const value = index === 0xc000_0080 ? random.pick([0xd01n, 0xd00n, 0x501n, 0x901n, 0x101n, 0xc01n, 0x1_0000_0d01n, 0x2d01n & ~0x2000n | 0x200n])
    // KVM makes addresses of sysenter canonical, whatever the processor would do, and upper halves are each vendor's own.
    : index === 0x175 || index === 0x176 ? canonical(random) : index === 0x174 || index === 0xc000_0084 ? BigInt(random.u32())
    : index === 0x277 && random.chance(60) ? 0x0007_0406_0007_0406n | (random.chance(30) ? 2n << BigInt(8 * random.below(8)) : 0n)
      : random.chance(60) ? canonical(random) : random.value();
  state.gpr[RAX] = (value & 0xffff_ffffn) | (random.chance(30) ? random.u64() & ~0xffff_ffffn : 0n);
  state.gpr[RDX] = value >> 32n;
  state.msrs = MSRS.map((one) => [one, one === 0xc000_0080 ? DEFAULT_EFER : one === 0xc000_0100 ? state.fsBase : one === 0xc000_0101 ? state.gsBase : one === 0x277 ? 0x0007_0406_0007_0406n : one === 0x174 || one === 0xc000_0084 ? BigInt(random.u32()) : one === 0xc000_0081 ? random.u64() : canonical(random)]);
}

function controlValue(random: Random, register: number): bigint {
  const flip = (base: bigint, bits: readonly number[]): bigint => {
    let value = base;
    for (let i = random.below(3); i > 0; i--) value ^= 1n << BigInt(random.pick(bits));
    return value;
  };
  switch (register) {
    case 0: return flip(DEFAULT_CR0, [0, 1, 2, 3, 4, 5, 6, 16, 18, 29, 30, 30, 31, 32, 63, 8, 28]);
    case 3: return flip(0x1000n, [3, 4, 0, 1, 11, 52, 55, 60, 63]);
    case 4: return flip(DEFAULT_CR4, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 18, 19, 20, 21, 25, 32, 63]);
    case 8: return random.chance(70) ? BigInt(random.below(20)) : random.value();
    default: return random.value();
  }
}

/** What this instruction needs in order to do more than fault, and what can go wrong with it in particular. */
function suit(random: Random, state: Draft, one: CodeFacts, form: Form): void {
  const { gpr } = state;
  const { name, info: { mnemonic } } = one;
  const general = (register: Register): number | undefined => (RegisterExt.isGPR(register) ? number(register) : undefined);
  switch (mnemonic) {
    case Mnemonic.Rdmsr: case Mnemonic.Wrmsr: msrCase(random, state); return;
    case Mnemonic.Swapgs: state.msrs = [[0xc000_0102, canonical(random)]]; return;
    case Mnemonic.Mov: {
      if (/_cr$|_cr_/.test(name)) {
        const register = RegisterExt.number(RegisterExt.isCR(form.op0) ? form.op0 : form.op1);
        const source = general(form.op1);
        if (source !== undefined) gpr[source] = controlValue(random, register);
        if (random.chance(20)) state.cr4 ^= CR4.PCIDE;
      } else if (/_dr$|_dr_/.test(name)) {
        const source = general(form.op1);
        if (source !== undefined && random.chance(70)) gpr[source] = random.u64() & 0xffff_dfffn & ~0xffn;
        if (random.chance(40)) state.cr4 ^= CR4.DE;
        state.dr = [random.value(), random.value(), random.value(), random.value(), 0xffff_0ff0n, 0x400n];
      } else if (general(form.op1) !== undefined) gpr[number(form.op1)] = BigInt(dataSelector(random)) | (random.chance(30) ? random.u64() & ~0xffffn : 0n);
      else if (RegisterExt.isSegmentRegister(form.op1)) state.segments = state.segments.map((value, i) => (i === 1 || i === 2 ? value : random.pick([0, 0x2b, state.segments[1] === SELECTOR.KERNEL_CS ? 0x18 : 0x2b])));
      return;
    }
    case Mnemonic.Lar: case Mnemonic.Lsl: if (general(form.op1) !== undefined) gpr[number(form.op1)] = BigInt(selector(random)); return;
    case Mnemonic.Verr: case Mnemonic.Verw: if (general(form.op0) !== undefined) gpr[number(form.op0)] = BigInt(selector(random)); return;
    case Mnemonic.Lldt: case Mnemonic.Ltr: if (general(form.op0) !== undefined) gpr[number(form.op0)] = BigInt(systemSelector(random)); return;
    case Mnemonic.Sldt: if (random.chance(50)) state.ldtr = 0x60; return;
    case Mnemonic.Lmsw: if (general(form.op0) !== undefined) gpr[number(form.op0)] = random.value(); return;
    case Mnemonic.Clts: if (random.chance(70)) state.cr0 |= CR0.TS; return;
    case Mnemonic.Smsw: case Mnemonic.Sgdt: case Mnemonic.Sidt: case Mnemonic.Str: if (random.chance(40)) state.cr4 ^= CR4.UMIP; return;
    case Mnemonic.Rdtsc: case Mnemonic.Rdtscp: if (random.chance(50)) state.cr4 ^= CR4.TSD; return;
    case Mnemonic.Rdpmc: if (random.chance(50)) state.cr4 ^= CR4.PCE; gpr[RCX] = 0x1234_5678n; return;
    case Mnemonic.Rdfsbase: case Mnemonic.Rdgsbase: case Mnemonic.Wrfsbase: case Mnemonic.Wrgsbase:
      if (random.chance(30)) state.cr4 ^= CR4.FSGSBASE;
      if (random.chance(60) && general(form.op0) !== undefined) gpr[number(form.op0)] = canonical(random);
      return;
    case Mnemonic.Xgetbv: gpr[RCX] = BigInt(random.chance(80) ? 0 : random.pick([2, 3, 0x1_0000])); if (random.chance(30)) state.cr4 ^= CR4.OSXSAVE; return;
    case Mnemonic.Xsetbv:
      gpr[RCX] = BigInt(random.chance(80) ? 0 : random.below(4));
      gpr[RAX] = BigInt(random.below(8));
      gpr[RDX] = random.chance(80) ? 0n : 1n;
      if (random.chance(30)) state.cr4 ^= CR4.OSXSAVE;
      return;
    case Mnemonic.Syscall:
      state.msrs = [[0xc000_0080, random.chance(85) ? 0xd01n : 0xd00n], [0xc000_0081, (0x23n << 48n) | (0x10n << 32n)], [0xc000_0082, KERNEL_CODE.address + BigInt(random.below(PAGE))], [0xc000_0084, random.u64() & 0x4_7fd5n]];
      return;
    case Mnemonic.Sysret: case Mnemonic.Sysretq:
      state.msrs = [[0xc000_0080, random.chance(85) ? 0xd01n : 0xd00n], [0xc000_0081, (0x23n << 48n) | (0x10n << 32n)]];
      gpr[RCX] = random.chance(80) ? USER_CODE.address + BigInt(random.below(PAGE)) : codeTarget(random);
      gpr[R11] = random.value() & ~0x100n;
      return;
    case Mnemonic.Invpcid: if (general(form.op0) !== undefined) gpr[number(form.op0)] = BigInt(random.below(5)); return;
    case Mnemonic.Rdpid: return;
    case Mnemonic.Cpuid: gpr[RAX] = BigInt(random.pick([0, 1, 7, 0x8000_0000])); gpr[RBX] = random.value(); return;
    default:
  }

}

/** The host's own answers. */
function ignoredRegisters(mnemonic: Mnemonic, form: Form): number[] {
  switch (mnemonic) {
    case Mnemonic.Rdtsc: return [RAX, RDX];
    case Mnemonic.Rdtscp: return [RAX, RDX, RCX];
    case Mnemonic.Cpuid: return [RAX, RBX, RCX, RDX];
    case Mnemonic.Rdrand: case Mnemonic.Rdseed: case Mnemonic.Rdpid: return [number(form.op0)];
    default: return [];
  }
}

function question(random: Random, one: CodeFacts, ring: number, host: RingHost, more: (state: Draft) => void = () => undefined): RingQuestion | undefined {
  const state = draft(random, ring, host);
  const bytes = compose(random, one, state.rip);
  if (bytes === undefined) return undefined;
  const form = decodeForm(bytes, state.rip);
  if (form.code !== one.code) return undefined;
  state.code = bytes;
  suit(random, state, one, form);
  more(state);
  const stack = [Register.RSP, Register.ESP];
  for (const memory of form.accesses) {
    const onStack = stack.includes(memory.base) && memory.displacement === 0n && memory.index === Register.None;
    if (onStack && random.chance(70)) continue;
    steer(random, state.gpr, memory, target(random, memory.size, ring), { fs: state.fsBase, gs: state.gsBase });
  }
  if (form.repeated && form.string) state.gpr[RCX] = BigInt(random.below(24));
  for (const memory of form.accesses.slice(0, 1)) {
    const value = (register: Register): bigint => (register === Register.None ? 0n : RegisterExt.size(register) === 4 ? state.gpr[number(register)]! & 0xffff_ffffn : state.gpr[number(register)]!);
    if (memory.base === Register.RIP || memory.base === Register.EIP) continue;
    const segment = memory.segment === Register.FS ? state.fsBase : memory.segment === Register.GS ? state.gsBase : 0n;
    const address = BigInt.asUintN(64, value(memory.base) + value(memory.index) * BigInt(memory.scale) + memory.displacement + segment);
    if (random.chance(90)) farOperand(random, state, one.name, /^(Retf|Iret|Pop)/.test(one.name) ? state.gpr[RSP]! : address, host.vendor);
    if (/^(Jmp|Call)_rm64$/.test(one.name) && random.chance(80)) put(state, address, littleEndian(codeTarget(random)));
    // No single steps.
    if (/^Popf/.test(one.name)) put(state, state.gpr[RSP]!, littleEndian(random.value() & ~0x100n, one.name === 'Popfw' ? 2 : 8));
    if (one.name === 'Retnq') put(state, state.gpr[RSP]!, littleEndian(codeTarget(random)));
  }
  if (/^(Jmp|Call)_rm64$/.test(one.name) && RegisterExt.isGPR(form.op0)) state.gpr[number(form.op0)] = codeTarget(random);
  return { code: one, state, ignored: ignoredRegisters(one.info.mnemonic, form) };
}

const ringOf = (random: Random, user: number): number => (random.chance(user) ? 3 : 0);

/** A case of a privileged instruction, or undefined where the dice chose what has no encoding. */
export function ringQuestion(random: Random, one: CodeFacts, host: RingHost): RingQuestion | undefined {
  return question(random, one, host.software ? 0 : ringOf(random, 25), host);
}

/** An access that pages, rings, WP, SMAP and AC decide on. */
export function accessQuestion(random: Random, host: RingHost): RingQuestion | undefined {
  return question(random, random.pick(ACCESS_CODES), ringOf(random, 40), host);
}

/** An instruction of a unit that may be switched off. */
export function unitQuestion(random: Random, one: CodeFacts, host: RingHost): RingQuestion | undefined {
  // A host's kernel that has no help runs ring 3 under its own CR0, CR4 and XCR0.
  return question(random, one, host.software ? 0 : ringOf(random, 30), host, (state) => {
    for (const bit of [CR0.TS, CR0.EM, CR0.MP]) if (random.chance(35)) state.cr0 ^= bit;
    for (const bit of [CR4.OSFXSR, CR4.OSXSAVE]) if (random.chance(35)) state.cr4 ^= bit;
    if (random.chance(40)) state.xcr0 = random.pick([1n, 3n, 7n]);
    // No components: which of them count as in use is the processor's business.
    state.gpr[RAX] = 0n;
    state.gpr[RDX] = 0n;
  });
}

