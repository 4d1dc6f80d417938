/**
 * Encodings ("forms") of each mnemonic, read from iced's tables when a mnemonic is first used: a whole table costs 20 ms,
 * the few dozen mnemonics of a file far less than one.
 */
import { Code, CodeExt, EncodingKind, Instruction, MemorySize, MemorySizeExt, Mnemonic } from 'iced-x86';
import type { OpCodeOperandKind } from 'iced-x86';
import { generalSize, shapeOf } from './operand-kinds.ts';
import type { OperandShape } from './operand-kinds.ts';

/** One way to encode a mnemonic. Plain data: nothing to free. */
export interface Form {
  readonly code: Code;
  /** iced's name of the code: `Mov_rm32_r32`. */
  readonly name: string;
  readonly encoding: EncodingKind;
  readonly kinds: readonly OpCodeOperandKind[];
  readonly shapes: readonly OperandShape[];
  /** Operand size in bits that an AT&T suffix selects, 0 where there is none. */
  readonly size: number;
  /** AT&T suffixes that select this form. */
  readonly suffixes: readonly string[];
  /** Address size in bits that the form prescribes (monitor, loop, jrcxz), else 0. */
  readonly addressSize: number;
  /** True where 64-bit mode takes this size without a suffix (push, call, ret). */
  readonly default64: boolean;
  readonly memoryBytes: number;
  /** Elements of a broadcast: the n of `{1to n}`, 0 where there is none. */
  readonly broadcast: number;
  readonly lock: boolean;
  readonly repeat: boolean;
  readonly bound: boolean;
  readonly notrack: boolean;
  readonly hle: boolean;
  readonly mask: boolean;
  readonly maskRequired: boolean;
  readonly zeroing: boolean;
  readonly rounding: boolean;
  readonly suppress: boolean;
  readonly modes: { readonly 16: boolean; readonly 32: boolean; readonly 64: boolean };
  /**
   * Which general registers a 32-bit (16-bit in 16-bit mode) position takes though it names one width, because gas
   * encodes them all alike: `mov %rax,%ds`, `pextrw $0,%xmm0,%rax`, `lldt %ax`.
   */
  readonly widths: readonly number[];
  /** {@link widths} counts for the position that memory could take, not for others. */
  readonly blindMemoryOnly: boolean;
  /** A register of any width, but a word in memory (`mov %ds,(%rax)`): the suffix is that of the operand as written. */
  readonly word: boolean;
}

/** Forms gas has no name for, or encodes otherwise. */
const EXCLUDED = /^(MVEX_|VEX_KNC_|Sal_|Reservednop_|Cmpxchg486_|Mov_r32_tr|Mov_tr_r32|Undoc|Bswap_r16$|D[bwdq]_|DeclareByte|Jmpe_|L[fgs]s_r64_m1664|(Call|Jmp)_m1664|Movsxd_r16_|Ud0_r(16|32|64)$|Prefetchreserved)/;

/** Positions of a general register whose width gas does not encode, by the names of the codes. */
const WIDTH_BLIND: readonly { readonly names: RegExp; readonly widths: readonly number[]; readonly memoryOnly?: true }[] = [
  { names: /^(Lar|Lsl)_r32_r32m16$/, widths: [16, 32], memoryOnly: true },
  { names: /^(Lar|Lsl)_r64_r64m16$/, widths: [16, 64], memoryOnly: true },
  { names: /^Mov_Sreg_(rm16|r32m16|r64m16)$/, widths: [16, 32, 64] },
  { names: /^Mov_(r32m16|r64m16)_Sreg$/, widths: [32, 64] },
  { names: /^(Sldt|Str)_(r32m16|r64m16)$/, widths: [32, 64] },
  { names: /^Arpl_/, widths: [16, 32, 64] },
  { names: /^(Lldt|Ltr|Verr|Verw|Lmsw)_/, widths: [16, 32, 64] },
  { names: /^(VEX_V|EVEX_V)?p(extr|insr)[bw]_/i, widths: [32, 64] },
  { names: /^(VEX_V)?(movmskp[sd]|pmovmskb)_/i, widths: [32, 64] },
  { names: /^(VEX_V|EVEX_V)?extractps_/i, widths: [32, 64] },
];

const WORD_IN_MEMORY = /^(Mov_Sreg_r32m16|(Mov|Sldt|Str|Smsw)_r32m16(_Sreg)?|(Lldt|Ltr|Verr|Verw|Lmsw)_.*)$/;

const VECTOR_SUFFIX = /^v(cvt(t?pd2u?dq|pd2ps|pd2ph|u?qq2p[sh]|u?dq2ph|ps2phx|neps2bf16)|fpclassp[sdh])$/;

/** Those of them whose destination is the same register for each size. */
const VECTOR_SUFFIX_Z = /^v(cvt(pd2ph|u?qq2ph)|fpclassp[sdh])$/;

/** Moves between general and vector registers have their size in the name already; a few others have one size only. */
const NO_SUFFIX = /^(v?(p(insr|extr)[bwdq]|mov[dq]|extractps)|kmov[bwdq]|rdrand|rdseed|rdpid|fn?stsw|movsxd|(rd|wr)[fg]sbase|inv(ept|vpid|pcid)|cmp[a-z]+xadd)$/;

const GENERAL_SUFFIX: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'l', 64: 'q' };

const X87_SUFFIXES: Partial<Record<MemorySize, readonly string[]>> = {
  [MemorySize.Float32]: ['s'],
  [MemorySize.Float64]: ['l'],
  [MemorySize.Float80]: ['t'],
  [MemorySize.Int16]: ['s'],
  [MemorySize.Int32]: ['l'],
  [MemorySize.Int64]: ['ll', 'q'],
  [MemorySize.UInt16]: ['w'],
};

