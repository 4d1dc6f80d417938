/**
 * From bytes to what the emulator runs: the instruction's shape and the fields of its micro-op. Differences that a lift must not see
 * (register numbers, masked counts, hints that do nothing) are settled here.
 */
import { Code, Decoder, DecoderOptions, EncodingKind, FlowControl, Instruction as IcedInstruction, MemorySizeExt, Mnemonic, OpKind, Register, RegisterExt } from 'iced-x86';
import { STATE } from '../memory/layout.ts';
import type { CpuProfile } from './cpu.ts';
import { liftOf } from './lift/index.ts';
import { isTooLong, MAX_INSTRUCTION_BYTES, rexOf } from './length.ts';
import type { AddressForm, OperandShape, Shape } from './lift/shape.ts';
import { systemInstruction } from './system/index.ts';
import { unavailable } from './units.ts';

export { MAX_INSTRUCTION_BYTES };

/** Addresses in the state of what an operand or address is made of. */
export interface OpFields {
  registers: [number, number, number];
  base: number;
  index: number;
  scale: number;
  segment: number;
  immediate: bigint;
  displacement: bigint;
}

export type Meaning = 'lift' | 'system' | 'unsupported';

export interface Decoded {
  readonly ip: bigint;
  readonly length: number;
  readonly meaning: Meaning;
  /** For `lift`. */
  readonly shape: Shape;
  readonly fields: OpFields;
  /** Direct jumps and calls. */
  readonly target: bigint | undefined;
  /** Control never falls through to the next instruction. */
  readonly ends: boolean;
  /** It ends with a trap, whose saved rip is the next instruction's. */
  readonly traps: boolean;
}

export interface DecodeFailure {
  /** `short`: the bytes end before the instruction does. `long`: it has more than 15 bytes, which is #GP(0) instead of #UD. */
  readonly failure: 'short' | 'invalid' | 'long';
}

/** Register number and state address by iced `Register`, built once. */
interface RegisterFacts {
  readonly size: number;
  readonly address: number;
  readonly kind: 'general' | 'vector' | 'other';
}
const registerFacts = new Map<Register, RegisterFacts>();

function facts(register: Register): RegisterFacts {
  let known = registerFacts.get(register);
  if (known === undefined) {
    const size = RegisterExt.size(register);
    // Of byte registers `number` is iced's own count, in which ah to bh stand among the others.
    const number = RegisterExt.number(RegisterExt.fullRegister(register));
    if (RegisterExt.isGPR(register)) {
      const high = register >= Register.AH && register <= Register.BH;
      known = { size, kind: 'general', address: STATE.GENERAL + 8 * number + (high ? 1 : 0) };
    } else if (RegisterExt.isXMM(register)) known = { size: 16, kind: 'vector', address: STATE.VECTOR + 64 * number };
    else if (RegisterExt.isYMM(register)) known = { size: 32, kind: 'vector', address: STATE.VECTOR + 64 * number };
    else if (RegisterExt.isMM(register)) known = { size: 8, kind: 'vector', address: STATE.X87 + 16 * number };
    else if (RegisterExt.isZMM(register)) known = { size: 64, kind: 'vector', address: STATE.VECTOR + 64 * number };
    else known = { size, kind: 'other', address: STATE.ZERO };
    registerFacts.set(register, known);
  }
  return known;
}

const names = new Map<Mnemonic, string>();
function mnemonicName(mnemonic: Mnemonic): string {
  let name = names.get(mnemonic);
  if (name === undefined) names.set(mnemonic, name = Mnemonic[mnemonic].toLowerCase());
  return name;
}

