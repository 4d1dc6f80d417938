/**
 * Random starting states around one instruction: its memory operands aim at the places where accesses succeed, cross and fail.
 */
import { Code, Decoder, DecoderOptions, InstructionInfoFactory, Mnemonic, Register, RegisterExt, RflagsBits } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { FLAG } from '../../machine/cpu/cpu.ts';
import type { OracleCase, Patch } from './case.ts';
import type { CodeFacts } from './codes.ts';
import { CODE, DATA, FS_BASE, GS_BASE, READ_ONLY, SLOT_ENTRY, SLOT_SIZE, STACK } from './layout.ts';
import { accessSize, compose, goesThroughOperand } from './operands.ts';
import { hostDecoding } from './native.ts';
import type { Random } from './random.ts';

const MASK64 = 0xffff_ffff_ffff_ffffn;
const infos = new InstructionInfoFactory();

/** One memory access an instruction makes. */
interface Access {
  readonly segment: Register;
  readonly base: Register;
  readonly index: Register;
  readonly scale: number;
  readonly displacement: bigint;
  readonly size: number;
}

/** One encoding, and what choosing a state for it takes. */
export interface Form {
  readonly code: Code;
  readonly bytes: Uint8Array;
  readonly mnemonic: Mnemonic;
  readonly accesses: readonly Access[];
  readonly op0: Register;
  readonly op1: Register;
  readonly string: boolean;
  readonly repeated: boolean;
  /** RFLAGS bits the manual leaves undefined. */
  readonly undefinedFlags: bigint;
}

const FLAG_BITS: readonly (readonly [RflagsBits, number])[] = [
  [RflagsBits.OF, FLAG.OF], [RflagsBits.SF, FLAG.SF], [RflagsBits.ZF, FLAG.ZF], [RflagsBits.AF, FLAG.AF], [RflagsBits.CF, FLAG.CF], [RflagsBits.PF, FLAG.PF],
];

function formOf(instruction: Instruction, bytes: Uint8Array): Form {
  const info = infos.info(instruction);
  const used = info.usedMemory();
  info.free();
  const accesses = used.map((memory) => {
    const { segment, base, index, scale, displacement } = memory;
    const size = accessSize(memory.memorySize);
    memory.free();
    return { segment, base, index, scale, displacement, size };
  });
  let undefinedFlags = 0;
  for (const [bit, flag] of FLAG_BITS) if (instruction.rflagsUndefined & bit) undefinedFlags |= flag;
  return {
    code: instruction.code, bytes, mnemonic: instruction.mnemonic, accesses, op0: instruction.op0Register, op1: instruction.op1Register,
    string: instruction.isStringInstruction, repeated: instruction.hasRepPrefix || instruction.hasRepnePrefix, undefinedFlags: BigInt(undefinedFlags),
  };
}