let codesOf: Map<string, Code[]> | undefined;
const formsOf = new Map<string, readonly Form[]>();

function allCodes(): Map<string, Code[]> {
  if (codesOf === undefined) {
    codesOf = new Map();
    // Asking one instruction for the mnemonic of each code in turn takes 1 ms; CodeExt.opCode() would take ten.
    const probe = new Instruction();
    for (let code: Code = 1; Code[code] !== undefined; code++) {
      probe.code = code;
      const name = (Mnemonic[probe.mnemonic] ?? '').toLowerCase();
      const list = codesOf.get(name);
      if (list === undefined) codesOf.set(name, [code]);
      else list.push(code);
    }
    probe.free();
  }
  return codesOf;
}

/** Every mnemonic of iced's, lower case. */
export function icedMnemonics(): readonly string[] {
  return [...allCodes().keys()];
}

/** The forms of iced's mnemonic `mnemonic` (lower case, no suffix), in iced's order; empty if it has none. */
export function forms(mnemonic: string): readonly Form[] {
  let found = formsOf.get(mnemonic);
  if (found === undefined) {
    found = (allCodes().get(mnemonic) ?? []).flatMap((code) => readForm(code, mnemonic) ?? []);
    formsOf.set(mnemonic, found);
  }
  return found;
}

function readForm(code: Code, mnemonic: string): Form | undefined {
  const name = Code[code] ?? '';
  if (EXCLUDED.test(name)) return undefined;
  const info = CodeExt.opCode(code);
  try {
    if (!info.isInstruction && mnemonic !== 'wait') return undefined;
    const kinds: OpCodeOperandKind[] = [];
    for (let position = 0; position < info.opCount; position++) kinds.push(info.opKind(position));
    const shapes = kinds.map(shapeOf);
    const size = operandSize(mnemonic, info.operandSize, kinds);
    const blind = WIDTH_BLIND.find((row) => row.names.test(name));
    const widths = blind?.widths ?? [];
    if (widths.length > 0 && blind?.memoryOnly !== true && /r64/.test(name)) return undefined;
    // Of two forms that mean the same, the one without an operand-size prefix.
    const twin = widths.length === 3 && blind?.memoryOnly !== true;
    const narrow = /rm16(_r16)?$/.test(name);
    const modes = twin
      ? { 16: narrow && info.mode16, 32: !narrow && info.mode32, 64: !narrow && info.mode64 }
      : { 16: info.mode16, 32: info.mode32, 64: info.mode64 };
    const word = WORD_IN_MEMORY.test(name);
    const bytes = MemorySizeExt.size(info.memorySize);
    return {
      code, name, kinds, shapes, size, widths, word,
      encoding: info.encoding,
      suffixes: word ? ['w', 'l', 'q'] : suffixesOf(mnemonic, info.encoding, size, info.memorySize, shapes, bytes),
      addressSize: info.addressSize,
      default64: info.defaultOpSize64 || info.forceOpSize64,
      memoryBytes: bytes,
      broadcast: info.canBroadcast ? bytes / MemorySizeExt.size(info.broadcastMemorySize) : 0,
      lock: info.canUseLockPrefix,
      repeat: info.canUseRepPrefix || info.canUseRepnePrefix,
      bound: info.canUseBndPrefix,
      notrack: info.canUseNotrackPrefix,
      hle: info.canUseXacquirePrefix || info.canUseXreleasePrefix,
      mask: info.canUseOpMaskRegister,
      maskRequired: info.requireOpMaskRegister,
      zeroing: info.canUseZeroingMasking,
      rounding: info.canUseRoundingControl,
      suppress: info.canSuppressAllExceptions,
      modes,
      blindMemoryOnly: blind?.memoryOnly === true,
    };
  } finally {
    info.free();
  }
}

function operandSize(mnemonic: string, declared: number, kinds: readonly OpCodeOperandKind[]): number {
  const sizes = kinds.map(generalSize).filter((size) => size !== 0);
  // The suffix of crc32 is its source's size; its destination is always 32 or 64 bits.
  if (mnemonic === 'crc32') return sizes.at(-1) ?? 0;
  if (declared !== 0) return declared;
  if (mnemonic === 'sysexitq' || mnemonic === 'sysretq' || /^(lgdt|lidt|sgdt|sidt)$/.test(mnemonic)) return 64;
  if (mnemonic === 'sysexit' || mnemonic === 'sysret') return 32;
  return sizes[0] ?? 0;
}

function suffixesOf(
  mnemonic: string, encoding: EncodingKind, size: number, memory: MemorySize, shapes: readonly OperandShape[], bytes: number,
): readonly string[] {
  const takesMemory = shapes.some((shape) => shape.memory !== undefined);
  if (mnemonic.startsWith('f') && encoding === EncodingKind.Legacy && takesMemory) return X87_SUFFIXES[memory] ?? [];
  // gas ignores the suffix of these where they name a register.
  if (/^f(ld|st|stp|com|comp)$/.test(mnemonic) && !takesMemory) return ['l'];
  if (memory === MemorySize.SegPtr64) return [];
  if (NO_SUFFIX.test(mnemonic) || (mnemonic === 'nop' && shapes.length === 0)) return [];
  if (VECTOR_SUFFIX.test(mnemonic)) return bytes === 16 ? ['x'] : bytes === 32 ? ['y'] : VECTOR_SUFFIX_Z.test(mnemonic) ? ['z'] : [];
  if (shapes.some((shape) => shape.branch !== undefined) && !/^(jmp|call)$/.test(mnemonic)) return [];
  const suffix = GENERAL_SUFFIX[size];
  return suffix === undefined ? [] : [suffix];
}