/** Instructions that do nothing the emulator models: hints, and what they touch is not accessed. */
const NOTHING = new Set([
  'nop', 'pause', 'endbr64', 'endbr32', 'prefetcht0', 'prefetcht1', 'prefetcht2', 'prefetchnta', 'prefetchw', 'prefetchwt1', 'prefetch', 'prefetchit0', 'prefetchit1',
  'reservednop', 'wait', 'serialize', 'cldemote',
  // Reading the shadow stack's pointer leaves the register alone where there is no shadow stack: CR4.CET cannot be set here.
  'rdsspd', 'rdsspq',
]);
const RESERVED_0F0D = new Set<Code>([Code.Reservednop_rm16_r16_0F0D, Code.Reservednop_rm32_r32_0F0D, Code.Reservednop_rm64_r64_0F0D]);
/** Waiting for a store, and reading AMD's counters: CPUID of no profile announces them. */
const ABSENT = new Set(['monitor', 'mwait', 'monitorx', 'mwaitx', 'umonitor', 'umwait', 'tpause', 'rdpru']);
const STRINGS: Readonly<Record<string, readonly [string, number]>> = {
  movsb: ['movs', 1], movsw: ['movs', 2], movsd: ['movs', 4], movsq: ['movs', 8],
  stosb: ['stos', 1], stosw: ['stos', 2], stosd: ['stos', 4], stosq: ['stos', 8],
  lodsb: ['lods', 1], lodsw: ['lods', 2], lodsd: ['lods', 4], lodsq: ['lods', 8],
  scasb: ['scas', 1], scasw: ['scas', 2], scasd: ['scas', 4], scasq: ['scas', 8],
  cmpsb: ['cmps', 1], cmpsw: ['cmps', 2], cmpsd: ['cmps', 4], cmpsq: ['cmps', 8],
};
const SHIFTS = new Set(['shl', 'sal', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr', 'shld', 'shrd']);
const BIT_TESTS = new Set(['bt', 'bts', 'btr', 'btc']);
/** Blends by the sign bits of a register that has no field of its own. */
const SIGN_BLENDS = new Set(['pblendvb', 'blendvps', 'blendvpd', 'vpblendvb', 'vblendvps', 'vblendvpd']);
/** Their size is that of the stack slot. */
const STACK = new Set(['push', 'pop', 'pushf', 'pushfq', 'popf', 'popfq', 'leave']);
/** Renamed to what the lifts are called. */
const RENAMED: Readonly<Record<string, string>> = { pushfq: 'pushf', popfq: 'popf' };
const iced = new IcedInstruction();

/** The instruction in iced's own object, valid until the next call; for what decoding once a page cannot answer. */
export function icedInstruction(bytes: Uint8Array, ip: bigint, vendor: CpuProfile['vendor']): IcedInstruction {
  const decoder = new Decoder(64, bytes, vendor === 'amd' ? DecoderOptions.AMD : DecoderOptions.None);
  try {
    decoder.ip = BigInt.asUintN(64, ip);
    decoder.decodeOut(iced);
    return iced;
  } finally {
    decoder.free();
  }
}

/** Decodes straight-line code in `bytes`, of which the first is at `ip`. */
export class PageDecoder {
  readonly #decoder: Decoder;
  readonly #bytes: Uint8Array;
  readonly #ip: bigint;
  readonly #smap: boolean;
  readonly #vendor: CpuProfile['vendor'];
  readonly #units: number;

  /** `units`: see {@link unavailable}. */
  constructor(bytes: Uint8Array, ip: bigint, profile: CpuProfile, units: number) {
    this.#decoder = new Decoder(64, bytes, profile.vendor === 'amd' ? DecoderOptions.AMD : DecoderOptions.None);
    this.#bytes = bytes;
    this.#ip = BigInt.asUintN(64, ip);
    this.#vendor = profile.vendor;
    this.#units = units;
    this.#smap = profile.features.includes('smap');
    this.#decoder.ip = this.#ip;
  }

  free(): void {
    this.#decoder.free();
  }

  /** The next instruction. */
  next(): Decoded | DecodeFailure {
    const { position } = this.#decoder;
    this.#decoder.decodeOut(iced);
    const bytes = this.#bytes.subarray(position, position + MAX_INSTRUCTION_BYTES + 1);
    if (iced.code === Code.INVALID) {
      // iced's DecoderError: 1 is InvalidInstruction, 2 NoMoreBytes.
      if (this.#decoder.lastError === 2) return { failure: 'short' };
      return { failure: isTooLong(bytes, this.#vendor) ? 'long' : 'invalid' };
    }
    if (iced.code === Code.Pause && isExchange(bytes.subarray(0, iced.length))) {
      const { ip, length } = iced;
      const exchange = new PageDecoder(bytes.slice(length - 2, length), ip, { name: '', vendor: this.#vendor, features: [] }, this.#units);
      try {
        return { ...(exchange.next() as Decoded), length };
      } finally {
        exchange.free();
      }
    }
    return describe(iced, this.#smap, this.#vendor, this.#units);
  }
}

/** rep nop is pause, but not where REX.B makes the nop an exchange of r8 with rax: iced-x86 does not look. */
function isExchange(bytes: Uint8Array): boolean {
  return (rexOf(bytes, bytes.length - 1) & 1) !== 0;
}

const EMPTY_SHAPE: Shape = { mnemonic: '', operands: [], size: 8, repeat: 'none', addressSize: 8, variant: '' };

function emptyFields(): OpFields {
  return { registers: [STATE.ZERO, STATE.ZERO, STATE.ZERO], base: STATE.ZERO, index: STATE.ZERO, scale: 0, segment: STATE.ZERO, immediate: 0n, displacement: 0n };
}

function describe(instruction: IcedInstruction, smap: boolean, vendor: CpuProfile['vendor'], units: number): Decoded {
  const { ip, length } = instruction;
  const fields = emptyFields();
  const flow = instruction.flowControl;
  const ends = flow !== FlowControl.Next && flow !== FlowControl.ConditionalBranch && flow !== FlowControl.Call && flow !== FlowControl.IndirectCall
    && flow !== FlowControl.XbeginXabortXend;
  const target = isNearBranch(instruction.opCount > 0 ? instruction.op0Kind : OpKind.Register) ? instruction.nearBranchTarget : undefined;
  const done = (meaning: Meaning, shape: Shape): Decoded => ({ ip, length, meaning, shape, fields, target, ends, traps: flow === FlowControl.Interrupt });
  let mnemonic = mnemonicName(instruction.mnemonic);
  // Register forms of 0F 0D: a hint that does nothing on Intel's processors, undefined on AMD's.
  if (vendor === 'amd' && RESERVED_0F0D.has(instruction.code)) return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  if (mnemonic === 'clzero' && (instruction.hasRepPrefix || instruction.hasRepnePrefix)) return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  if (vendor === 'amd' && mnemonic === 'serialize') return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  const raises = unavailable(instruction, units);
  if (raises !== undefined) return done('lift', { ...EMPTY_SHAPE, mnemonic: raises });
  if (NOTHING.has(mnemonic)) return done('lift', { ...EMPTY_SHAPE, mnemonic: 'nop' });
  if (mnemonic === 'ud0' || mnemonic === 'ud1') return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  if (ABSENT.has(mnemonic)) return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  if (!smap && (mnemonic === 'stac' || mnemonic === 'clac')) return done('lift', { ...EMPTY_SHAPE, mnemonic: 'ud2' });
  const string = STRINGS[mnemonic];
  if (string !== undefined && isString(instruction)) return done('lift', stringShape(instruction, string, fields));
  mnemonic = RENAMED[mnemonic] ?? mnemonic;
  // A repeat prefix decides what AMD's processors look for, not the opcode (measured on a family 1Ah processor).
  if (vendor === 'amd' && (mnemonic === 'loope' || mnemonic === 'loopne')) mnemonic = instruction.hasRepnePrefix ? 'loopne' : instruction.hasRepPrefix ? 'loope' : mnemonic;
  if (systemInstruction(instruction) !== undefined) return done('system', { ...EMPTY_SHAPE, mnemonic });
  if (liftOf(mnemonic) === undefined || isOtherEncoding(instruction)) return done('unsupported', { ...EMPTY_SHAPE, mnemonic });
  const shape = generalShape(instruction, mnemonic, fields, target, vendor);
  return shape === undefined ? done('unsupported', { ...EMPTY_SHAPE, mnemonic }) : done('lift', shape);
}

/** Encodings that share mnemonics with what the lifts define, but not their meaning: XOP, 3DNow!, Knights Corner, and EVEX with masks, broadcasts or rounding. */
function isOtherEncoding(instruction: IcedInstruction): boolean {
  const { encoding } = instruction;
  if (encoding === EncodingKind.Legacy || encoding === EncodingKind.VEX) return false;
  return encoding !== EncodingKind.EVEX || instruction.hasOpMask || instruction.isBroadcast || instruction.suppressAllExceptions || instruction.roundingControl !== 0;
}

function isNearBranch(kind: OpKind): boolean {
  return kind === OpKind.NearBranch64 || kind === OpKind.NearBranch32 || kind === OpKind.NearBranch16;
}

function isString(instruction: IcedInstruction): boolean {
  for (let k = 0; k < instruction.opCount; k++) {
    const kind = instruction.opKind(k);
    if (kind >= OpKind.MemorySegSI && kind <= OpKind.MemoryESRDI) return true;
  }
  return false;
}

function stringShape(instruction: IcedInstruction, [mnemonic, size]: readonly [string, number], fields: OpFields): Shape {
  let addressSize = 8;
  const operands: OperandShape[] = [];
  for (let k = 0; k < instruction.opCount; k++) {
    const kind = instruction.opKind(k);
    if (kind === OpKind.MemoryESEDI || kind === OpKind.MemorySegESI) addressSize = 4;
    if (kind !== OpKind.MemorySegRSI && kind !== OpKind.MemorySegESI) continue;
    fields.base = STATE.GENERAL + 8 * 6;
    const segment = segmentBase(instruction);
    fields.segment = segment;
    operands.push({ kind: 'memory', size, form: addressSize === 4 ? 'a' : segment === STATE.ZERO ? 'b' : 's' });
  }
  const repeat = instruction.hasRepnePrefix ? 'repne' : instruction.hasRepPrefix ? 'rep' : 'none';
  return { mnemonic, operands, size, repeat, addressSize, variant: '' };
}

function memorySize(instruction: IcedInstruction, mnemonic: string, vendor: CpuProfile['vendor']): number {
  if (mnemonic === 'lea') return 0;
  // AMD's processors read the 4 bytes that the encoding without prefix reads.
  if (instruction.code === Code.Movsxd_r16_rm16 && vendor === 'amd') return 4;
  return MemorySizeExt.size(instruction.memorySize);
}

function generalShape(instruction: IcedInstruction, mnemonic: string, fields: OpFields, target: bigint | undefined, vendor: CpuProfile['vendor']): Shape | undefined {
  const operands: OperandShape[] = [];
  const count = instruction.opCount;
  let immediate: number | undefined;
  for (let k = 0; k < count; k++) {
    const kind = instruction.opKind(k);
    if (kind === OpKind.Register) {
      const register = facts(instruction.opRegister(k));
      if (register.kind === 'other') return undefined;
      if (k === 3) {
        // There are three fields for registers; the fourth of a VEX blend takes the immediate's, which it does not have.
        if (!SIGN_BLENDS.has(mnemonic)) return undefined;
        fields.immediate = BigInt(register.address);
        operands.push({ kind: 'immediate', size: 8 });
        continue;
      }
      fields.registers[k] = register.address;
      operands.push({ kind: register.kind === 'general' ? 'register' : 'vector', size: register.size });
    } else if (kind === OpKind.Memory) {
      const form = addressFields(instruction, fields, mnemonic === 'lea');
      if (form === undefined) return undefined;
      // A bit string's address is cut to 32 bits after the offset was added and before the segment base is.
      if (form === 'a' && fields.segment !== STATE.ZERO && BIT_TESTS.has(mnemonic)) return undefined;
      operands.push({ kind: 'memory', size: memorySize(instruction, mnemonic, vendor), form });
    } else if (isNearBranch(kind)) {
      operands.push({ kind: 'target', size: kind === OpKind.NearBranch16 ? 2 : 8 });
    } else if (kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64) {
      if (immediate !== undefined) return undefined;
      immediate = k;
      operands.push({ kind: 'immediate', size: 0 });
    } else return undefined;
  }
  if (SIGN_BLENDS.has(mnemonic) && operands.length === 2) {
    fields.immediate = BigInt(facts(Register.XMM0).address);
    operands.push({ kind: 'immediate', size: 8 });
  }
  let size = operands[0]?.size ?? 8;
  if (STACK.has(mnemonic) || mnemonic === 'pushf' || mnemonic === 'popf') {
    size = mnemonic === 'leave' ? (instruction.code === Code.Leavew ? 2 : 8) : Math.abs(instruction.stackPointerIncrement);
    // A pop to memory addresses it with rsp already moved.
    if (mnemonic === 'pop' && operands[0]?.kind === 'memory' && (instruction.memoryBase === Register.RSP || instruction.memoryBase === Register.ESP)) fields.displacement += BigInt(size);
  }
  if (operands[0]?.kind === 'target' || size === 0) size = 8;
  // A near return's width does not show in its operands.
  let variant = instruction.code === Code.Retnw || instruction.code === Code.Retnw_imm16 ? '16' : '';
  if (immediate !== undefined) {
    let value = instruction.immediate(immediate);
    if (SHIFTS.has(mnemonic)) {
      value &= size === 8 ? 63n : 31n;
      if (value !== 0n) variant = 'n';
    } else if (BIT_TESTS.has(mnemonic)) value &= BigInt(8 * size - 1);
    else if (mnemonic !== 'ret') value = BigInt.asIntN(8 * size, value);
    fields.immediate = BigInt.asIntN(64, value);
    operands[immediate] = { kind: 'immediate', size };
  }
  if (target !== undefined) fields.immediate = BigInt.asIntN(64, target);
  const addressSize = mnemonic.startsWith('loop') && /_(?:64_)?ECX$/.test(Code[instruction.code]) ? 4 : 8;
  return { mnemonic, operands, size, repeat: 'none', addressSize, variant };
}

function segmentBase(instruction: IcedInstruction): number {
  const segment = instruction.memorySegment;
  if (segment === Register.FS) return STATE.SEGMENT_BASES + 8 * 4;
  if (segment === Register.GS) return STATE.SEGMENT_BASES + 8 * 5;
  return STATE.ZERO;
}

function addressFields(instruction: IcedInstruction, fields: OpFields, noSegment: boolean): AddressForm | undefined {
  const { memoryBase, memoryIndex } = instruction;
  fields.displacement = BigInt.asIntN(64, instruction.memoryDisplacement);
  let narrow = instruction.memoryDisplSize === 4 && memoryBase === Register.None && memoryIndex === Register.None;
  if (memoryBase === Register.EIP) narrow = true;
  else if (memoryBase !== Register.None && memoryBase !== Register.RIP) {
    const base = facts(memoryBase);
    if (base.kind !== 'general') return undefined;
    narrow = base.size === 4;
    fields.base = base.address;
  }
  if (memoryIndex !== Register.None) {
    const index = facts(memoryIndex);
    if (index.kind !== 'general') return undefined;
    narrow = index.size === 4;
    fields.index = index.address;
    fields.scale = Math.log2(instruction.memoryIndexScale);
  }
  fields.segment = noSegment ? STATE.ZERO : segmentBase(instruction);
  if (narrow) return 'a';
  if (fields.segment !== STATE.ZERO) return 's';
  return memoryIndex === Register.None ? 'b' : 'x';
}