/** The first instruction of `bytes` at `rip`, as the host's processor takes it. */
export function decodeForm(bytes: Uint8Array, rip: bigint, options: number = hostDecoding): Form {
  const decoder = new Decoder(64, bytes, options);
  decoder.ip = rip;
  const instruction = decoder.decode();
  try {
    return formOf(instruction, bytes);
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** A linear address for an access of `size` bytes. */
function target(random: Random, size: number): bigint {
  const within = (address: bigint, space: number): bigint => address + BigInt(random.below(Math.max(1, space - size + 1)));
  const back = BigInt(random.below(size + 1));
  const dice = random.below(100);
  if (dice < 20) return DATA.address + BigInt(random.below((DATA.size - size) >> 4) * 16 + (size >= 32 ? 16 : 0));
  if (dice < 50) return within(DATA.address, DATA.size);
  if (dice < 55) return DATA.address + BigInt(random.below((DATA.size - size) >> 6) * 64);
  if (dice < 64) return DATA.address + 0x1000n - back;
  if (dice < 74) return DATA.address + BigInt(DATA.size) - back;
  if (dice < 78) return DATA.address - back;
  if (dice < 86) return within(READ_ONLY.address, READ_ONLY.size);
  if (dice < 90) return READ_ONLY.address + BigInt(READ_ONLY.size) - back;
  if (dice < 93) return random.pick([0x8000_0000_0000_0000n, 0x0000_8000_0000_0000n, 0xffff_7fff_ffff_ff00n, 0x1234_5678_9abc_def0n]);
  if (dice < 94) return 0x0000_8000_0000_0000n - back;
  if (dice < 96) return within(CODE.address, CODE.size);
  if (dice < 97) return random.pick([0n, 8n, 0x10n, 0x5000n]);
  return within(STACK.address, STACK.size);
}

/** Sets the registers of an address so that it points at `aim`; leaves an address without such registers alone. */
export function steer(random: Random, gpr: bigint[], memory: Access, aim: bigint, bases = { fs: FS_BASE, gs: GS_BASE }): void {
  if (memory.base === Register.None || memory.base === Register.RIP || memory.base === Register.EIP) return;
  const number = RegisterExt.number(RegisterExt.fullRegister(memory.base));
  const segment = memory.segment === Register.FS ? bases.fs : memory.segment === Register.GS ? bases.gs : 0n;
  let index = 0n;
  if (memory.index !== Register.None && RegisterExt.isGPR(memory.index)) {
    const at = RegisterExt.number(RegisterExt.fullRegister(memory.index));
    const bits = RegisterExt.size(memory.index) * 8;
    if (at === number) return;
    if (random.chance(50)) gpr[at] = BigInt(random.below(64));
    index = BigInt.asUintN(bits, gpr[at]!) * BigInt(memory.scale);
  }
  const narrow = RegisterExt.size(memory.base) === 4;
  const value = aim - segment - index - memory.displacement;
  // Bits above an address-size prefix are ignored; leave some there.
  gpr[number] = narrow ? BigInt.asUintN(32, value) | (random.chance(50) ? random.u64() & 0xffff_ffff_0000_0000n : 0n) : value & MASK64;
}

const littleEndian = (value: bigint): Uint8Array => Uint8Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

const codeTarget = (random: Random): bigint => CODE.address + BigInt(random.below(CODE.size / SLOT_SIZE) * SLOT_SIZE + random.below(16));

const STRING_COUNTS = [0, 1, 2, 3, 4, 5, 8, 31, 64, 100, 512, 600, 5000];

/** fxsave, xsave and the like: areas of 512 bytes and more, on aligned addresses. */
const isStateArea = (form: Form): boolean => /^(X|Fx)(save|rstor)/.test(Mnemonic[form.mnemonic]!);

/** What an area must hold so that it can be restored: a good MXCSR and an XSAVE header; sometimes not. */
function restorable(random: Random, area: bigint): Patch[] {
  const mxcsr = random.chance(85) ? BigInt(random.below(0x10000)) : random.u64();
  // Bits 20 and up are components that no processor here has.
  const components = BigInt(random.below(8)) | (random.chance(10) ? 1n << BigInt(20 + random.below(40)) : 0n);
  const header = new Uint8Array(64);
  header.set(littleEndian(components));
  if (random.chance(20)) header.set(littleEndian((1n << BigInt(random.pick([63, 63, 40]))) | BigInt(random.below(8))), 8);
  const patches = [{ address: area + 24n, bytes: littleEndian(mxcsr).slice(0, 4) }, { address: area + 512n, bytes: header }];
  return patches.filter((patch) => patchable(patch.address, patch.bytes.length));
}

const isExtendedSave = (form: Form): boolean => /^X(save|rstor)/.test(Mnemonic[form.mnemonic]!);

/** Instructions that make many accesses: in which order they fail, and what they have written by then, is each processor's own. */
export function failsPartly(form: Form): boolean {
  return isExtendedSave(form) || /^(Fx(save|rstor)|Enter|Call_m16)/.test(Code[form.code]!);
}

/** Register values an instruction needs in order to do more than fault. */
function suitRegisters(random: Random, gpr: bigint[], form: Form): void {
  const { mnemonic } = form;
  if (form.string && form.repeated) gpr[1] = BigInt(random.pick(STRING_COUNTS));
  // Only the components the emulator has: x87, SSE, AVX.
  if (isExtendedSave(form)) {
    gpr[0] = BigInt(random.below(8));
    gpr[2] = 0n;
  }
  if (mnemonic === Mnemonic.Clzero && random.chance(70)) gpr[0] = DATA.address + BigInt(random.below(DATA.size));
  if ((mnemonic === Mnemonic.Div || mnemonic === Mnemonic.Idiv) && random.chance(60)) {
    gpr[2] = random.chance(50) ? BigInt(random.below(4)) : random.chance(50) ? MASK64 : 0n;
    if (random.chance(30)) gpr[0] = BigInt(random.below(65536));
  }
  const bitString = mnemonic === Mnemonic.Bt || mnemonic === Mnemonic.Bts || mnemonic === Mnemonic.Btr || mnemonic === Mnemonic.Btc;
  if (bitString && RegisterExt.isGPR(form.op1) && random.chance(70)) {
    gpr[RegisterExt.number(RegisterExt.fullRegister(form.op1))] = BigInt.asUintN(64, BigInt(random.below(40000) - 20000));
  }
  const selector = selectorOperand(form);
  if (selector !== undefined && RegisterExt.isGPR(selector) && random.chance(80)) {
    gpr[RegisterExt.number(RegisterExt.fullRegister(selector))] = BigInt(random.pick(SELECTORS)) | (random.chance(30) ? random.u64() & ~0xffffn : 0n);
  }
  if (goesThroughOperand(mnemonic) && RegisterExt.isGPR(form.op0)) gpr[RegisterExt.number(RegisterExt.fullRegister(form.op0))] = codeTarget(random);
}

/** Linux's selectors, and some it has not. */
const SELECTORS = [0, 1, 2, 3, 0x08, 0x10, 0x18, 0x28, 0x2b, 0x2a, 0x2b, 0x2b, 0x30, 0x33, 0x33, 0x3b, 0x43, 0x53, 0x63, 0x80, 0x8b, 0x2f, 0x37, 0xffff];

/** Which operand holds a selector: of mov to a segment register, lar and lsl the second, of verr and verw the first. */
function selectorOperand(form: Form): Register | undefined {
  switch (form.mnemonic) {
    case Mnemonic.Lar: case Mnemonic.Lsl: return form.op1;
    case Mnemonic.Verr: case Mnemonic.Verw: return form.op0;
    case Mnemonic.Mov: return RegisterExt.isSegmentRegister(form.op0) ? form.op1 : undefined;
    default: return undefined;
  }
}

/** Bytes in front of the selector in what an instruction pops or loads; undefined for other instructions. */
function farFrame(random: Random, form: Form): Uint8Array | undefined {
  const name = Code[form.code]!;
  const size = /^(Retfw|Iretw|Popw_|.*_m1616)/.test(name) ? 2 : /^(Retfd|Iretd|.*_m1632)/.test(name) ? 4 : 8;
  const slot = (value: bigint): number[] => [...littleEndian(value)].slice(0, size);
  const selector = BigInt(random.chance(60) ? 0x33 : random.pick(SELECTORS));
  const target = random.chance(80) ? codeTarget(random) : random.value();
  switch (form.mnemonic) {
    case Mnemonic.Retf: return Uint8Array.from([...slot(target), ...slot(selector), ...slot(STACK.address + 64n), ...slot(0x2bn)]);
    case Mnemonic.Iret: case Mnemonic.Iretd: case Mnemonic.Iretq: {
      const stack = BigInt(random.chance(75) ? 0x2b : random.pick(SELECTORS));
      const top = BigInt.asUintN(64, BigInt.asIntN(48, random.value()));
      return Uint8Array.from([...slot(target), ...slot(selector), ...slot(random.value() & ~0x100n), ...slot(top), ...slot(stack)]);
    }
    case Mnemonic.Lss: case Mnemonic.Lfs: case Mnemonic.Lgs:
      return Uint8Array.from([...slot(random.value()), ...[...littleEndian(BigInt(random.pick(SELECTORS)))].slice(0, 2)]);
    case Mnemonic.Jmp: case Mnemonic.Call:
      return /_m16(16|32|64)$/.test(name) ? Uint8Array.from([...slot(target), ...[...littleEndian(selector)].slice(0, 2), 0, 0]) : undefined;
    case Mnemonic.Pop: return /^Pop[wq]_[FG]S$/.test(name) ? littleEndian(BigInt(random.pick(SELECTORS))) : undefined;
    default: return selectorOperand(form) === Register.None ? littleEndian(BigInt(random.pick(SELECTORS))) : undefined;
  }
}

/** Memory contents it needs. */
function suitMemory(random: Random, gpr: readonly bigint[], form: Form): Uint8Array | undefined {
  if (goesThroughOperand(form.mnemonic)) return random.chance(80) ? littleEndian(codeTarget(random)) : undefined;
  return random.chance(50) ? compareValue(gpr, form) : undefined;
}

function patchable(address: bigint, size: number): boolean {
  return [DATA, READ_ONLY, STACK].some((region) => address >= region.address && address + BigInt(size) <= region.address + BigInt(region.size));
}

function compareValue(gpr: readonly bigint[], form: Form): Uint8Array | undefined {
  switch (form.mnemonic) {
    case Mnemonic.Cmpxchg: return littleEndian(gpr[0]!);
    case Mnemonic.Cmpxchg8b: return littleEndian((gpr[0]! & 0xffff_ffffn) | ((gpr[2]! & 0xffff_ffffn) << 32n));
    case Mnemonic.Cmpxchg16b: return new Uint8Array([...littleEndian(gpr[0]!), ...littleEndian(gpr[2]!)]);
    default: return undefined;
  }
}

const ARITHMETIC = 0x8d5n;

/** A random state for `form` at `rip`. */
export function stateFor(random: Random, form: Form, rip: bigint): OracleCase {
  const gpr = Array.from({ length: 16 }, () => random.value());
  if (random.chance(60)) gpr[4] = STACK.address + BigInt(random.below(STACK.size / 8) * 8);
  const patches: Patch[] = [];
  const aims = form.accesses.map((memory) => {
    const { size } = memory;
    const aim = memory.base === Register.RSP || memory.base === Register.RBP ? stackTarget(random, size) : target(random, size);
    return { aim: memory.segment === Register.FS || memory.segment === Register.GS ? withoutBase(aim) : aim, size, memory };
  });
  if (isStateArea(form)) for (const one of aims) if (random.chance(70)) one.aim = DATA.address + BigInt(random.below(0x60) * 64);
  suitRegisters(random, gpr, form);
  for (const { aim, memory } of aims) steer(random, gpr, memory, aim);
  for (const { aim, size } of aims) {
    if (patchable(aim, size) && size <= 64) patches.push({ address: aim, bytes: random.bytes(size) });
  }
  const first = aims[0];
  const wanted = first ? suitMemory(random, gpr, form) : undefined;
  if (first && wanted && patchable(first.aim, wanted.length)) patches.push({ address: first.aim, bytes: wanted.subarray(0, Math.min(first.size, wanted.length)) });
  if (first && isStateArea(form)) patches.push(...restorable(random, first.aim));
  const frame = first && random.chance(85) ? farFrame(random, form) : undefined;
  // Of several accesses, as a far return makes, the lowest is the frame's.
  const lowest = frame && aims.reduce((low, one) => (one.memory.displacement < low.memory.displacement ? one : low));
  if (frame && lowest) {
    const at = lowest.memory.base === Register.RSP && form.accesses.length > 1 ? gpr[4]! : lowest.aim;
    if (patchable(at, frame.length)) patches.push({ address: at, bytes: frame });
  }
  if (form.mnemonic === Mnemonic.Lsl) hideProcessorNumber(gpr, patches, form);
  // The kernel cannot return to user mode with a stack pointer that is not canonical.
  gpr[4] = BigInt.asUintN(64, BigInt.asIntN(48, gpr[4]!));
  const vectors = new Uint8Array(512);
  for (let i = 0; i < 512; i += 32) if (random.chance(70)) vectors.set(random.bytes(32), i);
  for (const { index } of form.accesses) if (RegisterExt.isVectorRegister(index)) nearIndices(random, vectors, form, index);
  const x87 = new Uint8Array(80);
  if (random.chance(30)) x87.set(random.bytes(80));
  let rflags = 0x202n | (random.u64() & ARITHMETIC);
  if (form.string ? random.chance(40) : random.chance(5)) rflags |= 0x400n;
  // Alignment checks, which Linux has switched on for ring 3.
  if (form.accesses.length > 0 && random.chance(4)) rflags |= 0x40000n;
  return { code: form.bytes, rip, rflags, gpr, vectors, x87, patches };
}

/** Linux's descriptor 15 has the number of the processor for its limit, which lsl would read. */
function hideProcessorNumber(gpr: bigint[], patches: Patch[], form: Form): void {
  const hidden = (selector: number): number => ((selector & 0xfffc) >> 3 === 15 ? selector & ~0x40 : selector);
  if (RegisterExt.isGPR(form.op1)) {
    const register = RegisterExt.number(RegisterExt.fullRegister(form.op1));
    gpr[register] = (gpr[register]! & ~0xffffn) | BigInt(hidden(Number(gpr[register]! & 0xffffn)));
  }
  for (const { bytes } of patches) if (bytes.length >= 2) bytes[0] = hidden(bytes[0]! | (bytes[1]! << 8)) & 0xff;
}

/**
 * AMD's processors want an address to be canonical before the base of fs or gs is added, too (measured on a family 1Ah processor), which the
 * emulator does not look for: only what a base below 2 GiB lifts over the border of the upper half shows it.
 */
function withoutBase(aim: bigint): bigint {
  return aim >= 0xffff_7fff_0000_0000n && aim < 0xffff_8000_4000_0000n ? aim & 0xffff_ffffn : aim;
}

function stackTarget(random: Random, size: number): bigint {
  const dice = random.below(100);
  if (dice < 60) return STACK.address + BigInt(random.below((STACK.size - size) >> 3) * 8);
  if (dice < 75) return STACK.address + BigInt(STACK.size) - BigInt(random.below(size + 1));
  if (dice < 85) return STACK.address - BigInt(random.below(size + 1));
  return target(random, size);
}

/** Indices of a gather that reach a few pages at most. */
function nearIndices(random: Random, vectors: Uint8Array, form: Form, index: Register): void {
  const view = new DataView(vectors.buffer);
  const start = 32 * RegisterExt.number(index);
  const wide = /_vm64/.test(Code[form.code]!);
  for (let at = 0; at < 32; at += wide ? 8 : 4) {
    const value = random.below(random.chance(80) ? 64 : 4096) - 16;
    if (wide) view.setBigInt64(start + at, BigInt(value), true);
    else view.setInt32(start + at, value, true);
  }
}

/** The address of slot `slot`'s instruction. */
export function slotEntry(slot: number): bigint {
  return CODE.address + BigInt((slot % (CODE.size / SLOT_SIZE)) * SLOT_SIZE + SLOT_ENTRY);
}

/** Slots in the code region, so cases in a batch. */
export const SLOTS = CODE.size / SLOT_SIZE;

/** An xsave or xrstor through rax or rdx: the components in edx:eax would follow from the address, and the host has others than the emulator. */
export function maskIsAddress(form: Form): boolean {
  const names = (register: Register): boolean => [Register.RAX, Register.RDX].includes(RegisterExt.fullRegister(register));
  return isExtendedSave(form) && form.accesses.some((access) => names(access.base) || names(access.index));
}

/** A random encoding of `one`; undefined when none was found in a few throws. */
export function randomForm(random: Random, one: CodeFacts): Form | undefined {
  const rip = slotEntry(0);
  for (let attempt = 0; attempt < 8; attempt++) {
    const bytes = compose(random, one, rip);
    if (!bytes) continue;
    const form = decodeForm(bytes, rip);
    // A prefix the dice added can make it another instruction (rep + nop is pause). Forms that a vendor does not have are asked about as what it makes of them.
    if ((form.code === one.code || decodeForm(bytes, rip, DecoderOptions.None).code === one.code) && !maskIsAddress(form)) return form;
  }
  return undefined;
}
